/** `longshore cluster run` as a process, on a real PostgreSQL: what one runner does beside its exports. */
import { randomBytes } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it, type TestContext } from "vitest"
import { freePort, until } from "./cluster.ts"
import { collect } from "./collector.ts"
import { database, needsPostgres } from "./database.ts"
import { filesIn, leaks, watchedSimulator } from "./leaks.ts"
import { laboratory } from "./program.ts"

const accounts = ["lisbon", "porto"] as const

interface RunOptions {
  readonly to?: string
  readonly args?: ReadonlyArray<string>
  readonly env?: Record<string, string>
  readonly runnerPort?: number
  readonly port?: number
}

/** A database, an API and a settings file for two accounts; and runners for them. */
const set = async (
  context: TestContext,
  {
    bandwidth = Infinity,
    pending = 200,
    settings = ""
  }: { readonly bandwidth?: number; readonly pending?: number; readonly settings?: string } = {}
) => {
  const lab = laboratory(context)
  const { links, url } = await watchedSimulator(context, {
    pending,
    processing: 200,
    files: 2,
    fileSize: 300_000,
    bandwidth
  })
  const { dump, password, query, url: databaseUrl } = await database(context)
  const folder = await lab.folder()
  const file = Path.join(folder, "longshore.toml")
  const secrets: Record<string, string> = {
    LONGSHORE_CLUSTER_TOKEN: `CLUSTER/${randomBytes(12).toString("hex")}=&`,
    CLIENT: `CLIENT/${randomBytes(12).toString("hex")}=&`,
    ...Object.fromEntries(accounts.map((name) => [name.toUpperCase(), `ACCESS/${randomBytes(12).toString("hex")}=&`]))
  }
  const tables = accounts.map((name) => `[accounts.${name}]\naccess-token = { env = "${name.toUpperCase()}" }\n`)
  await writeFile(
    file,
    `platform-address = "${url}"\npoll = "200ms"\nclient-token = { env = "CLIENT" }\n${tables.join("\n")}\n${settings}`
  )
  const said = new Map<string, string>()

  const run = async ({ args = [], env = {}, port, runnerPort, to = Path.join(folder, "data") }: RunOptions = {}) => {
    const [own, front] = [runnerPort ?? (await freePort()), port ?? (await freePort())]
    const running = lab.start(
      [
        "cluster",
        "run",
        `--config=${file}`,
        `--to=${to}`,
        "--runner-host=127.0.0.1",
        `--runner-port=${own}`,
        `--listen=127.0.0.1:${front}`,
        ...args
      ],
      { env: { ...secrets, LONGSHORE_DATABASE_URL: databaseUrl, ...env } }
    )
    const name = `runner ${said.size + 1}`
    said.set(name, "")
    for (const stream of [running.child.stdout, running.child.stderr]) {
      stream?.on("data", (chunk: Buffer) => said.set(name, (said.get(name) ?? "") + chunk.toString()))
    }
    const call = async (method: string, path: string, body?: unknown): Promise<any> => {
      const response = await fetch(`http://127.0.0.1:${front}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${secrets["LONGSHORE_CLUSTER_TOKEN"]}`,
          "content-type": "application/json"
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      const text = await response.text()
      return response.headers.get("content-type")?.startsWith("application/json") === true ? JSON.parse(text) : text
    }
    return {
      ...running,
      ports: { own, front },
      ready: () => running.says(/(runner 127\.0\.0\.1:\d+ is ready, HTTP on http:\/\/127\.0\.0\.1:\d+)\n/),
      call,
      finished: (id: string) => call("GET", `/exports/${id}/wait?timeout=30`),
      stop: async () => {
        running.child.kill("SIGTERM")
        return running.ended
      }
    }
  }
  return {
    folder,
    query,
    run,
    /** In the database, in what runners said, and in every file that they wrote. */
    leaked: async (more: ReadonlyMap<string, string> = new Map()) =>
      leaks(
        { ...secrets, ...links, "the database's password": password },
        new Map([["the database", await dump()], ...said, ...more, ...(await filesIn(folder))])
      )
  }
}

const bill = { account: "lisbon", request: { entityType: "Bill" } }

describe("a runner", () => {
  it(
    "says when it is ready, delivers below its base, and ends with 0 when it is told to",
    { timeout: 60_000 },
    async (context) => {
      needsPostgres(context)
      const { folder, leaked, run } = await set(context)
      const events = Path.join(folder, "events.jsonl")
      const log = Path.join(folder, "log")
      const { call, finished, ports, ready, stop } = await run({
        args: [`--events=${events}`, `--log-file=${log}`, "--part-size=100KiB"],
        // Of whatever started it: the cluster's own way to read settings would fail on these.
        env: { PORT: "abc", HOST: "elsewhere", LISTEN_PORT: "abc", SHARD_LOCK_EXPIRATION: "10" }
      })
      expect(await ready()).toBe(`runner 127.0.0.1:${ports.own} is ready, HTTP on http://127.0.0.1:${ports.front}`)
      const { id, task } = await call("POST", "/exports", bill)
      expect(task).toMatchObject({ target: Path.join(folder, "data", "lisbon"), poll: 200, partSize: 102_400 })
      expect(await finished(id)).toMatchObject({ state: "complete", bytes: { total: 600_000, delivered: 600_000 } })
      const elsewhere = await call("POST", "/exports", { ...bill, account: "porto", path: "a/b" })
      expect(await finished(elsewhere.id)).toMatchObject({ state: "complete" })
      const { exportId } = await call("GET", `/exports/${elsewhere.id}`)
      const manifest = Path.join(folder, "data", "a", "b", "Bill", exportId, "manifest.json")
      expect(JSON.parse(await readFile(manifest, "utf8"))).toMatchObject({ exportId })

      const wrong = await call("POST", "/exports", { ...bill, account: "faro" })
      expect(wrong).toMatchObject({ _tag: "InvalidRequest", parameter: "account" })
      const outside = await call("POST", "/exports", { ...bill, path: "../outside" })
      expect(outside).toMatchObject({ _tag: "InvalidRequest" })

      const { code, stderr, stdout } = await stop()
      expect(code).toBe(0)
      expect(stdout.toString()).toBe("")
      const lines = stderr.trimEnd().split("\n")
      for (const line of lines) expect(line).toMatch(/^(longshore: |\d{4}-\d\d-\d\dT[\d:.]+Z (INFO |WARN ) )/)
      const about = (run: string, account: string) =>
        lines.filter((line) => line.endsWith(`run=${run} account=${account}`)).map((line) => line.slice(31))
      const words = about(id, "lisbon")
      expect([words[0], ...words.slice(-2)]).toEqual([
        expect.stringMatching(/^Bill: export .+ was accepted run=/),
        expect.stringMatching(/^Bill: ready: 2 files, 600\.0 kB run=/),
        expect.stringMatching(/^Bill: complete, 2 files, 600\.0 kB, verified\. file:.+manifest\.json run=/)
      ])
      expect(about(elsewhere.id, "porto")).not.toEqual([])
      expect(lines.at(-1)).toBe(`longshore: runner 127.0.0.1:${ports.own} has stopped`)

      const told = (await readFile(events, "utf8"))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
      expect(told.filter(({ run }) => run === id).map(({ _tag }) => _tag)).toEqual(
        expect.arrayContaining(["ExportRequested", "ExportReady", "PartStored", "FileDelivered", "RunCompleted"])
      )
      expect(new Set(told.map(({ account }) => account))).toEqual(new Set(accounts))
      expect(await readFile(log, "utf8")).toContain("Bill: complete, 2 files")
      expect(await leaked()).toEqual([])
    }
  )

  it("says so where its ports are taken", { timeout: 60_000 }, async (context) => {
    needsPostgres(context)
    const { run } = await set(context)
    const first = await run()
    await first.ready()
    const again = await run({ runnerPort: first.ports.own })
    const beside = await run({ port: first.ports.front })
    for (const [{ ended }, port, flag] of [
      [again, first.ports.own, "--runner-host or --runner-port"],
      [beside, first.ports.front, "--listen"]
    ] as const) {
      const { code, stderr } = await ended
      expect(stderr).toContain(
        `longshore: Another program, perhaps another runner, listens on 127.0.0.1:${port} (EADDRINUSE). Next: Stop it, or choose another address with ${flag}.\n`
      )
      expect(code).toBe(3)
    }
    // It has lost nothing by it.
    const { id } = await first.call("POST", "/exports", bill)
    expect(await first.finished(id)).toMatchObject({ state: "complete" })
  })

  it("refuses a run whose target is not below its base", { timeout: 60_000 }, async (context) => {
    needsPostgres(context)
    const { folder, run } = await set(context, { pending: 3_600_000 })
    const first = await run()
    await first.ready()
    const { id } = await first.call("POST", "/exports", bill)
    await first.says(/Bill: export \S+ (was accepted)/)
    await first.stop()
    const second = await run({ to: Path.join(folder, "elsewhere") })
    await second.ready()
    expect(await second.finished(id)).toMatchObject({
      state: "failed",
      failure: {
        error: "InvalidRequest",
        message: expect.stringContaining(`is not below ${Path.join(folder, "elsewhere")}, where this runner delivers`)
      }
    })
  })

  it("a second Ctrl-C ends it at once", { timeout: 60_000 }, async (context) => {
    needsPostgres(context)
    // A file takes half a minute, and may take that long to end: what only waits would be given away at once.
    const { run } = await set(context, { bandwidth: 10_000 })
    const { call, child, ended, ready, says } = await run({ args: ["--termination-timeout=60s"] })
    await ready()
    await call("POST", "/exports", bill)
    await says(/Bill: (ready): 2 files/)
    // By then its files are on their way.
    await sleep(2_000)
    child.kill("SIGINT")
    await says(/(Stopping: what is on its way may end; once more leaves at once\.)/)
    const at = Date.now()
    child.kill("SIGINT")
    expect((await ended).code).toBe(130)
    expect(Date.now() - at).toBeLessThan(1_000)
  })
})

describe("a schedule", () => {
  it("is kept once however many runners there are, for all accounts", { timeout: 90_000 }, async (context) => {
    needsPostgres(context)
    const settings = `
[schedules.often]
cron = "*/20 * * * * *"
entity-types = ["Bill", "Payment"]
path = "scheduled"
updated-last = "1d"
`
    const { run } = await set(context, { settings })
    const first = await run()
    const runners = [first, await run()]
    await Promise.all(runners.map(({ ready }) => ready()))
    const { call } = first
    const byTime = async () => {
      const found = new Map<string, Array<any>>()
      for (const run of (await call("GET", "/exports")).runs) {
        found.set(run.task.occasion, [...(found.get(run.task.occasion) ?? []), run])
      }
      return found
    }
    await until(async () => (await byTime()).size > 0, "its time has come")
    await sleep(1_000)
    const [occasion = "", found = []] = [...(await byTime())].at(-1) ?? []
    expect(occasion).toMatch(/^often \d{4}-\d\d-\d\dT\d\d:\d\d:[024]0\.000Z$/)
    expect(
      found
        .map(({ task }) => [task.account, task.request.entityType])
        .toSorted((a, b) => a.join().localeCompare(b.join()))
    ).toEqual([
      ["lisbon", "Bill"],
      ["lisbon", "Payment"],
      ["porto", "Bill"],
      ["porto", "Payment"]
    ])
    const scheduled = Date.parse(occasion.slice("often ".length))
    for (const { task } of found) {
      expect(task.target.endsWith(`/data/scheduled/${task.account}`)).toBe(true)
      const { endUtc, startUtc } = task.request.filters.updatedUtc
      expect([Date.parse(startUtc), Date.parse(endUtc)]).toEqual([scheduled - 86_700_000, scheduled - 300_000])
    }
    for (const { id } of found)
      expect(await call("GET", `/exports/${id}/wait?timeout=30`)).toMatchObject({ state: "complete" })
    for (const { stop } of runners) await stop()
  })
})

it("the rows of runs that are over are removed after their time", { timeout: 90_000 }, async (context) => {
  needsPostgres(context)
  const { query, run } = await set(context)
  const first = await run()
  await first.ready()
  const { id } = await first.call("POST", "/exports", bill)
  expect(await first.finished(id)).toMatchObject({ state: "complete" })
  await first.stop()
  // As long as they are kept in any case.
  await sleep(25_000)
  const rows = () => query(`SELECT count(*) FROM cluster_messages WHERE entity_id = '${id}'`)
  expect(Number(await rows())).toBeGreaterThan(3)
  const second = await run({ args: ["--keep-complete=500ms"] })
  await second.ready()
  await second.says(/(removed the rows of 1 runs)/)
  expect(Number(await rows())).toBe(0)
})

it("telemetry: runs are traces of their own, with the cluster's metrics", { timeout: 60_000 }, async (context) => {
  needsPostgres(context)
  const { leaked, run } = await set(context)
  const collector = await collect(context)
  const runner = await run({
    env: { ...collector.env, OTEL_METRIC_EXPORT_INTERVAL: "500", OTEL_BSP_SCHEDULE_DELAY: "200" }
  })
  await runner.ready()
  const ids: Array<string> = []
  for (const account of accounts) {
    const { id } = await runner.call("POST", "/exports", { ...bill, account })
    expect(await runner.finished(id)).toMatchObject({ state: "complete" })
    ids.push(id)
  }
  // A runner that has stopped has none.
  const shards = () => collector.points().find(({ name }) => name === "effect_cluster_shards")?.value
  await until(() => shards() === 300, "the cluster's metrics have come")
  const { code, stdout } = await runner.stop()
  expect([code, stdout.toString()]).toEqual([0, ""])
  const spans = collector.spans()
  expect(spans.filter(({ name }) => !/^longshore[ .]/.test(name))).toEqual([])
  const runs = spans.filter(({ name }) => name === "longshore.run")
  expect(new Set(runs.map(({ attributes }) => attributes["longshore.run_id"]))).toEqual(new Set(ids))
  // No span of the service is above them, and none is missing.
  const known = new Set(spans.map(({ spanId }) => spanId))
  for (const { name, parentSpanId } of spans)
    expect([name, parentSpanId === undefined || known.has(parentSpanId)]).toEqual([name, true])
  expect(runs.every(({ parentSpanId }) => parentSpanId === undefined)).toBe(true)

  const logs = collector.logs().filter(({ attributes }) => attributes["run"] === ids[0])
  expect(logs.map(({ attributes }) => attributes["event.name"])).toEqual(
    expect.arrayContaining(["longshore.ExportRequested", "longshore.RunCompleted"])
  )
  const sent = collector.received.map(({ bytes }, n) => [`sent ${n}`, bytes.toString("latin1")] as const)
  expect(await leaked(new Map(sent))).toEqual([])
})
