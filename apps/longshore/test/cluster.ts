/** Runners of the built program as processes, with a database and a simulator of their own, and a client of their HTTP front. */
import type { ExportRequest } from "@longshore/core/Export"
import * as Simulator from "@longshore/simulator/Simulator"
import * as Witness from "@longshore/simulator/Witness"
import * as Effect from "effect/Effect"
import { createHash, randomBytes } from "node:crypto"
import { readdir, readFile, stat, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { TestContext } from "vitest"
import { database } from "./database.ts"
import { leaks, watchedSimulator } from "./leaks.ts"
import { delivered, laboratory } from "./program.ts"

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Ports of loopback that nobody listens on now. */
export const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

type Started = ReturnType<ReturnType<typeof laboratory>["start"]>

export interface Runner {
  readonly name: string
  readonly pid: number
  /** Of its HTTP front. */
  readonly url: string
  readonly isAlive: () => boolean
  /** With SIGSTOP it is asked nothing until SIGCONT. */
  readonly signal: (signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT") => void
  readonly ended: Started["ended"]
}

export interface ClusterOptions {
  readonly accounts: ReadonlyArray<string>
  readonly simulator: Simulator.SimulatorOptions
  /** Flags of every runner, beside addresses and files. */
  readonly flags?: ReadonlyArray<string>
  /** Where to deliver. Default: a folder of the test's own. */
  readonly to?: string
  readonly env?: Readonly<Record<string, string>>
}

/** What a submitted run tells of itself. */
export interface Run {
  readonly id: string
  readonly state: string
  readonly [name: string]: unknown
}

const ended = (run: Run) => ["complete", "failed", "cancelled"].includes(run.state)

export const cluster = async (context: TestContext, options: ClusterOptions) => {
  const lab = laboratory(context)
  const { links, url, witness } = await watchedSimulator(context, options.simulator)
  const { dump, password, query, url: databaseUrl } = await database(context)
  const folder = await lab.folder()
  const base = options.to ?? Path.join(folder, "data")
  const clusterToken = randomBytes(16).toString("hex")
  const tokens = Object.fromEntries(
    options.accounts.map((name) => [
      name,
      {
        clientToken: `CLIENT/${name}+${randomBytes(12).toString("hex")}=&`,
        accessToken: `ACCESS/${name}+${randomBytes(12).toString("hex")}=&`
      }
    ])
  )
  // Each runner's settings: tokens are in its environment, the file says where.
  const settingsFile = Path.join(folder, "longshore.toml")
  const variables: Record<string, string> = {}
  const settings = Object.entries(tokens).map(([name, both], n) => {
    variables[`CLIENT_${n}`] = both.clientToken
    variables[`ACCESS_${n}`] = both.accessToken
    return [
      `[accounts.${name}]`,
      `platform-address = "${url}"`,
      `client-token = { env = "CLIENT_${n}" }`,
      `access-token = { env = "ACCESS_${n}" }`
    ].join("\n")
  })
  await writeFile(settingsFile, settings.join("\n\n"))
  const accountOf = new Map(Object.entries(tokens).map(([name, both]) => [Simulator.accountOf(both.accessToken), name]))

  let started = 0
  const all: Array<Runner> = []
  const frozen = new Set<string>()
  const said = new Map<string, string>()
  /** Runs that a client waits for. */
  const open = new Map<string, Run>()
  context.onTestFailed(() => {
    for (const run of open.values()) console.error("unfinished:", JSON.stringify(run))
    for (const [name, text] of said) console.error(`== ${name} said at last:\n${text.slice(-4000)}`)
  })
  const alive = () => all.filter((runner) => runner.isAlive() && !frozen.has(runner.name))

  const start = async (): Promise<Runner> => {
    const name = `runner ${++started}`
    const [port, front] = [await freePort(), await freePort()]
    const running = lab.start(
      [
        "cluster",
        "run",
        `--config=${settingsFile}`,
        `--to=${base}`,
        "--runner-host=127.0.0.1",
        `--runner-port=${port}`,
        `--listen=127.0.0.1:${front}`,
        ...(options.flags ?? [])
      ],
      {
        env: {
          ...options.env,
          ...variables,
          LONGSHORE_DATABASE_URL: databaseUrl,
          LONGSHORE_CLUSTER_TOKEN: clusterToken,
          NODE_COMPILE_CACHE: Path.join(folder, "cache")
        }
      }
    )
    const { child } = running
    let isAlive = true
    child.once("exit", () => (isAlive = false))
    const runner: Runner = {
      name,
      pid: child.pid ?? 0,
      url: `http://127.0.0.1:${front}`,
      isAlive: () => isAlive,
      signal: (signal) => {
        if (signal === "SIGSTOP") frozen.add(name)
        if (signal === "SIGCONT") frozen.delete(name)
        child.kill(signal)
      },
      ended: running.ended
    }
    for (const stream of [child.stderr, child.stdout]) {
      stream?.on("data", (chunk: Buffer) => said.set(name, (said.get(name) ?? "") + chunk.toString()))
    }
    await running.says(/(is ready)/)
    all.push(runner)
    return runner
  }

  /** Asks any runner that lives; one that is killed meanwhile is no answer, and another one is asked. */
  const call = async (method: string, path: string, body?: unknown): Promise<any> => {
    const give = Date.now() + 60_000
    for (let n = 0; ; n++) {
      const runners = alive()
      const runner = runners[n % Math.max(1, runners.length)]
      let problem = "no runner lives"
      if (runner !== undefined) {
        try {
          const response = await fetch(`${runner.url}${path}`, {
            method,
            headers: { authorization: `Bearer ${clusterToken}`, "content-type": "application/json" },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            signal: AbortSignal.timeout(15_000)
          })
          const text = await response.text()
          if (response.ok) return JSON.parse(text)
          problem = `${method} ${path}: ${response.status} ${text}`
          if (response.status < 500) throw new Refused(problem)
        } catch (error) {
          if (error instanceof Refused) throw error
          problem = String(error)
        }
      }
      if (Date.now() > give) throw new Error(problem)
      await sleep(200)
    }
  }

  const submit = async (account: string, request: ExportRequest, more: object = {}): Promise<string> =>
    (await call("POST", "/exports", { account, request, ...more })).id

  /** Waits as a client does, across kills. */
  const finished = async (id: string): Promise<Run> => {
    for (;;) {
      const run: Run = await call("GET", `/exports/${id}/wait?timeout=5`)
      open.set(id, run)
      if (!ended(run)) continue
      open.delete(id)
      return run
    }
  }

  /** What the simulator accepted, with digests and the account's name. */
  const digests = new Map<string, string>()
  const exports = async () =>
    (await Effect.runPromise(witness.exports)).map(({ account, createdAt, entityType, files, id }) => ({
      id,
      entityType,
      account: accountOf.get(account) ?? "nobody",
      createdAt: Date.parse(createdAt),
      files: files.map(({ etag, read, size }) => {
        const digest = digests.get(etag) ?? sha256(Buffer.concat([...read(0, size)]))
        digests.set(etag, digest)
        return { size, sha256: digest }
      })
    }))
  const requests = () => Effect.runPromise(witness.requests)

  return {
    base,
    start,
    alive,
    query,
    submit,
    call,
    finished,
    exports,
    requests,
    addFault: (fault: Parameters<typeof witness.addFault>[0]) => Effect.runPromise(witness.addFault(fault)),
    clearFaults: () => Effect.runPromise(witness.clearFaults),
    /** What each account asked of the API. */
    use: async () =>
      Witness.accounts(await requests()).map((use) => ({ ...use, account: accountOf.get(use.account) ?? "nobody" })),
    /** Times of the GETs of bytes, oldest first: milliseconds since 1970. */
    downloads: async () =>
      (await requests())
        .filter(({ kind }) => kind === "file")
        .map(({ at, bytes, receivedAt, status }) => ({
          from: Date.parse(receivedAt),
          to: Date.parse(at),
          bytes,
          status
        }))
        .sort((a, b) => a.from - b.from),
    /** Exports of which nothing was delivered. All of the others are there, byte for byte, and nothing that is partial. */
    undelivered: async () => {
      const accepted = await exports()
      const there = await Promise.all(
        accepted.map(({ account, entityType, id }) =>
          readdir(Path.join(base, account, entityType, id)).then(
            (names) => names.length > 0,
            () => false
          )
        )
      )
      for (const name of options.accounts) {
        const own = accepted.filter((found, index) => there[index] === true && found.account === name)
        await delivered(Path.join(base, name), own)
      }
      return accepted.filter((_, index) => there[index] !== true)
    },
    /** The runner that bytes pass through: what others read is little beside it. */
    busiest: async (): Promise<Runner> => {
      for (let tries = 0; tries < 20; tries++) {
        const before = new Map(
          await Promise.all(alive().map(async (runner) => [runner, await readBytes(runner)] as const))
        )
        await sleep(500)
        const grown = await Promise.all(
          [...before].map(async ([runner, bytes]) => ({ runner, bytes: (await readBytes(runner)) - bytes }))
        )
        const [first, second] = grown.sort((a, b) => b.bytes - a.bytes)
        if (first !== undefined && first.bytes > 100_000 && first.bytes > 3 * (second?.bytes ?? 0)) return first.runner
      }
      throw new Error("No runner transfers.")
    },
    /** Secrets in the whole of the database and in what runners said. */
    leaks: async (): Promise<ReadonlyArray<string>> => {
      const secrets: Record<string, string> = {
        "the cluster's token": clusterToken,
        "the database's password": password,
        // What all links have in common, before and in their signature.
        "a link's query": "sv=2024-11-04&sr=b&sp=r&se="
      }
      for (const [name, { accessToken, clientToken }] of Object.entries(tokens)) {
        secrets[`client token of ${name}`] = clientToken
        secrets[`access token of ${name}`] = accessToken
      }
      const signatures = Object.entries(links).filter(([name]) => name.startsWith("signature"))
      for (const [name, signature] of signatures.slice(-50)) secrets[name] = signature
      return leaks(secrets, new Map([["the database", await dump()], ...said]))
    }
  }
}

/** A generator from a seed, so that a failing run can be tried again (the machine's timing stays its own). */
export const generator = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

class Refused extends Error {}

/** Bytes that a process has read, from sockets as well. */
const readBytes = async ({ pid }: Runner): Promise<number> =>
  Number(/^rchar: (\d+)/m.exec(await readFile(`/proc/${pid}/io`, "utf8"))?.[1] ?? 0)

/** Every file below a folder: what it holds, and what tells that somebody wrote it again. */
export const filesBelow = async (folder: string) => {
  const found: Record<string, { readonly sha256: string; readonly mtime: number; readonly inode: number }> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = Path.join(entry.parentPath, entry.name)
    const { ino, mtimeMs } = await stat(path)
    found[Path.relative(folder, path)] = { sha256: sha256(await readFile(path)), mtime: mtimeMs, inode: ino }
  }
  return found
}

/** Waits until something holds. */
export const until = async (holds: () => Promise<boolean> | boolean, what: string, seconds = 60): Promise<void> => {
  const give = Date.now() + seconds * 1000
  while (!(await holds())) {
    if (Date.now() > give) throw new Error(`After ${seconds} s it still does not hold: ${what}`)
    await sleep(100)
  }
}
