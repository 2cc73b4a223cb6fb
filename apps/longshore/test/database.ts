/** The PostgreSQL of `node scripts/postgres.mjs`: a database for each test, and an outage for those who ask for one. */
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { stat } from "node:fs/promises"
import * as Path from "node:path"
import { promisify } from "node:util"
import type { TestContext } from "vitest"

const run = promisify(execFile)
const {
  LONGSHORE_TEST_DATABASE_URL: server,
  LONGSHORE_TEST_POSTGRES_BIN: bin = "",
  LONGSHORE_TEST_POSTGRES_DATA: data = ""
} = process.env

/** Skips a test, and says why, where there is no database. */
export const needsPostgres = ({ skip }: Pick<TestContext, "skip">): void => {
  if (server === undefined) skip("needs PostgreSQL: pnpm cluster-test")
}

export interface Database {
  readonly url: string
  readonly password: string
  /** Runs statements, and gives the rows as text. */
  readonly query: (sql: string) => Promise<string>
  /** Every row of every table, as SQL. */
  readonly dump: () => Promise<string>
}

/** A database that is gone after the test. */
export const database = async ({ onTestFinished }: Pick<TestContext, "onTestFinished">): Promise<Database> => {
  if (server === undefined) throw new Error("LONGSHORE_TEST_DATABASE_URL is not set.")
  const name = `longshore_${randomBytes(6).toString("hex")}`
  const psql = async (url: string, sql: string) =>
    (await run(Path.join(bin, "psql"), [url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql], { maxBuffer: 2 ** 30 }))
      .stdout
  await psql(server, `CREATE DATABASE ${name}`)
  onTestFinished(async () => void (await psql(server, `DROP DATABASE ${name} WITH (FORCE)`)))
  const url = new URL(server)
  url.pathname = name
  return {
    url: url.href,
    password: url.password,
    query: (sql) => psql(url.href, sql),
    dump: async () => (await run(Path.join(bin, "pg_dump"), [url.href, "--inserts"], { maxBuffer: 2 ** 30 })).stdout
  }
}

/** The server refuses to run as root: whoever owns its files is to start it. */
const control = async (...args: ReadonlyArray<string>) => {
  const { gid, uid } = await stat(data)
  const all = ["-D", data, "-l", Path.join(data, "..", "log"), "-w", ...args]
  await run(Path.join(bin, "pg_ctl"), all, { uid, gid, cwd: data })
}

/** Stops the server at once, as a crash does, for as long as `during` takes. All databases are away meanwhile. */
export const outage = async (during: () => Promise<void>): Promise<void> => {
  await control("-m", "immediate", "stop")
  try {
    await during()
  } finally {
    await control("start")
  }
}
