/**
 * A sink from a function over a stream: rows into a program, bytes through gzip, a request body, `COPY` of a database.
 * Whatever takes bytes in order can be a target this way; what stores parts by place is an `ObjectSink` of its own.
 *
 * The stream of an object has whole parts, checked and in order, and **ends only when all of them have come**. If a run
 * fails or is stopped before, the function is interrupted. So what it does after the end (a rename, a `COMMIT`) happens
 * for whole files alone. Files come one after the other, in the order of the export.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { SinkError, type SinkReason } from "./ExportError.ts"
import * as ObjectSink from "./ObjectSink.ts"

/**
 * What a sink from a function is made of. `consume` gets the bytes of each object. Its arrays are its own to keep. What it fails with ends the run as a
 * `SinkError` (one of its own is passed on as it is), and so does an end before the stream's.
 *
 * With `stat` the sink is durable: files that it knows are not fetched again by the next process, and the run ends with a
 * manifest, which `consume` gets as the last object. Without, nothing is kept, and a run that was cut short gives
 * everything again: `consume` may see a file twice.
 *
 * @since 0.1.0
 * @category models
 */
export interface StreamSinkOptions<E = never, R = never> extends Partial<
  Pick<ObjectSink.ObjectSink["Service"], "list" | "read" | "room" | "settle" | "stat">
> {
  /** Where the bytes of an object go, for people. */
  readonly locate: (key: ObjectSink.ObjectKey) => string
  readonly consume: (
    object: ObjectSink.SinkObject,
    bytes: Stream.Stream<Uint8Array<ArrayBuffer>>
  ) => Effect.Effect<void, E, R>
}

/**
 * A sink that hands every object to a function. What the function needs of services the layer needs.
 *
 * @example
 * ```ts
 * import { StreamSink } from "@longshore/core"
 * import { Effect, Stream } from "effect"
 *
 * // Every row, as it arrives.
 * const rows = StreamSink.layer({
 *   locate: (key) => `rows of ${key}`,
 *   consume: (_, bytes) =>
 *     bytes.pipe(
 *       Stream.decodeText(),
 *       Stream.splitLines,
 *       Stream.map((line) => JSON.parse(line)),
 *       Stream.runForEach((row) => Effect.log(row.Id))
 *     )
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E = never, R = never>(
  options: StreamSinkOptions<E, R>
): Layer.Layer<ObjectSink.ObjectSink, never, R> => Layer.effect(ObjectSink.ObjectSink, make(options))

/**
 * The service itself, for a layer of your own: with options that have to be fetched first, say.
 *
 * @example
 * ```ts
 * import { ObjectSink, StreamSink } from "@longshore/core"
 * import { Config, Effect, Layer, Stream } from "effect"
 *
 * const counted = Layer.effect(
 *   ObjectSink.ObjectSink,
 *   Effect.gen(function* () {
 *     const name = yield* Config.String("TABLE").pipe(Config.withDefault("rows"))
 *     return yield* StreamSink.make({
 *       locate: () => `table ${name}`,
 *       consume: ({ key, size }, bytes) => Effect.andThen(Stream.runDrain(bytes), Effect.log(`${key}: ${size} bytes`))
 *     })
 *   })
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* <E = never, R = never>({
  consume,
  locate,
  ...others
}: StreamSinkOptions<E, R>) {
  const context = yield* Effect.context<R>()
  const durable = others.stat !== undefined
  const stat = others.stat ?? (() => Effect.succeedNone)

  const open = Effect.fnUntraced(function* (object: ObjectSink.SinkObject) {
    const { key, size } = object
    const location = locate(key)
    const failure = (reason: SinkReason, problem: string) => new SinkError({ reason, location, problem })
    const all = ObjectSink.parts(object)
    const queue = yield* Queue.bounded<Uint8Array<ArrayBuffer>, Cause.Done>(1)
    const consumer = yield* consume(object, Stream.fromQueue(queue)).pipe(
      Effect.mapError((cause) => (cause instanceof SinkError ? cause : failure("Unknown", describe(cause)))),
      Effect.provideContext(context),
      Effect.forkScoped
    )
    const endedEarly = Effect.andThen(
      Fiber.join(consumer),
      Effect.fail(failure("Closed", "whoever takes the bytes ended before all of them had come"))
    )
    let begun = 0
    let written = 0
    let committed: ObjectSink.StoredObject | undefined

    const writer: ObjectSink.ObjectWriter = {
      stored: [],
      write: Effect.fnUntraced(function* (part, bytes) {
        if (part.number !== begun + 1) {
          return yield* failure("Unknown", `part ${part.number} came where part ${begun + 1} is next`)
        }
        // A part that breaks off must not be seen: it is given once it is whole.
        const whole = yield* ObjectSink.collect(part, bytes, location)
        begun += 1
        yield* Effect.raceFirst(Queue.offer(queue, whole), endedEarly)
        written += 1
        return undefined
      }),
      commit: Effect.gen(function* () {
        if (committed !== undefined) return committed
        if (written < all.length) {
          return yield* failure("Unknown", `${all.length - written} of ${all.length} parts are missing`)
        }
        // A consumer that is gone by now has not seen the end.
        if (consumer.pollUnsafe() !== undefined) return yield* endedEarly
        yield* Queue.end(queue)
        yield* Fiber.join(consumer)
        const found = yield* stat(key)
        if (durable && Option.isNone(found)) return yield* failure("Unknown", "it is not there after it was stored")
        committed = { key, size, version: Option.match(found, { onNone: () => "given", onSome: (at) => at.version }) }
        return committed
      }),
      discard: Effect.suspend(() =>
        begun === 0
          ? Effect.void
          : failure("NotRewindable", `${key} was given in part, and a stream takes nothing back`)
      )
    }
    return writer
  })

  return ObjectSink.make({
    capabilities: {
      durable,
      resumable: false,
      parallel: false,
      rewindable: false,
      // A file is there when the function ends, which it does not before the stream has.
      atomic: durable,
      minPartSize: 1,
      maxParts: 1_000_000
    },
    ...others,
    locate,
    open,
    stat
  })
})

/** What a failure says. Those of `tryPromise` have it in their cause. */
const describe = (failure: unknown): string => {
  if (typeof failure === "string") return failure
  if (Cause.isUnknownError(failure) && failure.cause !== undefined) return describe(failure.cause)
  return failure instanceof Error && failure.message !== "" ? failure.message : "whoever takes the bytes failed"
}
