/** What happens to processes: they are interrupted anywhere, lose their store, come back with another configuration, and meet other people's sinks. */
import { assert, describe, it } from "@effect/vitest"
import { SinkError } from "@longshore/core/ExportError"
import type * as ObjectSink from "@longshore/core/ObjectSink"
import { MemorySink } from "@longshore/testkit"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import { delivered, different, makeWorld, patiently, truth, type World } from "./world.ts"

const partSize = 64 * 1024

/** Counts the operations of all fibers, and calls back at the n-th. */
class Counting extends Scheduler.MixedScheduler {
  operations = 0
  readonly at: number
  readonly reached: () => void
  constructor(at: number, reached: () => void) {
    super()
    this.at = at
    this.reached = reached
  }
  override shouldYield(fiber: Fiber.Fiber<unknown, unknown>) {
    if (++this.operations !== this.at) return super.shouldYield(fiber)
    // This fiber gives way first: whatever it was about to do is not done yet.
    queueMicrotask(this.reached)
    return true
  }
}

/** Runs, and is interrupted at the n-th operation. Gives how many there were. */
const interruptedAt = <A, E, R>(at: number, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    let root: Fiber.Fiber<unknown, unknown> | undefined
    const scheduler = new Counting(at, () => root?.interruptUnsafe())
    const exit = yield* patiently(
      Effect.exit(
        Effect.flatMap(
          Effect.forkChild(
            Effect.withFiber((fiber) => {
              root = fiber
              return effect
            }).pipe(Effect.provideService(Scheduler.Scheduler, scheduler))
          ),
          Fiber.join
        )
      )
    )
    return { exit, operations: scheduler.operations }
  })

/** What is published is whole, and a manifest only where all of it is. */
const nothingHalf = Effect.fnUntraced(function* (world: World) {
  const files = (yield* truth(world.simulator)).flatMap((found) => found.files)
  const published = files.filter(({ key }) => world.store.objects.has(key))
  for (const { bytes, key } of published) {
    assert.strictEqual(Buffer.compare(world.store.objects.get(key)?.bytes ?? Buffer.alloc(0), bytes), 0, key)
  }
  const manifests = [...world.store.objects.keys()].filter((key) => key.endsWith("manifest.json")).length
  assert.isAtMost(manifests, files.length > 0 && published.length === files.length ? 1 : 0)
})

/** Bytes of files that went out. */
const moved = (world: World) =>
  Effect.map(world.simulator.requests, (requests) =>
    requests.reduce((sum, { bytes, kind }) => sum + (kind === "file" ? bytes : 0), 0)
  )

describe("interruption", () => {
  it.effect("F98 at any operation of any fiber leaves nothing half done, and the next process finishes", () =>
    Effect.gen(function* () {
      const world = () => makeWorld({ simulator: { fileSizes: [100_000, 0, 70_000] }, transfer: { concurrency: 2 } })
      const { operations } = yield* interruptedAt(Infinity, (yield* world()).run())
      const points = 60
      let interrupted = 0
      for (let n = 0; n < points; n++) {
        const one = yield* world()
        const { exit } = yield* interruptedAt(1 + Math.floor((n * operations) / points), one.run())
        yield* nothingHalf(one)
        if (Exit.isFailure(exit)) {
          assert.isTrue(Cause.hasInterruptsOnly(exit.cause), String(exit.cause))
          interrupted += 1
        }
        yield* patiently(one.run())
        yield* delivered(one)
        // An answer of `add` is noted before anything is interrupted.
        assert.strictEqual(yield* one.count("add"), 1, `interrupted at ${n}`)
        assert.notInclude(one.tags(), "AnswerLost")
      }
      assert.isAbove(interrupted, points * 0.9)
    })
  )
})

/** In the middle of its files: two parts are stored. */
const stopInTheMiddle = (world: World) =>
  patiently(
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(world.run())
      while (world.tags().filter((tag) => tag === "PartStored").length < 2) yield* Effect.sleep("10 millis")
      yield* Fiber.interrupt(running)
    })
  )

describe("between two processes", () => {
  it.effect("F96 everything that the journal speaks of is lost in the target: it is delivered again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { files: 2, fileSize: 300_000 } })
      const first = yield* patiently(world.run())
      world.store.objects.clear()
      const again = yield* patiently(world.run())
      assert.isFalse(again.earlier)
      assert.deepStrictEqual(
        again.manifest.files.map((file) => file.crc32),
        first.manifest.files.map((file) => file.crc32)
      )
      yield* delivered(world)
      assert.strictEqual(yield* world.count("add"), 1)
    })
  )

  it.effect("F96 what was stored of a file is lost: it is fetched again, by the old plan", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({
        simulator: { files: 1, fileSize: 500_000, bandwidth: 50_000 },
        transfer: { concurrency: 1 }
      })
      yield* stopInTheMiddle(world)
      assert.isAbove([...world.store.uploads.values()].flatMap(({ parts }) => [...parts]).length, 0)
      world.store.uploads.clear()
      const before = yield* moved(world)
      yield* patiently(world.run())
      yield* delivered(world)
      assert.strictEqual((yield* moved(world)) - before, 500_000)
      assert.strictEqual(yield* world.count("add"), 1)
    })
  )

  for (const [what, transfer, more] of [
    ["larger parts", 1, { partSize: 3 * partSize }],
    ["smaller parts", 1, { partSize: 1000 }],
    ["more parts at a time", 8, {}],
    ["other policies", 1, { onBusy: "fail", onExpired: "renew", retries: 0 }]
  ] as const) {
    it.effect(`F97 ${what}: the same run goes on, and fetches what is missing`, () =>
      Effect.gen(function* () {
        let concurrency = 1
        const world = yield* makeWorld({
          simulator: { files: 1, fileSize: 500_000, bandwidth: 50_000 },
          get transfer() {
            return { concurrency }
          }
        })
        yield* stopInTheMiddle(world)
        const before = yield* moved(world)
        concurrency = transfer
        yield* patiently(world.run(more))
        yield* delivered(world)
        assert.strictEqual((yield* moved(world)) - before, 500_000 - 2 * partSize)
        assert.strictEqual(yield* world.count("add"), 1)
      })
    )
  }
})

describe("a sink of somebody's own", () => {
  const boom = new Error("boom")
  const refused = new SinkError({ reason: "PermissionDenied", location: "memory:///", problem: "no" })
  const places: Record<string, (problem: Effect.Effect<never, SinkError>) => Partial<ObjectSink.ObjectWriter>> = {
    write: (problem) => ({ write: () => problem }),
    confirm: (problem) => ({ confirm: () => problem }),
    commit: (problem) => ({ commit: problem })
  }
  for (const [place, change] of Object.entries(places)) {
    it.effect(`F99 that dies in ${place} ends the run with its defect; one that fails there, with its error`, () =>
      Effect.gen(function* () {
        const store = MemorySink.makeStore()
        let problem: Effect.Effect<never, SinkError> | undefined
        const sink = different(store, () => (problem === undefined ? {} : change(problem)))
        const world = yield* makeWorld({
          simulator: { files: 1, fileSize: 500_000, bandwidth: 50_000 },
          transfer: { concurrency: 1 },
          sink
        })
        yield* stopInTheMiddle(world)
        problem = Effect.sync(() => {
          throw boom
        })
        const died = yield* patiently(Effect.exit(world.run()))
        if (!Exit.isFailure(died)) return assert.fail("a defect is expected")
        assert.isTrue(Cause.hasDies(died.cause))
        assert.strictEqual(Cause.squash(died.cause), boom)
        problem = Effect.fail(refused)
        const failed = yield* patiently(Effect.exit(world.run()))
        if (!Exit.isFailure(failed)) return assert.fail("an error is expected")
        assert.isFalse(Cause.hasDies(failed.cause))
        assert.strictEqual(Cause.squash(failed.cause), refused)
        assert.strictEqual(store.objects.size, 0)
        problem = undefined
        yield* patiently(world.run())
        assert.strictEqual(store.objects.size, 2)
        assert.strictEqual(yield* world.count("add"), 1)
      })
    )
  }

  for (const [what, isPatient] of [
    ["never completes is waited for, and interruption ends that", false],
    ["ignores interruption is waited for until it completes", true]
  ] as const) {
    for (const place of ["write", "commit"] as const) {
      it.effect(`F100 that ${what}: ${place}`, () =>
        Effect.gen(function* () {
          const store = MemorySink.makeStore()
          const gate = yield* Deferred.make<never>()
          let stuck = true
          const waiting = isPatient ? Effect.uninterruptible(Deferred.await(gate)) : Deferred.await(gate)
          const sink = different(store, () => (stuck ? (places[place]?.(waiting) ?? {}) : {}))
          const world = yield* makeWorld({ simulator: { files: 1, fileSize: 100_000 }, sink })
          const running = yield* Effect.forkChild(world.run())
          const hour = patiently(Effect.sleep("1 hour"), "10 seconds")
          yield* hour
          // No timer is on a sink: a slow store is no broken one.
          assert.isUndefined(running.pollUnsafe())
          const requests = (yield* world.simulator.requests).length
          running.interruptUnsafe()
          yield* patiently(Effect.sleep("1 second"))
          if (isPatient) {
            yield* hour
            assert.isUndefined(running.pollUnsafe())
            yield* Deferred.interrupt(gate)
          }
          const exit = yield* patiently(Fiber.await(running))
          assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
          assert.strictEqual((yield* world.simulator.requests).length, requests)
          assert.strictEqual(store.objects.size, 0)
          stuck = false
          yield* patiently(world.run())
          assert.strictEqual(store.objects.size, 2)
          assert.strictEqual(yield* world.count("add"), 1)
        })
      )
    }
  }
})
