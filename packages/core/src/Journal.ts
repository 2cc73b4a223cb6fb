/**
 * The plug-in that remembers which steps of a run are done. The lifecycle is written once, against these two methods;
 * what runs it (a file, memory, a workflow engine) is a layer.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * A step of a run. Its `name` is its memory: unique in a run and the same in every attempt at it. `success` and `error`
 * say how its outcome is written down.
 *
 * @since 0.1.0
 * @category models
 */
export interface Step<A, E, R> {
  readonly name: string
  readonly success: Schema.Codec<A, any>
  readonly error: Schema.Codec<E, any>
  readonly execute: Effect.Effect<A, E, R>
}

/**
 * Remembers what the steps of one run gave. A journal that cannot be read or written is no error of the step: the
 * effect dies with a `JournalError`.
 *
 * @since 0.1.0
 * @category services
 */
export class Journal extends Context.Service<
  Journal,
  {
    /** Runs the step unless it is already done; remembers what it gave, durably, before it returns. Failures are not remembered. */
    readonly step: <A, E, R>(step: Step<A, E, R>) => Effect.Effect<A, E, R>
    /**
     * Repeats the step until it yields a value; remembers that value. Waiting is not remembered. `every` says how long
     * to wait after attempt 0, 1, 2, …
     */
    readonly until: <A, E, R>(
      step: Step<Option.Option<A>, E, R>,
      every: (attempt: number) => Duration.Duration
    ) => Effect.Effect<A, E, R>
  }
>()("@longshore/core/Journal") {}

/**
 * What a journal has to keep: encoded values by the names of steps. Values are JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface Memory {
  readonly get: (name: string) => Option.Option<unknown>
  /** Durable when it returns. A failure to write is a defect. */
  readonly set: (name: string, value: unknown) => Effect.Effect<void>
}

/**
 * A journal on a memory: what an implementation that is not a workflow engine needs.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (memory: Memory): Journal["Service"] => {
  const step = Effect.fnUntraced(function* <A, E, R>(step: Step<A, E, R>): Effect.fn.Return<A, E, R> {
    const json = Schema.toCodecJson(step.success)
    const known = memory.get(step.name)
    if (Option.isSome(known)) return yield* Effect.orDie(Schema.decodeUnknownEffect(json)(known.value))
    const value = yield* step.execute
    yield* Effect.flatMap(Effect.orDie(Schema.encodeEffect(json)(value)), (encoded) => memory.set(step.name, encoded))
    return value
  })
  return Journal.of({
    step,
    until: <A, E, R>(look: Step<Option.Option<A>, E, R>, every: (attempt: number) => Duration.Duration) => {
      const attempt = (n: number): Effect.Effect<Option.Option<A>, E, R> =>
        Effect.filterOrElse(look.execute, Option.isSome, () => Effect.andThen(Effect.sleep(every(n)), attempt(n + 1)))
      return Effect.map(step({ ...look, execute: attempt(0) }), Option.getOrThrow)
    }
  })
}

/**
 * A journal that lives as long as its layer: for tests, and for programs that start over after a crash.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<Journal> = Layer.sync(Journal, () => {
  const known = new Map<string, unknown>()
  return make({
    get: (name) => (known.has(name) ? Option.some(known.get(name)) : Option.none()),
    set: (name, value) => Effect.sync(() => void known.set(name, value))
  })
})
