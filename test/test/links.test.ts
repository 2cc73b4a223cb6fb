import { assert, describe, it } from "@effect/vitest"
import type { Fault } from "@longshore/simulator/Fault"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { delivered, failure, makeWorld, meanwhile, patiently, type World, type WorldOptions } from "./world.ts"

/** Slow enough that something can happen meanwhile: the files are on their way from 8 seconds on, for a while. */
const slow: WorldOptions = {
  simulator: { files: 2, fileSize: 300_000, bandwidth: 50_000 },
  transfer: { concurrency: 2 }
}

/** In the middle of the files, links are refused once, and something goes wrong with the look that renews them. */
const refused = (world: World, ...faults: ReadonlyArray<Fault>) =>
  Effect.delay(
    Effect.forEach([{ name: "deny-link" as const }, ...faults], world.simulator.addFault, { discard: true }),
    "12 seconds"
  )

describe("fresh links", () => {
  const passing: ReadonlyArray<readonly [string, ReadonlyArray<Fault>]> = [
    ["F23 although the export seems to have gone back for a while", [{ name: "status-back", count: 3 }]],
    ["F28 although they come without an end", [{ name: "no-expiry" }]],
    ["F29 although the files come in another order", [{ name: "reorder-files" }]],
    ["F29 although another size is announced", [{ name: "wrong-size" }]],
    ["F36 although they are the old ones, twice", [{ name: "same-links", count: 2 }]],
    ["F38 although the API wants to be left alone for a while", [{ name: "api-429", target: "getAll", count: 2 }]],
    ["F38 although the API is down for a while", [{ name: "api-503-html", target: "getAll", count: 3 }]],
    ["F40 although their paths have changed", [{ name: "move-files" }]]
  ]
  for (const [what, faults] of passing) {
    it.effect(`${what}, the transfer goes on`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld(slow)
        yield* meanwhile(world, refused(world, ...faults))
        yield* delivered(world)
        assert.include(world.tags(), "LinksRenewed")
        assert.strictEqual(yield* world.count("add"), 1)
      })
    )
  }

  const ending: ReadonlyArray<readonly [string, Fault, string]> = [
    ["F23 an export that went back for good", { name: "status-back", count: Infinity }, "UnexpectedResponse"],
    ["F27 an export that has no files any more", { name: "no-files", count: Infinity }, "ExportExpired"],
    ["F29 a file that is no longer listed", { name: "drop-file", count: Infinity }, "IntegrityError"],
    [
      "F38 an API that wants to be left alone for hours",
      { name: "api-429", target: "getAll", duration: Duration.hours(5) },
      "RateLimited"
    ]
  ]
  for (const [what, fault, expected] of ending) {
    it.effect(`${what} is told of in time, and what is done is kept`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld(slow)
        assert.strictEqual(yield* failure(meanwhile(world, refused(world, fault))), expected)
        assert.isBelow(yield* world.count("getAll"), 20)
        const before = yield* world.count("file", 206)
        yield* world.simulator.clearFaults
        yield* patiently(world.run())
        yield* delivered(world)
        // Two files of five parts, each with its probe.
        assert.isBelow((yield* world.count("file", 206)) - before, 10)
        assert.strictEqual(yield* world.count("add"), 1)
      })
    )
  }

  it.effect("F36 that stay the old ones end in an error, not in a loop", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ ...slow, simulator: { ...slow.simulator, linkTtl: "5 seconds" } })
      const stuck = Effect.delay(world.simulator.addFault({ name: "same-links", count: Infinity }), "9 seconds")
      assert.strictEqual(yield* failure(meanwhile(world, stuck)), "TransferFailed")
      assert.isAtMost(yield* world.count("getAll"), 12)
    })
  )

  it.effect("F39 are none once the export has expired: an error, or another export", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(slow)
      const expire = refused(world, { name: "expire-export" })
      assert.strictEqual(yield* failure(meanwhile(world, expire)), "ExportExpired")
      yield* patiently(world.run({ onExpired: "renew" }))
      assert.strictEqual(yield* world.count("add"), 2)
      assert.include(world.tags(), "ExportRenewed")
      const [, second] = yield* world.simulator.exports
      assert.isTrue(world.store.objects.has(`Reservation/${second?.id}/manifest.json`))
    })
  )
})

describe("a clock", () => {
  for (const minutes of [15, -15]) {
    it.effect(`F41 that is ${minutes} minutes ahead changes nothing`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({
          simulator: {
            files: 2,
            fileSize: 200_000,
            bandwidth: 20_000,
            linkTtl: "3 seconds",
            faults: [{ name: "api-429-date", target: "add" }]
          }
        })
        world.clock.ahead = Duration.toMillis(Duration.minutes(minutes))
        yield* patiently(world.run())
        yield* delivered(world)
        // What a right clock costs: refused once, and asked again when the API said so.
        assert.strictEqual(yield* world.count("add"), 2)
        assert.isBelow(Number((yield* world.simulator.requests).at(-1)?.at.slice(14, 16)), 2, "minutes in all")
      })
    )
  }

  for (const hours of [8, -8]) {
    it.effect(`F43 that leaps by ${hours} hours in the middle of the files changes nothing`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld(slow)
        const leap = Effect.delay(
          Effect.sync(() => (world.clock.ahead = Duration.toMillis(Duration.hours(hours)))),
          "12 seconds"
        )
        yield* meanwhile(world, leap)
        yield* delivered(world)
        assert.strictEqual(yield* world.count("add"), 1)
      })
    )
  }

  it.effect(
    "F43 of a machine that slept for eight hours: links and connections are gone, and the rest is fetched",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld(slow)
        const sleep = Effect.gen(function* () {
          yield* Effect.sleep("11 seconds")
          yield* world.simulator.addFault({ name: "stall-file", count: 2 })
          yield* Effect.sleep("1 second")
          world.clock.asleep = Duration.toMillis(Duration.hours(8))
        })
        yield* meanwhile(world, sleep)
        yield* delivered(world)
        assert.include(world.tags(), "LinksRenewed")
        assert.strictEqual(yield* world.count("add"), 1)
      })
  )
})
