/**
 * The plug-in that remembers which steps of a run are done. The lifecycle is written once, against these two methods;
 * what runs it (a file, memory, a workflow engine) is a layer.
 *
 * Use `@longshore/journal-file` to go on after a crash, {@link layerMemory} where starting over is cheap. A journal of
 * one's own is {@link make} and two functions, and proves itself with `JournalSuite` of `@longshore/testkit`.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
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
  /** Unique in a run: what is remembered is found by it. */
  readonly name: string
  /** How what it gave is kept. What it decodes to is what later attempts get. */
  readonly success: Schema.Codec<A, any>
  /** How a failure is kept, by journals that keep failures: those on a workflow engine. */
  readonly error: Schema.Codec<E, any>
  /** What is done, unless it is done already. */
  readonly execute: Effect.Effect<A, E, R>
  /**
   * What it did is known from its answer alone, and to do it again is to do it twice. A journal whose steps may be taken away while
   * they are done, to be done elsewhere, keeps an answer that comes all the same.
   */
  readonly irreplaceable?: boolean
}

/**
 * Which look of an `until` this is, as the journal counts them: on a workflow engine earlier looks may have been another
 * process's. `since` is when the first one began (milliseconds since 1970), `undefined` outside of `until`.
 *
 * @example
 * ```ts
 * import { Journal } from "@longshore/core"
 * import { Duration, Effect, Option, Schema } from "effect"
 *
 * const look = {
 *   name: "ready",
 *   success: Schema.Option(Schema.Int),
 *   error: Schema.Never,
 *   execute: Effect.map(Journal.CurrentLook, ({ attempt }) => (attempt < 2 ? Option.none() : Option.some(attempt)))
 * }
 * const program = Journal.Journal.use((journal) => journal.until(look, () => Duration.millis(1)))
 * await Effect.runPromise(Effect.provide(program, Journal.layerMemory)) // => 2
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export const CurrentLook = Context.Reference<{ readonly attempt: number; readonly since: number | undefined }>(
  "@longshore/core/Journal/CurrentLook",
  { defaultValue: () => ({ attempt: 0, since: undefined }) }
)

/**
 * Remembers what the steps of one run gave. A journal that cannot be read or written is no error of the step: the
 * effect dies with a `JournalError`.
 *
 * @example A step is done once
 * ```ts
 * import { Journal } from "@longshore/core"
 * import { Effect, Schema } from "effect"
 *
 * let asked = 0
 * const ask = { name: "ask", success: Schema.Int, error: Schema.Never, execute: Effect.sync(() => ++asked) }
 *
 * const program = Effect.gen(function* () {
 *   const journal = yield* Journal.Journal
 *   return [yield* journal.step(ask), yield* journal.step(ask)]
 * })
 * await Effect.runPromise(Effect.provide(program, Journal.layerMemory)) // => [1, 1]
 * ```
 *
 * @example A step is repeated until there is something
 * ```ts
 * import { Journal } from "@longshore/core"
 * import { Duration, Effect, Option, Schema } from "effect"
 *
 * let looks = 0
 * const program = Journal.Journal.use((journal) =>
 *   journal.until(
 *     {
 *       name: "ready",
 *       success: Schema.Option(Schema.String),
 *       error: Schema.Never,
 *       execute: Effect.sync(() => (++looks < 3 ? Option.none() : Option.some("ready")))
 *     },
 *     (attempt) => Duration.millis(2 ** attempt)
 *   )
 * )
 * await Effect.runPromise(Effect.provide(program, Journal.layerMemory)) // => "ready"
 * looks // => 3
 * ```
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
     * to wait after attempt 0, 1, 2, …, if that was at this time (milliseconds since 1970); `execute` learns by
     * {@link CurrentLook} which one it is.
     */
    readonly until: <A, E, R>(
      step: Step<Option.Option<A>, E, R>,
      every: (attempt: number, at: number) => Duration.Duration
    ) => Effect.Effect<A, E, R>
    /**
     * Whether a run that was interrupted goes on by itself, here or elsewhere: on a workflow engine that is how it waits. Such
     * an interruption is not counted as its end. Default: it does not.
     */
    readonly isSuspended?: Effect.Effect<boolean>
  }
>()("@longshore/core/Journal") {}

/**
 * What a journal has to keep: encoded values by the names of steps. Values are JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface Memory {
  /** What was kept under the name. */
  readonly get: (name: string) => Option.Option<unknown>
  /** Keeps it. Durable when it returns; a failure to write is a defect, best a `JournalError`. */
  readonly set: (name: string, value: unknown) => Effect.Effect<void>
}

/**
 * A journal on a memory: what an implementation that is not a workflow engine needs. Two processes must not use one
 * memory at the same time; keeping them apart is up to the caller.
 *
 * @example In a table
 * ```ts
 * import { Journal } from "@longshore/core"
 * import { Effect, Layer, Option } from "effect"
 * import { DatabaseSync } from "node:sqlite"
 *
 * const layer = Layer.sync(Journal.Journal, () => {
 *   const db = new DatabaseSync("./journal.db")
 *   db.exec("CREATE TABLE IF NOT EXISTS step (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
 *   const find = db.prepare("SELECT value FROM step WHERE name = ?")
 *   const keep = db.prepare("INSERT OR REPLACE INTO step VALUES (?, ?)")
 *   return Journal.make({
 *     get: (name) => Option.map(Option.fromUndefinedOr(find.get(name)), ({ value }) => JSON.parse(String(value))),
 *     set: (name, value) => Effect.sync(() => keep.run(name, JSON.stringify(value)))
 *   })
 * })
 * ```
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
    until: <A, E, R>(look: Step<Option.Option<A>, E, R>, every: (attempt: number, at: number) => Duration.Duration) => {
      const attempt = (n: number, since: number): Effect.Effect<Option.Option<A>, E, R> =>
        Effect.provideService(look.execute, CurrentLook, { attempt: n, since }).pipe(
          Effect.filterOrElse(Option.isSome, () =>
            Effect.flatMap(Clock.currentTimeMillis, (at) =>
              Effect.andThen(Effect.sleep(every(n, at)), attempt(n + 1, since))
            )
          )
        )
      const execute = Effect.flatMap(Clock.currentTimeMillis, (now) => attempt(0, now))
      return Effect.map(step({ ...look, execute }), Option.getOrThrow)
    }
  })
}

/**
 * A journal that lives as long as its layer: for tests, and for programs that start over after a crash. A crash between
 * `add` and its answer then leaves an export at Mews that nobody knows of.
 *
 * @example
 * ```ts
 * import { ExportRun, Journal } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * // Still needs Exports, Transfer and ObjectSink.
 * const program = ExportRun.run({ request: { entityType: "Bill" } }).pipe(Effect.provide(Journal.layerMemory))
 * ```
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
