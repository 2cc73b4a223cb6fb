import { assert, describe, it } from "@effect/vitest"
import type { FaultName } from "@longshore/simulator/Fault"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import {
  delivered,
  failure,
  foreignAdd,
  makeWorld,
  meanwhile,
  patiently,
  type World,
  type WorldOptions
} from "./world.ts"

const small: WorldOptions["simulator"] = { files: 2, fileSize: 300_000 }

/** The most requests of a kind that fell into any span of so many milliseconds. */
const densest = (world: World, kind: "add" | "getAll" | "file", span: number) =>
  Effect.map(world.simulator.requests, (requests) => {
    const times = requests.filter((one) => one.kind === kind).map((one) => Date.parse(one.at))
    return Math.max(...times.map((at) => times.filter((other) => other >= at && other < at + span).length))
  })

describe("the slot", () => {
  it.effect("F02 held by the run's own export: the next process takes it up, and asks for nothing", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: small })
      yield* patiently(Effect.timeoutOption(world.run(), "3 seconds"))
      assert.strictEqual((yield* world.simulator.exports)[0]?.status, "Processing")
      yield* patiently(world.run({ onBusy: "fail" }))
      yield* delivered(world)
      assert.strictEqual(yield* world.count("add"), 1)
    })
  )

  for (const conflictStatus of [403, 409] as const) {
    it.effect(`F04 held by another program, and told of by ${conflictStatus}: an error, or a wait`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ simulator: { ...small, conflictStatus } })
        assert.strictEqual(yield* foreignAdd(world.simulator), 200)
        assert.strictEqual(yield* patiently(failure(world.run())), "AddRejected")
        yield* patiently(world.run({ onBusy: "wait" }))
        yield* delivered(world)
        assert.isAtLeast(yield* world.count("add", conflictStatus), 2)
      })
    )
  }

  it.effect("F05 lost again to another program the moment it was free: waits on, and asks once it is free again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: small })
      // Each ends after seven seconds, and the next one takes the slot in the same millisecond.
      const rival = Effect.gen(function* () {
        for (let n = 0; n < 4; n++) {
          assert.strictEqual(yield* foreignAdd(world.simulator), 200)
          yield* Effect.sleep("7 seconds")
        }
      })
      yield* patiently(
        Effect.all([rival, Effect.delay(world.run({ onBusy: "wait" }), "100 millis")], { concurrency: "unbounded" })
      )
      yield* delivered(world)
      assert.strictEqual((yield* world.simulator.exports).length, 5)
      assert.strictEqual(yield* world.count("add", 200), 1, "its own; the rival's are not witnessed")
      assert.isAtLeast(world.tags().filter((tag) => tag === "SlotBusy").length, 4)
    })
  )

  it.effect("F06 an export that is ready, or failed, in the answer of add", () =>
    Effect.gen(function* () {
      const atOnce = { ...small, pending: 0, processing: 0 }
      const world = yield* makeWorld({ simulator: atOnce })
      yield* patiently(world.run())
      yield* delivered(world)
      const failing = yield* makeWorld({ simulator: { ...atOnce, faults: [{ name: "fail-export" }] } })
      assert.strictEqual(yield* patiently(failure(failing.run())), "ExportFailed")
      yield* patiently(failing.run({ onExpired: "renew" }))
      yield* delivered(failing)
    })
  )
})

describe("an answer that is none", () => {
  const answers: ReadonlyArray<readonly [string, FaultName]> = [
    ["F07 F18 a log-in page", "api-not-json"],
    ["F07 nothing, with 200", "api-empty"],
    ["F07 half of an answer", "api-truncated"],
    ["F07 another shape", "api-wrong-shape"],
    ["F08 204", "api-204"]
  ]
  for (const [what, name] of answers) {
    it.effect(`${what} to add: whether it was accepted is not known, and the next process says so`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ simulator: { ...small, faults: [{ name, target: "add" }] } })
        assert.strictEqual(yield* patiently(failure(world.run())), "UnexpectedResponse")
        assert.strictEqual(yield* world.count("add"), 1)
        yield* patiently(world.run())
        yield* delivered(world)
        assert.include(world.tags(), "AnswerLost")
      })
    )

    it.effect(`${what} to a look: the run ends, and the next process goes on with the same export`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ simulator: { ...small, faults: [{ name, target: "getAll" }] } })
        assert.strictEqual(yield* patiently(failure(world.run())), "UnexpectedResponse")
        yield* patiently(world.run())
        yield* delivered(world)
        assert.strictEqual(yield* world.count("add"), 1)
      })
    )
  }
})

describe("tokens", () => {
  for (const name of ["api-401", "api-403"] as const) {
    it.effect(`F09 revoked in the middle (${name}): while waiting or while fetching, what is done is kept`, () =>
      Effect.gen(function* () {
        const waiting = yield* makeWorld({ simulator: { ...small, faults: [{ name, target: "getAll" }] } })
        assert.strictEqual(yield* patiently(failure(waiting.run())), "AccessDenied")
        yield* patiently(waiting.run())
        yield* delivered(waiting)

        const fetching = yield* makeWorld({ simulator: { ...small, bandwidth: 50_000 }, transfer: { concurrency: 2 } })
        const revoke = Effect.gen(function* () {
          yield* Effect.sleep("12 seconds")
          yield* fetching.simulator.addFault({ name: "deny-link" })
          yield* fetching.simulator.addFault({ name, target: "getAll", count: Infinity })
        })
        assert.strictEqual(yield* failure(meanwhile(fetching, revoke)), "AccessDenied")
        const before = yield* fetching.count("file", 206)
        yield* fetching.simulator.clearFaults
        yield* patiently(fetching.run())
        yield* delivered(fetching)
        // Two files of five parts, each with its probe.
        assert.isAbove(before, 4)
        assert.isBelow((yield* fetching.count("file", 206)) - before, 10)
        assert.strictEqual((yield* waiting.count("add")) + (yield* fetching.count("add")), 2)
      })
    )
  }
})

describe("an API that does not want any more", () => {
  it.effect("F14 a Retry-After of five hours on add ends the run, and nothing is outstanding", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({
        simulator: { ...small, faults: [{ name: "api-429", target: "add", duration: Duration.hours(5) }] }
      })
      assert.strictEqual(yield* patiently(failure(world.run()), "1 second", 60), "RateLimited")
      assert.strictEqual(yield* world.count("add"), 1)
      yield* patiently(world.run())
      yield* delivered(world)
      assert.notInclude(world.tags(), "AnswerLost")
    })
  )

  for (const name of ["api-429-html", "api-503-html"] as const) {
    it.effect(`F16 ${name} without end: few requests, ever slower, and then an error`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({
          simulator: { ...small, faults: [{ name, target: "getAll", count: Infinity }] }
        })
        const expected = name === "api-429-html" ? "RateLimited" : "ApiUnavailable"
        assert.strictEqual(yield* patiently(failure(world.run())), expected)
        assert.strictEqual(yield* world.count("getAll"), 7, "one and six retries")
        assert.isAtMost(yield* densest(world, "getAll", 4_000), 4)

        // Who has waited for long bears it for an hour, at the pace of the looks.
        const patient = yield* makeWorld({ simulator: { ...small, processing: "1 day" } })
        const outage = Effect.delay(patient.simulator.addFault({ name, target: "getAll", count: Infinity }), "6 hours")
        assert.strictEqual(yield* failure(meanwhile(patient, outage, "10 seconds")), expected)
        const refused = yield* patient.count("getAll", name === "api-429-html" ? 429 : 503)
        assert.isAtLeast(refused, 50)
        assert.isAtMost(refused, 7 * 14)
        assert.isAtMost(yield* densest(patient, "getAll", 60_000), 14)
      })
    )
  }

  it.effect("F16 a file host that is busy without end: each part is tried seven times at most", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: small, transfer: { concurrency: 4 } })
      const busy = Effect.delay(world.simulator.addFault({ name: "file-503", count: Infinity }), "7 seconds")
      assert.strictEqual(yield* failure(meanwhile(world, busy)), "TransferFailed")
      assert.isAtMost(yield* world.count("file", 503), 4 * 7)
    })
  )

  it.effect("F31 a connection that stays open and silent: each request ends after a minute, whatever it asked", () =>
    Effect.gen(function* () {
      const looking = yield* makeWorld({ simulator: { ...small, faults: [{ name: "hold-answer", target: "getAll" }] } })
      yield* patiently(looking.run())
      yield* delivered(looking)
      assert.strictEqual(yield* looking.count("add"), 1)

      for (const name of ["hold-answer", "hold-add-answer"] as const) {
        const asking = yield* makeWorld({
          simulator: {
            ...small,
            faults: [{ name, target: name === "hold-answer" ? "add" : "Reservation", duration: Duration.hours(9) }]
          }
        })
        yield* patiently(asking.run(), "1 second", 300)
        yield* delivered(asking)
        assert.include(asking.tags(), "AnswerLost")
        assert.strictEqual(yield* asking.count("add"), 2)
      }
    })
  )
})

describe("looking", () => {
  it.effect("F20 an export that is not listed at first is looked for again; one that stays away is told of", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "omit-export", count: 3 }] } })
      yield* patiently(world.run())
      yield* delivered(world)
      const gone = yield* makeWorld({ simulator: { ...small, faults: [{ name: "omit-export", count: Infinity }] } })
      assert.strictEqual(yield* patiently(failure(gone.run())), "ExportNotFound")
      assert.strictEqual(yield* gone.count("add"), 1)
    })
  )

  it.effect("F24 Pending for days: a look every five minutes, and then it is fetched", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, pending: "3 days" } })
      yield* patiently(world.run(), "1 minute")
      yield* delivered(world)
      const looks = yield* world.count("getAll")
      assert.isAtLeast(looks, 3 * 24 * 12)
      assert.isAtMost(looks, 3 * 24 * 12 + 20)
      assert.strictEqual(yield* world.count("add"), 1)
    })
  )

  it.effect("F28 without an end, or with one that is past: what the API offers is fetched all the same", () =>
    Effect.gen(function* () {
      for (const name of ["no-expiry", "past-expiry"] as const) {
        const world = yield* makeWorld({ simulator: { ...small, faults: [{ name, count: Infinity }] } })
        yield* patiently(world.run())
        yield* delivered(world)
      }
    })
  )
})
