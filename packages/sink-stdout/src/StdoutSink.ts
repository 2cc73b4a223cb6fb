/**
 * A sink that writes to a pipe: whole parts, in order, and nothing but data.
 *
 * What a pipe was given cannot be taken back and is not kept. So nothing is durable, nothing resumes, and one object is
 * written after the other.
 *
 * @since 0.1.0
 */
import { SinkError, type SinkReason } from "@longshore/core/ExportError"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Writable } from "node:stream"
import { fileOf, isFile } from "./internal/file.ts"
import { makePipe } from "./internal/pipe.ts"

const failure = (reason: SinkReason, problem: string) => new SinkError({ reason, location: "stdout", problem })

/**
 * The process's standard output. A file behind it (`> file`) is written without Node.js's stream, which takes no notice of a disk
 * that took half of a chunk. Print nothing else to stdout: it would stand between the data.
 *
 * Delivering fails with a `SinkError` of reason
 *
 * - `Closed`: the reader closed its end (`EPIPE`), as `head` does;
 * - `NoSpace`: the disk behind it is full, or a quota is;
 * - `NotRewindable`: the content changed at its source, or the process tries it again, after its first byte was given;
 * - `Conflict`: two objects at the same time;
 * - `Unknown`: it cannot be written to for another reason.
 *
 * @example
 * ```ts
 * import { HttpSource, Transfer } from "@longshore/core"
 * import { StdoutSink } from "@longshore/sink-stdout"
 * import { Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const live = Transfer.layer().pipe(
 *   Layer.provide(HttpSource.layer),
 *   Layer.merge(StdoutSink.layer),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<ObjectSink.ObjectSink> = Layer.suspend(() =>
  layerWritable(isFile(process.stdout.fd) ? fileOf(process.stdout.fd) : process.stdout)
)

/**
 * Any stream of Node.js: a socket, a compressor, the input of another process. Whatever is written to it comes in whole parts,
 * in order. A stream that is slow holds the transfer back. It is not ended: who made it ends it, once the run has succeeded and
 * not before, so that its reader can tell a whole export from the beginning of one.
 *
 * Fails as {@link layer} does; a stream that was destroyed or ended is `Closed`.
 *
 * @example Rows through gzip
 * ```ts
 * import { Exports, ExportRun, HttpSource, Journal, Transfer } from "@longshore/core"
 * import { Simulator, SimulatorHttpClient } from "@longshore/simulator"
 * import { StdoutSink } from "@longshore/sink-stdout"
 * import { Effect, Layer, Redacted } from "effect"
 * import { buffer } from "node:stream/consumers"
 * import { createGzip, gunzipSync } from "node:zlib"
 *
 * const gzip = createGzip()
 * const compressed = buffer(gzip)
 *
 * const tokens = { clientToken: Redacted.make("client"), accessToken: Redacted.make("access") }
 * const live = Transfer.layer().pipe(
 *   Layer.provide(HttpSource.layer),
 *   Layer.merge(StdoutSink.layerWritable(gzip)),
 *   Layer.merge(Exports.layer({ platformAddress: "https://api.mews.com", ...tokens })),
 *   Layer.merge(Journal.layerMemory),
 *   Layer.provide(SimulatorHttpClient.layer),
 *   Layer.provide(Simulator.layer({ fileSizes: [3000, 2000], pending: 0, processing: 0 }))
 * )
 * await Effect.runPromise(Effect.provide(ExportRun.run({ request: { entityType: "Bill" } }), live))
 * gzip.end()
 * gunzipSync(await compressed).length // => 5000
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWritable = (writable: Writable): Layer.Layer<ObjectSink.ObjectSink> =>
  Layer.effect(ObjectSink.ObjectSink, make(writable))

const make = Effect.fnUntraced(function* (writable: Writable) {
  const pipe = yield* makePipe(writable)
  // The object that is being written, how many of its parts the reader may have seen, and how many it has whole.
  let current: { readonly object: ObjectSink.SinkObject; begun: number; written: number; open: boolean } | undefined

  const open = Effect.fnUntraced(function* (object: ObjectSink.SinkObject) {
    if (current?.open === true) {
      return yield* failure("Conflict", `${current.object.key} is not finished, and a pipe takes one object at a time`)
    }
    if (current !== undefined && current.begun > 0) {
      return yield* failure("NotRewindable", `${current.object.key} was given in part, and a pipe takes nothing back`)
    }
    const all = ObjectSink.parts(object)
    const state = { object, begun: 0, written: 0, open: true }
    current = state
    yield* Effect.addFinalizer(() => Effect.sync(() => (state.open = false)))

    const writer: ObjectSink.ObjectWriter = {
      stored: [],
      write: Effect.fnUntraced(function* (part, bytes) {
        if (part.number !== state.begun + 1) {
          return yield* failure("Unknown", `part ${part.number} came where part ${state.begun + 1} is next`)
        }
        // A part that breaks off must not be seen: it goes out once it is whole.
        const whole = yield* ObjectSink.collect(part, bytes, "stdout")
        // From here on it cannot be taken back, also if nobody waits until a slow reader has it.
        state.begun += 1
        yield* pipe(whole)
        state.written += 1
        return undefined
      }),
      commit: Effect.suspend(() => {
        if (state.written < all.length) {
          return failure("Unknown", `${all.length - state.written} of ${all.length} parts are missing`)
        }
        if (current === state) current = undefined
        return Effect.succeed({ key: object.key, size: object.size, version: "given" })
      }),
      discard: Effect.suspend(() =>
        state.begun === 0
          ? Effect.void
          : failure("NotRewindable", `${object.key} was given in part, and a pipe takes nothing back`)
      )
    }
    return writer
  })

  return ObjectSink.make({
    capabilities: {
      durable: false,
      resumable: false,
      parallel: false,
      rewindable: false,
      atomic: false,
      minPartSize: 1,
      maxParts: 1_000_000
    },
    locate: () => "stdout",
    open,
    stat: () => Effect.succeedNone
  })
})
