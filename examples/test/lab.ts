/** Examples as processes, as a reader starts them, against a simulator of their own that says what they asked for. */
import { assert } from "@effect/vitest"
import { Simulator, SimulatorServer } from "@longshore/simulator"
import { Context, Effect, Fiber, Layer, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { globSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"

export const tokens = { client: "client-token-0123456789", access: "access-token-0123456789" }

const compiled = Path.join(import.meta.dirname, "../node_modules/.cache/node")

interface Running {
  readonly child: ChildProcess
  /** Waits until what it prints matches, and gives the first group. */
  readonly says: (pattern: RegExp) => Effect.Effect<string>
  readonly ended: Effect.Effect<{
    readonly code: number | null
    readonly signal: string | null
    readonly output: string
  }>
}

/** A folder to run in, and a simulator that is quick unless told otherwise. All of it is gone with the scope. */
export const makeLab = Effect.fnUntraced(function* (options: Simulator.SimulatorOptions = {}) {
  const context = yield* Layer.build(
    Simulator.layer({ files: 2, fileSize: 300_000, pending: "0 millis", processing: "0 millis", ...options })
  )
  const simulator = Context.get(context, Simulator.Simulator)
  const { url } = yield* Effect.provide(SimulatorServer.make(), context)
  const directory = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(Path.join(Os.tmpdir(), "longshore-example-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true, maxRetries: 3 }))
  )

  /** Starts an example. None may show a token or a signed link. */
  const start = (
    example: string,
    args: ReadonlyArray<string> = [],
    env: Record<string, string> = {}
  ): Effect.Effect<Running, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const program = Path.join(import.meta.dirname, "..", example)
        const child = spawn(process.execPath, ["--conditions=@longshore/source", program, ...args], {
          cwd: directory,
          stdio: ["ignore", "pipe", "pipe"],
          env: {
            PATH: process.env["PATH"],
            HOME: directory,
            // Every process loads the same modules.
            NODE_COMPILE_CACHE: compiled,
            LONGSHORE_PLATFORM_ADDRESS: url,
            LONGSHORE_CLIENT_TOKEN: tokens.client,
            LONGSHORE_ACCESS_TOKEN: tokens.access,
            ...env
          }
        })
        let output = ""
        const listeners = new Set<() => void>()
        for (const stream of [child.stdout, child.stderr]) {
          stream.on("data", (chunk: Buffer) => {
            output += chunk.toString()
            for (const listener of listeners) listener()
          })
        }
        const end = new Promise<Effect.Success<Running["ended"]>>((resolve) =>
          child.once("close", (code, signal) => resolve({ code, signal, output }))
        )
        const says = (pattern: RegExp) =>
          Effect.promise(
            () =>
              new Promise<string>((resolve, reject) => {
                const give = (problem: string) => reject(new Error(`${example} ${problem} ${pattern}: ${output}`))
                const patience = setTimeout(() => give("has not said for a minute"), 60_000)
                const look = () => {
                  const match = pattern.exec(output)
                  if (match === null) return
                  clearTimeout(patience)
                  resolve(match[1] ?? match[0])
                }
                listeners.add(look)
                child.once("close", () => give("ended without saying"))
                look()
              })
          )
        const ended = Effect.map(
          Effect.promise(() => end),
          (result) => {
            for (const secret of [tokens.client, tokens.access, "sig="]) assert.notInclude(result.output, secret)
            return result
          }
        )
        return { child, says, ended }
      }),
      ({ child, ended }) =>
        Effect.andThen(
          Effect.sync(() => child.kill("SIGKILL")),
          ended
        )
    )

  /** Runs an example to its end. */
  const run = (...command: Parameters<typeof start>) => Effect.flatMap(start(...command), ({ ended }) => ended)

  /** The files that were exported, with the bytes that they must have. */
  const exported = Effect.map(simulator.exports, (exports) =>
    exports.flatMap(({ entityType, files, id }) =>
      files.map((file, index) => ({
        key: `${entityType}/${id}/${entityType}-${String(index + 1).padStart(5, "0")}.jsonl`,
        folder: `${entityType}/${id}`,
        bytes: Buffer.concat([...file.read(0, file.size)])
      }))
    )
  )
  const asked = (kind: "add" | "getAll" | "file") =>
    Effect.map(simulator.requests, (requests) => requests.filter((request) => request.kind === kind))
  /** What was asked of the file host, once all answers to processes that are gone have ended. */
  const settled = Effect.gen(function* () {
    for (;;) {
      const before = yield* asked("file")
      yield* Effect.sleep("300 millis")
      const after = yield* asked("file")
      if (after.length === before.length) return after
    }
  })
  const found = (pattern: string) => globSync(pattern, { cwd: directory })
  const read = (path: string) => Effect.promise(() => readFile(Path.join(directory, path)).catch(() => undefined))

  /** All that was exported is below the folder (or one of those that the pattern means), once and byte for byte. */
  const delivered = Effect.fnUntraced(function* (
    folder: string,
    decode: (bytes: Buffer) => Buffer = (bytes) => bytes,
    suffix = ""
  ) {
    const files = yield* exported
    assert.isNotEmpty(files)
    for (const { bytes, key } of files) {
      const paths = found(`${folder}/${key}${suffix}`)
      assert.lengthOf(paths, 1, key)
      const stored = yield* read(paths[0] ?? "")
      assert.strictEqual(Buffer.compare(decode(stored ?? Buffer.alloc(0)), bytes), 0, key)
    }
  })

  return { directory, simulator, start, run, exported, delivered, asked, settled, found }
})

/** Kills a process the hard way, as soon as something is so. */
export const killWhen = Effect.fnUntraced(function* ({ child, ended }: Running, condition: Effect.Effect<boolean>) {
  const exit = yield* Effect.forkChild(ended)
  while (!(yield* condition)) {
    if (exit.pollUnsafe() !== undefined) assert.fail(`it ended too early: ${(yield* ended).output}`)
    yield* Effect.sleep("30 millis")
  }
  child.kill("SIGKILL")
  const { output, signal } = yield* Fiber.join(exit)
  assert.strictEqual(signal, "SIGKILL", output)
})
