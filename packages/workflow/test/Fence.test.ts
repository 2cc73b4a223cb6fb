import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Fence from "../src/internal/fence.ts"

/** Two runners. */
const runners = () => {
  const numbers = Fence.memory()
  return [Fence.make(numbers), Fence.make(numbers)] as const
}

it.effect("a clock that is set back makes nothing recent", () =>
  Effect.gen(function* () {
    const [one, other] = runners()
    yield* TestClock.setTime(3_600_000)
    const earlier = yield* one.take("a run")
    yield* other.take("a run")
    yield* TestClock.setTime(0)
    const writing = yield* Effect.forkChild(earlier.recent)
    yield* TestClock.adjust("19 seconds")
    assert.isUndefined(writing.pollUnsafe())
  }).pipe(Effect.scoped)
)

it.effect("an earlier holder waits, and takes the run again only if nobody interrupts it", () =>
  Effect.gen(function* () {
    const [one, two] = runners()
    const earlier = yield* one.take("a run")
    yield* earlier.recent
    const later = yield* two.take("a run")
    // What was confirmed a moment ago counts for two seconds, and no longer.
    yield* earlier.recent
    yield* TestClock.adjust("2 seconds")
    const writing = yield* Effect.forkChild(earlier.recent)
    const publishing = yield* Effect.forkChild(earlier.confirm)
    yield* TestClock.adjust("19 seconds")
    assert.isUndefined(writing.pollUnsafe())
    assert.isUndefined(publishing.pollUnsafe())
    yield* later.confirm
    yield* Fiber.interrupt(publishing)
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(writing)
    // Now the other one is the older.
    const other = yield* Effect.forkChild(later.confirm)
    yield* TestClock.adjust("1 second")
    assert.isUndefined(other.pollUnsafe())
  }).pipe(Effect.scoped)
)

it.effect("what is left of an earlier time on the same runner waits for nobody, and makes nobody wait", () =>
  Effect.gen(function* () {
    const [one, two] = runners()
    const before = yield* one.take("a run")
    yield* two.take("a run")
    // It noticed that the run was lost, and waits to be interrupted.
    const waiting = yield* Effect.forkChild(before.confirm)
    yield* TestClock.adjust("1 second")
    const again = yield* one.take("a run")
    yield* before.confirm
    yield* TestClock.adjust("20 seconds")
    yield* Fiber.join(waiting)
    yield* again.confirm
    // What is left of a run that is over waits for whoever has it elsewhere.
    const ended = yield* Effect.scoped(one.take("another run"))
    yield* two.take("another run")
    const late = yield* Effect.forkChild(ended.confirm)
    yield* TestClock.adjust("1 second")
    assert.isUndefined(late.pollUnsafe())
  }).pipe(Effect.scoped)
)
