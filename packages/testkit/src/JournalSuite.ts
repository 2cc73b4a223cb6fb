/**
 * The conformance suite of journals.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { CurrentLook, Journal, type Step } from "@longshore/core/Journal"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"

/**
 * The journal to be tried.
 *
 * @since 0.1.0
 * @category models
 */
export interface JournalSuiteOptions {
  /** A fresh place for each test, and the journal on it: built again, it is that of a new process. */
  readonly make: Effect.Effect<Layer.Layer<Journal, unknown>, unknown, Scope.Scope>
  /** Whether a new process finds what an earlier one remembered. Then that is tried as well. */
  readonly durable: boolean
}

const Value = Schema.Struct({
  name: Schema.String,
  at: Schema.DateTimeUtc,
  maybe: Schema.Option(Schema.Int),
  list: Schema.Array(Schema.NullOr(Schema.String))
})
const value: typeof Value.Type = {
  name: 'quotes " and \n newlines \u2028 and \u{1F6A2}',
  at: DateTime.makeUnsafe("2026-05-01T00:00:00.123Z"),
  maybe: Option.some(7),
  list: ["a", null]
}

class Failure extends Schema.TaggedError<Failure>()("JournalSuiteFailure", { n: Schema.Int }) {}

const counted = <A, E, R>(execute: Effect.Effect<A, E, R>) => {
  const count = { runs: 0 }
  return {
    count,
    execute: Effect.andThen(
      Effect.sync(() => void count.runs++),
      execute
    )
  }
}

const stepOf = <A, R>(
  name: string,
  success: Schema.Codec<A, any>,
  execute: Effect.Effect<A, Failure, R>
): Step<A, Failure, R> => ({ name, success, error: Failure, execute })

/**
 * Declares the tests of a journal, under this name: steps that run once, failures that are not remembered, names of any kind,
 * waiting, and, for a durable one, a new process. Call it in a file of tests of vitest.
 *
 * @example
 * ```ts
 * import { Journal } from "@longshore/core"
 * import { JournalSuite } from "@longshore/testkit"
 * import { Effect } from "effect"
 *
 * JournalSuite.suite("layerMemory", { make: Effect.succeed(Journal.layerMemory), durable: false })
 * ```
 *
 * @since 0.1.0
 * @category suites
 */
export const suite = (name: string, options: JournalSuiteOptions): void => {
  const test = (
    title: string,
    body: (
      /** A process with this journal. */
      process: <A, E>(body: (journal: Journal["Service"]) => Effect.Effect<A, E>) => Effect.Effect<A, unknown>
    ) => Effect.Effect<void, unknown>
  ): void => {
    it.effect(title, () =>
      Effect.scoped(
        Effect.flatMap(options.make, (layer) =>
          body((inside) => Effect.scoped(Effect.provide(Journal.use(inside), layer)))
        )
      )
    )
  }

  describe(`${name} (journal)`, () => {
    test("runs a step once, and gives what it gave", (process) =>
      process((journal) =>
        Effect.gen(function* () {
          const { count, execute } = counted(Effect.succeed(value))
          const step = stepOf("a step", Value, execute)
          assert.deepStrictEqual(yield* journal.step(step), value)
          assert.deepStrictEqual(yield* journal.step(step), value)
          assert.strictEqual(count.runs, 1)
        })
      ))

    test("does not remember failures, defects and interruptions", (process) =>
      process((journal) =>
        Effect.gen(function* () {
          const outcomes: ReadonlyArray<Effect.Effect<number, Failure>> = [
            Effect.fail(new Failure({ n: 1 })),
            Effect.die("a defect"),
            Effect.interrupt,
            Effect.succeed(4)
          ]
          let n = 0
          const step = stepOf(
            "a step",
            Schema.Int,
            Effect.suspend(() => outcomes[n++] ?? Effect.succeed(0))
          )
          const failed = yield* Effect.result(journal.step(step))
          assert.deepStrictEqual(failed._tag === "Failure" && failed.failure, new Failure({ n: 1 }))
          assert.isTrue(Exit.isFailure(yield* Effect.exit(journal.step(step))))
          assert.isTrue(Exit.isFailure(yield* Effect.exit(journal.step(step))))
          assert.strictEqual(yield* journal.step(step), 4)
          assert.strictEqual(yield* journal.step(step), 4)
          assert.strictEqual(n, 4)
        })
      ))

    test("keeps steps apart by name, whatever the name", (process) =>
      process((journal) =>
        Effect.gen(function* () {
          const names = ["a", "a#2", "2.a", "a b", 'a"b', "a\nb", "", "__proto__", "\u{1F6A2}"]
          const run = Effect.forEach(names, (name, i) => journal.step(stepOf(name, Schema.Int, Effect.succeed(i))), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(
            yield* run,
            names.map((_, i) => i)
          )
          assert.deepStrictEqual(
            yield* run,
            names.map((_, i) => i)
          )
        })
      ))

    test("repeats until there is a value, waiting as told, and remembers only the value", (process) =>
      process((journal) =>
        Effect.gen(function* () {
          const started = Effect.map(Clock.currentTimeMillis, (now) => now - 60_000)
          const asked = new Map<number, number>()
          const told: Array<number> = []
          const sinces = new Set<number | undefined>()
          let looks = 0
          const execute = Effect.map(CurrentLook, ({ attempt, since }) => {
            told.push(attempt)
            sinces.add(since)
            return ++looks >= 4 ? Option.some(looks) : Option.none<number>()
          })
          const look = stepOf("looks", Schema.Option(Schema.Int), execute)
          const every = (attempt: number, at: number) => {
            asked.set(attempt, at)
            return Duration.seconds(10 * (attempt + 1))
          }
          const fiber = yield* Effect.forkChild(journal.until(look, every))
          yield* TestClock.adjust("9 seconds")
          assert.strictEqual(looks, 1)
          yield* TestClock.adjust("1 second")
          assert.strictEqual(looks, 2)
          yield* TestClock.adjust("20 seconds")
          assert.strictEqual(looks, 3)
          yield* TestClock.adjust("30 seconds")
          assert.strictEqual(yield* Fiber.join(fiber), 4)
          const since = yield* started
          // A journal may ask more than once how long to wait, but not for another attempt or time.
          assert.deepStrictEqual(
            [0, 1, 2].map((attempt) => asked.get(attempt)),
            [since, since + 10_000, since + 30_000]
          )
          assert.deepStrictEqual(told, [0, 1, 2, 3])
          assert.deepStrictEqual([...sinces], [since])
          assert.strictEqual(yield* journal.until(look, every), 4)
          assert.strictEqual(looks, 4)
        })
      ))

    test("a wait that is interrupted begins again", (process) =>
      process((journal) =>
        Effect.gen(function* () {
          let ready = false
          const look = stepOf(
            "looks",
            Schema.Option(Schema.Int),
            Effect.sync(() => (ready ? Option.some(1) : Option.none<number>()))
          )
          const fiber = yield* Effect.forkChild(journal.until(look, () => Duration.minutes(5)))
          yield* TestClock.adjust("1 minute")
          yield* Fiber.interrupt(fiber)
          ready = true
          assert.strictEqual(yield* journal.until(look, () => Duration.minutes(5)), 1)
        })
      ))

    if (options.durable) {
      test("a new process finds every step that was finished, and no other", (process) =>
        Effect.gen(function* () {
          yield* process((journal) =>
            Effect.gen(function* () {
              yield* journal.step(stepOf("one", Value, Effect.succeed(value)))
              yield* Effect.result(journal.step(stepOf("two", Schema.Int, Effect.fail(new Failure({ n: 2 })))))
              yield* journal.until(
                stepOf("three", Schema.Option(Schema.Int), Effect.succeedSome(3)),
                () => Duration.zero
              )
            })
          )
          const again = counted(Effect.succeed(2))
          const never = Effect.die("this step is done")
          yield* process((journal) =>
            Effect.gen(function* () {
              assert.deepStrictEqual(yield* journal.step(stepOf("one", Value, never)), value)
              assert.strictEqual(yield* journal.step(stepOf("two", Schema.Int, again.execute)), 2)
              assert.strictEqual(
                yield* journal.until(stepOf("three", Schema.Option(Schema.Int), never), () => Duration.zero),
                3
              )
            })
          )
          assert.strictEqual(again.count.runs, 1)
        }))
    }
  })
}
