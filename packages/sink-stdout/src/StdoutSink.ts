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
import { makePipe } from "./internal/pipe.ts"

const failure = (reason: SinkReason, problem: string) => new SinkError({ reason, location: "stdout", problem })

/**
 * The process's standard output.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<ObjectSink.ObjectSink> = Layer.suspend(() => layerWritable(process.stdout))

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
  // The object that is being written, and how many of its parts are out.
  let current: { readonly object: ObjectSink.SinkObject; written: number; open: boolean } | undefined

  const open = Effect.fnUntraced(function* (object: ObjectSink.SinkObject) {
    if (current?.open === true) {
      return yield* failure("Conflict", `${current.object.key} is not finished, and a pipe takes one object at a time`)
    }
    if (current !== undefined && current.written > 0) {
      return yield* failure("NotRewindable", `${current.object.key} was given in part, and a pipe takes nothing back`)
    }
    const all = ObjectSink.parts(object)
    const state = { object, written: 0, open: true }
    current = state
    yield* Effect.addFinalizer(() => Effect.sync(() => (state.open = false)))

    const writer: ObjectSink.ObjectWriter = {
      stored: [],
      write: Effect.fnUntraced(function* (part, bytes) {
        if (part.number !== state.written + 1) {
          return yield* failure("Unknown", `part ${part.number} came where part ${state.written + 1} is next`)
        }
        // A part that breaks off must not be seen: it goes out once it is whole.
        const whole = yield* ObjectSink.collect(part, bytes, "stdout")
        yield* Effect.uninterruptible(
          Effect.andThen(
            pipe([whole]),
            Effect.sync(() => (state.written += 1))
          )
        )
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
        state.written === 0
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
      maxParts: Number.MAX_SAFE_INTEGER
    },
    locate: () => "stdout",
    open,
    stat: () => Effect.succeedNone
  })
})
