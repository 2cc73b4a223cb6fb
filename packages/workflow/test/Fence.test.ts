import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Fence } from "../src/index.ts"

it.effect("a clock that is set back makes nothing recent", () =>
  Effect.gen(function* () {
    const fence = yield* Fence.Fence
    yield* TestClock.setTime(3_600_000)
    const earlier = yield* fence.take("a run")
    yield* fence.take("a run")
    yield* TestClock.setTime(0)
    const writing = yield* Effect.forkChild(earlier.recent)
    yield* TestClock.adjust("19 seconds")
    assert.isUndefined(writing.pollUnsafe())
  }).pipe(Effect.provide(Fence.layerMemory))
)

it.effect("an earlier holder waits, and takes the run again only if nobody interrupts it", () =>
  Effect.gen(function* () {
    const fence = yield* Fence.Fence
    const earlier = yield* fence.take("a run")
    yield* earlier.recent
    const later = yield* fence.take("a run")
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
  }).pipe(Effect.provide(Fence.layerMemory))
)
