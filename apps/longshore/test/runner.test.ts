/** What keeps `longshore cluster run` from starting, as far as no database is needed for it. */
import { writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it, type TestContext } from "vitest"
import { laboratory } from "./program.ts"

const password = "pass-w0rd-0123456789"
const env = {
  LONGSHORE_DATABASE_URL: `postgres://longshore:${password}@127.0.0.1:1/exports`,
  LONGSHORE_CLUSTER_TOKEN: "a-token-of-the-cluster-0123456789",
  CLIENT: "CLIENT0TOKEN0E0D439EE522F44368DC7",
  LISBON: "ACCESS0TOKEN0C66EF7B239D24632943D",
  PORTO: "ACCESS1TOKEN0C66EF7B239D24632943D",
  // Of whatever started it.
  PORT: "abc",
  HOST: "elsewhere"
}

const accounts = `
client-token = { env = "CLIENT" }

[accounts.lisbon]
access-token = { env = "LISBON" }

[accounts."Porto 2"]
access-token = { env = "PORTO" }
`

interface Start {
  readonly settings?: string
  readonly to?: string
  readonly env?: Record<string, string>
  readonly args?: ReadonlyArray<string>
}

const start = async (context: TestContext, { args = [], env: more = {}, settings = accounts, to }: Start) => {
  const lab = laboratory(context)
  const folder = await lab.folder()
  const file = Path.join(folder, "longshore.toml")
  await writeFile(file, settings)
  const ended = await lab.longshore(
    ["cluster", "run", "--config", file, "--to", to ?? Path.join(folder, "data"), ...args],
    { env: { ...env, ...more } }
  )
  expect(ended.stdout.toString()).toBe("")
  const secrets = [
    password,
    ...Object.entries(env).flatMap(([name, text]) => (/TOKEN|CLIENT|LISBON|PORTO/.test(name) ? text : []))
  ]
  for (const secret of secrets) expect(ended.stderr).not.toContain(secret)
  return { code: ended.code, said: ended.stderr, file }
}

describe.concurrent("a runner that cannot start says why, and what to do", () => {
  it.for<[what: string, start: Start, code: number, says: ReadonlyArray<string>]>([
    ["stdout as a target", { to: "-" }, 2, ["cannot deliver to stdout", "Name a folder that all runners share"]],
    ["no accounts", { settings: "concurrency = 4" }, 3, ["there are none", "[accounts.NAME]"]],
    [
      "an account without a token, whatever the environment has for others",
      {
        settings: `${accounts}\n[accounts.faro]\nto = "x"\n`,
        env: { LONGSHORE_ACCESS_TOKEN: "ACCESS2TOKEN0C66EF7B239D24632943D" }
      },
      3,
      ['The account "faro" has no access-token.', "Write access-token = {", "[accounts.faro]"]
    ],
    [
      "a token that cannot be read",
      { env: { PORTO: "" } },
      3,
      ['The access-token of the account "Porto 2" cannot be read', "is not set"]
    ],
    [
      "two accounts with one token",
      { env: { PORTO: env.LISBON } },
      3,
      ['The accounts "lisbon" and "Porto 2" have the same access token.']
    ],
    [
      "an address that is none",
      { settings: `${accounts}\nplatform-address = "http://api.mews.com"\n` },
      3,
      ['The account "Porto 2" has a platform-address that cannot be used']
    ],
    [
      "no database",
      { env: { LONGSHORE_DATABASE_URL: "" } },
      3,
      ["There is no database.", "Set LONGSHORE_DATABASE_URL"]
    ],
    [
      "a database that is none of PostgreSQL",
      { env: { LONGSHORE_DATABASE_URL: `mysql://longshore:${password}@127.0.0.1/exports` } },
      3,
      ["from LONGSHORE_DATABASE_URL, is not one of PostgreSQL"]
    ],
    [
      "no token for the HTTP front",
      { env: { LONGSHORE_CLUSTER_TOKEN: "" } },
      3,
      ["has no token", "openssl rand -hex 32", "--listen none"]
    ],
    ["a token that can be guessed", { env: { LONGSHORE_CLUSTER_TOKEN: "secret-one" } }, 3, ["shorter than 16"]],
    ["an address to listen on that is none", { args: ["--listen", "8080"] }, 2, ["a host and a port such as"]],
    ["events on stdout", { args: ["--events", "-"] }, 2, ["writes no events to stdout"]],
    [
      "a schedule for an account that is not there",
      { settings: `${accounts}\n[schedules.a]\ncron = "0 3 * * *"\nentity-types = ["Bill"]\naccounts = ["lisboa"]\n` },
      3,
      ['[schedules.a] names an account "lisboa"', "Did you mean lisbon?"]
    ],
    [
      "a schedule into a folder that cannot be",
      { settings: `${accounts}\n[schedules.a]\ncron = "0 3 * * *"\nentity-types = ["Bill"]\n` },
      3,
      ["[schedules.a] could not be submitted: path: \"Porto 2\", the account's name, cannot be a folder's name"]
    ],
    ["a folder that cannot be", { to: "/dev/null/data" }, 9, ["/dev/null/data"]],
    [
      "a log that cannot be written",
      { args: ["--log-file", "/nowhere/log"] },
      3,
      ["The log file /nowhere/log cannot be written (ENOENT)"]
    ]
  ])("%s", { timeout: 30_000 }, async ([, options, code, says], context) => {
    const ended = await start(context, options)
    expect(ended.said.split("\n").filter((line) => line !== "")).toHaveLength(1)
    for (const words of says) expect(ended.said).toContain(words)
    expect(ended.said).toMatch(/^longshore: .+ Next: /)
    expect(ended.code).toBe(code)
  })

  it("a database that does not answer is waited for, until somebody stops it", { timeout: 30_000 }, async (context) => {
    const lab = laboratory(context)
    const folder = await lab.folder()
    const file = Path.join(folder, "longshore.toml")
    await writeFile(file, accounts)
    const { child, ended, says } = lab.start(["cluster", "run", "--config", file, "--to", folder], { env })
    await says(/127\.0\.0\.1:1\/exports does not answer \(ECONNREFUSED\)\. (Waiting for it)\n/)
    const at = Date.now()
    child.kill("SIGTERM")
    const { code, stderr } = await ended
    expect(Date.now() - at).toBeLessThan(3_000)
    expect(code).toBe(0)
    expect(stderr).not.toContain(password)
  })
})
