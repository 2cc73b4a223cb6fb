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
 * The process's standard output.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<ObjectSink.ObjectSink> = Layer.suspend(() =>
  layerWritable(isFile(process.stdout.fd) ? fileOf(process.stdout.fd) : process.stdout)
)

/**
 * Any stream of Node.js. It is not ended: who made it ends it.
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
