import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { ExportId } from "@longshore/core/Export"
import * as Exports from "@longshore/core/Exports"
import * as ExportRun from "@longshore/core/ExportRun"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Manifest from "@longshore/core/Manifest"
import * as Transfer from "@longshore/core/Transfer"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorServer from "@longshore/simulator/SimulatorServer"
import * as FsSink from "@longshore/sink-fs/FsSink"
import * as StdoutSink from "@longshore/sink-stdout/StdoutSink"
import { SourceSuite } from "@longshore/testkit"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import { tokens, truth } from "./world.ts"

const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "longshore-real-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** A simulator on loopback, and what a developer composes to fetch from it. */
const start = Effect.fnUntraced(function* (options: Simulator.SimulatorOptions) {
  const simulated = yield* Layer.build(
    Simulator.layer({ pending: "50 millis", processing: "100 millis", files: 3, fileSize: 3_000_000, ...options })
  )
  const { url } = yield* Effect.provide(SimulatorServer.make(), simulated)
  const program = Transfer.layer({ concurrency: 4 }).pipe(
    Layer.provide(HttpSource.layer),
    Layer.merge(
      Exports.layer({
        platformAddress: url,
        clientToken: Redacted.make(tokens.client),
        accessToken: Redacted.make(tokens.access)
      })
    ),
    Layer.provide(NodeHttpClient.layerNodeHttp)
  )
  const simulator = Context.get(simulated, Simulator.Simulator)
  return { program, simulator, url }
})

const options: ExportRun.ExportRunOptions = {
  request: { entityType: "Payment" },
  poll: Duration.millis(50),
  partSize: 500_000
}

describe("the packages together, over real HTTP", () => {
  it.live("into a folder, with a journal in a file; and again", () =>
    Effect.gen(function* () {
      const { program, simulator } = yield* start({})
      const directory = yield* temporary
      const journal = FileJournal.layer({ path: join(directory, ".longshore", "run.jsonl"), identity: { a: 1 } })
      const run = Effect.scoped(
        Effect.provide(
          ExportRun.run(options),
          Layer.fresh(Layer.mergeAll(program, FsSink.layer({ directory }), journal))
        )
      )
      const result = yield* run
      for (const { files, id } of yield* truth(simulator)) {
        for (const { bytes, key } of files) {
          assert.strictEqual(Buffer.compare(yield* Effect.promise(() => readFile(join(directory, key))), bytes), 0, key)
        }
        const path = join(directory, `Payment/${id}/manifest.json`)
        const manifest = yield* Manifest.decode(String(yield* Effect.promise(() => readFile(path))))
        assert.deepStrictEqual(manifest, result.manifest)
      }
      const names = yield* Effect.promise(() => readdir(directory, { recursive: true }))
      assert.strictEqual(names.filter((name) => name.endsWith(".jsonl")).length, 4)
      assert.deepStrictEqual(
        names.filter((name) => /\.(partial|parts)$|\.lock/.test(name)),
        []
      )
      const before = (yield* simulator.requests).length
      assert.isTrue((yield* run).earlier)
      assert.strictEqual((yield* simulator.requests).length, before)
    })
  )

  it.live("into a pipe: whole parts, in order, nothing else", () =>
    Effect.gen(function* () {
      const { program, simulator } = yield* start({})
      const given: Array<Uint8Array> = []
      const writable = new Writable({
        write: (chunk: Uint8Array, _, done) => {
          given.push(Uint8Array.from(chunk))
          setImmediate(done)
        }
      })
      const directory = yield* temporary
      const journal = FileJournal.layer({ path: join(directory, "run.jsonl"), identity: { a: 1 } })
      yield* Effect.scoped(
        Effect.provide(ExportRun.run(options), Layer.mergeAll(program, StdoutSink.layerWritable(writable), journal))
      )
      const expected = Buffer.concat((yield* truth(simulator)).flatMap(({ files }) => files.map(({ bytes }) => bytes)))
      assert.strictEqual(Buffer.compare(Buffer.concat(given), expected), 0)
    })
  )

  it.live("F44 a connection that is cut, F47 one that falls silent, F71 a busy host", () =>
    Effect.gen(function* () {
      const { program, simulator } = yield* start({ bandwidth: 2_000_000 })
      const directory = yield* temporary
      const journal = FileJournal.layer({ path: join(directory, "run.jsonl"), identity: { a: 1 } })
      const faults = Effect.forEach(["reset-file", "file-503", "truncate-file"] as const, (name) =>
        simulator.addFault({ name, count: 2 })
      )
      yield* Effect.scoped(
        Effect.provide(
          Effect.all([ExportRun.run(options), Effect.delay(faults, "500 millis")], { concurrency: "unbounded" }),
          Layer.mergeAll(program, FsSink.layer({ directory }), journal)
        )
      )
      for (const { files } of yield* truth(simulator)) {
        for (const { bytes, key } of files) {
          assert.strictEqual(Buffer.compare(yield* Effect.promise(() => readFile(join(directory, key))), bytes), 0, key)
        }
      }
    })
  )
})

describe("the API over real sockets", () => {
  /** One `add` and one look, each one attempt, at an address. */
  const ask = (platformAddress: string, timeout: Duration.Input = "20 seconds") =>
    Effect.gen(function* () {
      const exports = yield* Exports.Exports
      const id = ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
      return [
        yield* Effect.flip(exports.add({ entityType: "Payment" })),
        yield* Effect.flip(exports.getAll([id]))
      ] as const
    }).pipe(
      Effect.provide(
        Exports.layer({
          platformAddress,
          clientToken: Redacted.make(tokens.client),
          accessToken: Redacted.make(tokens.access),
          retries: 0,
          timeout
        }).pipe(Layer.provide(NodeHttpClient.layerNodeHttp))
      )
    )

  it.live("F17 a name that nobody knows, a port where nobody listens, a certificate of nobody: nothing was sent", () =>
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(SourceSuite.rawHost(() => undefined))
      const fixture = (name: string) =>
        readFileSync(new URL(`../../packages/simulator/test/fixtures/${name}`, import.meta.url), "utf8")
      const simulated = yield* Layer.build(Simulator.layer())
      const secure = yield* Effect.provide(
        SimulatorServer.make({ tls: { cert: fixture("cert.pem"), key: fixture("key.pem") } }),
        simulated
      )
      for (const [address, problem] of [
        ["https://nowhere.invalid", /ENOTFOUND|EAI_AGAIN/],
        [`http://127.0.0.1:${port}`, /ECONNREFUSED/],
        [secure.url, /certificate/]
      ] as const) {
        for (const error of yield* ask(address)) {
          if (error._tag !== "ApiUnavailable") return assert.fail(`${error._tag} from ${address}`)
          assert.isFalse(error.sent, address)
          assert.match(error.problem, problem)
        }
      }
      assert.strictEqual((yield* Context.get(simulated, Simulator.Simulator).requests).length, 0)
    })
  )

  it.live("F31 a host that takes the request and never answers is left in time, and its connection closed", () =>
    Effect.gen(function* () {
      const closed: Array<number> = []
      const host = yield* SourceSuite.rawHost((n, socket) => void socket.on("close", () => closed.push(n)))
      const [add, look] = yield* ask(`http://127.0.0.1:${host.port}`, "100 millis")
      assert.strictEqual(add._tag, "AddOutcomeUnknown")
      assert.strictEqual(look._tag, "ApiUnavailable")
      while (closed.length < 2) yield* Effect.sleep("5 millis")
    })
  )

  it.live("F42 a redirect is not followed: no other host is told the tokens", () =>
    Effect.gen(function* () {
      const other = yield* SourceSuite.rawHost(() => undefined)
      for (const status of [301, 302, 303, 307, 308]) {
        const host = yield* SourceSuite.rawHost(
          (_, socket) =>
            void socket.end(
              `HTTP/1.1 ${status} Moved\r\nLocation: http://127.0.0.1:${other.port}/\r\nContent-Length: 0\r\n\r\n`
            )
        )
        for (const error of yield* ask(`http://127.0.0.1:${host.port}`)) {
          assert.strictEqual(error._tag, "UnexpectedResponse")
        }
      }
      assert.strictEqual(other.requests.length, 0)
    })
  )
})

const cli = fileURLToPath(new URL("../../apps/longshore/dist/main.js", import.meta.url))

/** The built program, as a shell would run it. */
const longshore = (url: string, args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [cli, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      LONGSHORE_PLATFORM_ADDRESS: url,
      LONGSHORE_CLIENT_TOKEN: tokens.client,
      LONGSHORE_ACCESS_TOKEN: tokens.access
    }
  })
  let output = ""
  child.stdout.on("data", (chunk: Buffer) => (output += String(chunk)))
  child.stderr.on("data", (chunk: Buffer) => (output += String(chunk)))
  return {
    child,
    ended: Effect.promise(() => once(child, "exit")).pipe(Effect.map(() => ({ code: child.exitCode, output })))
  }
}
const kill = (child: ChildProcess) =>
  Effect.promise(() => {
    const gone = once(child, "exit")
    child.kill("SIGKILL")
    return gone
  })

describe("a process that dies", () => {
  it.live(
    "F01 between add and its line in the journal: the next one says so, and finishes once the slot is free",
    () =>
      Effect.gen(function* () {
        const { simulator, url } = yield* start({
          processing: "3 seconds",
          faults: [{ name: "hold-add-answer", duration: Duration.seconds(20) }]
        })
        const directory = yield* temporary
        const args = ["export", "Payment", "--to", directory, "--poll", "200ms"]
        const first = longshore(url, args)
        // Accepted, and the answer is held: now.
        while ((yield* simulator.exports).length === 0) yield* Effect.sleep("20 millis")
        yield* kill(first.child)

        const told = yield* longshore(url, [...args, "--on-busy", "fail"]).ended
        assert.strictEqual(told.code, 5, told.output)
        assert.include(told.output, "Known: nothing was delivered. Not known:")
        const adds = (yield* simulator.requests).filter(({ kind }) => kind === "add").length
        assert.strictEqual(adds, 1, "it is not asked again")

        const waited = yield* longshore(url, [...args, "--on-busy", "wait"]).ended
        assert.strictEqual(waited.code, 0, waited.output)
        const [orphan, delivered] = yield* truth(simulator)
        assert.strictEqual((yield* simulator.exports).length, 2)
        for (const { bytes, key } of delivered?.files ?? []) {
          assert.strictEqual(Buffer.compare(yield* Effect.promise(() => readFile(join(directory, key))), bytes), 0, key)
        }
        const folders = yield* Effect.promise(() => readdir(join(directory, "Payment")))
        assert.deepStrictEqual(folders, [delivered?.id], `and nothing of ${orphan?.id}`)
        for (const secret of Object.values(tokens)) assert.notInclude(told.output + waited.output, secret)
      }),
    60_000
  )
})
