import { assert, describe, it } from "@effect/vitest"
import { addPath } from "@longshore/core/ConnectorApi"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { failureOf } from "../src/ExportWorkflow.ts"
import { Account, type ExportTask, ExportWorkflow } from "../src/index.ts"
import * as Control from "../src/internal/control.ts"
import { make, patiently, taskOf, tokens, until, type World } from "./world.ts"
import { WorkflowEngine } from "effect/workflow/WorkflowEngine"

const complete = (world: World, id: string) =>
  until(
    Effect.map(world.poll(id), (result) =>
      Option.isSome(result) && result.value._tag === "Complete" && Exit.isSuccess(result.value.exit)
        ? result.value.exit.value
        : undefined
    )
  )

const failed = (world: World, id: string) =>
  until(
    Effect.map(world.poll(id), (result) =>
      Option.isSome(result) && result.value._tag === "Suspended" && result.value.failed === true
        ? failureOf(result.value.cause)
        : undefined
    )
  )

const control = (world: World, what: "cancel" | "resume", id: string, policy?: ExportTask.RunPolicy) =>
  Effect.provideService(
    what === "cancel"
      ? Control.cancel(ExportWorkflow.ExportWorkflow, id)
      : Control.resume(ExportWorkflow.ExportWorkflow, id, policy),
    WorkflowEngine,
    world.engine
  )

/** How often runs ended how, as metrics tell it. */
const outcomes = Effect.map(Metric.snapshot, (states) =>
  Object.fromEntries(
    states.flatMap(({ attributes, id, state }) =>
      id === "longshore.runs" && "count" in state
        ? [[String(attributes?.["longshore.outcome"]), Number(state.count)] as const]
        : []
    )
  )
)

/** With metrics of its own. */
const counting = Effect.provideService(Metric.MetricRegistry, new Map())

/** Waits until the API was asked so often. */
const asked = (world: World, kind: "add" | "getAll", times: number) =>
  until(Effect.map(world.requests(kind), (count) => (count >= times ? count : undefined)))

const delivered = Effect.fnUntraced(function* (world: World) {
  for (const { entityType, files, id, status } of yield* world.simulator.exports) {
    if (status !== "Success") continue
    for (const [index, file] of files.entries()) {
      const key = `${entityType}/${id}/${entityType}-${String(index + 1).padStart(5, "0")}.jsonl`
      assert.deepStrictEqual(world.store.objects.get(key)?.bytes.length, file.size, key)
    }
    assert.isTrue(world.store.objects.has(`${entityType}/${id}/manifest.json`))
  }
})

describe("an export on the engine", () => {
  it.effect("is the same as on a file: one add, every file, a manifest; the same again joins it", () =>
    Effect.gen(function* () {
      const world = yield* make()
      const id = yield* patiently(world.submit(taskOf("Bill")))
      const manifest = yield* patiently(complete(world, id))
      assert.strictEqual(manifest.files.length, 2)
      yield* delivered(world)
      assert.strictEqual(yield* patiently(world.submit(taskOf("Bill"))), id)
      assert.deepStrictEqual(yield* patiently(complete(world, id)), manifest)
      assert.strictEqual(yield* world.requests("add"), 1)
    })
  )

  it.effect("waits suspended, and is woken for each look", () =>
    Effect.gen(function* () {
      const simulator = { files: 1, fileSize: 1_000, processing: "2 hours" } as const
      const world = yield* make({ simulator })
      const id = yield* patiently(world.submit(taskOf("Bill")))
      yield* patiently(complete(world, id), "5 seconds")
      yield* delivered(world)
      assert.strictEqual(yield* world.requests("add"), 1)
      // Quick at first, and every five minutes in the end: a replay does not begin with quick ones again.
      assert.isBelow(yield* world.requests("getAll"), 45)
    })
  )

  it.effect("goes on with looks as often as they were, whenever another runner begins with them", () =>
    Effect.gen(function* () {
      // A wake-up comes right before a multiple of all intervals, where the next look of each would be close.
      yield* TestClock.adjust(256_000 * 5_000 - 19_870)
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000, processing: "18 seconds" }, suspendAfter: 0 })
      const id = yield* patiently(world.submit(taskOf("Bill")))
      yield* patiently(complete(world, id), "50 millis")
      const [first] = yield* world.simulator.exports
      const ready = Date.parse(first?.createdAt ?? "") + 20_000
      // The intervals are sixteen seconds at most then, and the engine looks every ten for whom to wake.
      assert.isBelow((yield* Clock.currentTimeMillis) - ready, 27_000)
    })
  )

  it.effect("is counted when it ends, by how it does, and not when it is suspended", () =>
    Effect.gen(function* () {
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000, processing: "1 hour" }, suspendAfter: 0 })
      const id = yield* patiently(world.submit(taskOf("Bill")))
      // It is suspended between any two.
      yield* patiently(asked(world, "getAll", 6), "5 seconds")
      assert.deepStrictEqual(yield* outcomes, {})
      yield* patiently(control(world, "cancel", id))
      yield* patiently(failed(world, id))
      assert.deepStrictEqual(yield* outcomes, { RunCancelled: 1 })
      yield* patiently(control(world, "resume", id))
      yield* patiently(complete(world, id), "5 seconds")
      assert.deepStrictEqual(yield* outcomes, { RunCancelled: 1, completed: 1 })
      // What fails before there is anything to ask for is a run that failed as well.
      const elsewhere = yield* patiently(world.submit(taskOf("Bill", { account: "oporto" })))
      yield* patiently(failed(world, elsewhere))
      assert.deepStrictEqual(yield* outcomes, { RunCancelled: 1, completed: 1, InvalidRequest: 1 })
    }).pipe(counting)
  )

  it.effect("that failed says with what, and goes on when it is resumed", () =>
    Effect.gen(function* () {
      const faults = [{ name: "api-401", target: "getAll", count: Infinity }] as const
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000, faults } })
      const id = yield* patiently(world.submit(taskOf("Bill")))
      const error = yield* patiently(failed(world, id))
      assert.strictEqual(error._tag, "AccessDenied")
      yield* world.simulator.clearFaults
      yield* patiently(control(world, "resume", id))
      yield* patiently(complete(world, id))
      yield* delivered(world)
      assert.strictEqual(yield* world.requests("add"), 1)
    })
  )

  it.effect("that Mews let fail is asked for again, as the task says", () =>
    Effect.gen(function* () {
      const faults = [{ name: "fail-export" }] as const
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000, faults }, suspendAfter: 0 })
      const id = yield* patiently(world.submit(taskOf("Bill", { onExpired: "renew" })))
      const manifest = yield* patiently(complete(world, id), "2 seconds")
      const [first, second] = yield* world.simulator.exports
      assert.strictEqual(first?.status, "Failed")
      assert.strictEqual(manifest.exportId, second?.id)
      assert.strictEqual(yield* world.requests("add"), 2)
      yield* delivered(world)
    })
  )

  it.effect("that Mews let fail is asked for again once somebody says so, and is the same run", () =>
    Effect.gen(function* () {
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000, faults: [{ name: "fail-export" }] } })
      const id = yield* patiently(world.submit(taskOf("Bill")))
      assert.strictEqual((yield* patiently(failed(world, id)))._tag, "ExportFailed")
      yield* patiently(control(world, "resume", id, { onExpired: "renew" }))
      const manifest = yield* patiently(complete(world, id))
      const [, second] = yield* world.simulator.exports
      assert.strictEqual(manifest.exportId, second?.id)
      assert.strictEqual(yield* world.requests("add"), 2)
    })
  )

  for (const suspendAfter of ["1 hour", 0] as const) {
    it.effect(
      `waits ${suspendAfter === 0 ? "suspended" : "in memory"} as long as its task says, and anew when it is resumed`,
      () =>
        Effect.gen(function* () {
          const world = yield* make({
            simulator: { files: 1, fileSize: 1_000, processing: "25 minutes" },
            suspendAfter
          })
          const id = yield* patiently(world.submit(taskOf("Bill", { maxWait: 600_000 })))
          for (let n = 0; n < 2; n++) {
            const error = yield* patiently(failed(world, id), "5 seconds")
            assert.deepInclude(error, { _tag: "WaitTimedOut", waitingFor: "export" })
            assert.approximately(error._tag === "WaitTimedOut" ? error.waited : 0, 615_000, 20_000)
            yield* patiently(control(world, "resume", id))
          }
          yield* patiently(complete(world, id), "5 seconds")
          yield* delivered(world)
          assert.strictEqual(yield* world.requests("add"), 1)
        })
    )

    it.effect(
      `that is cancelled while it waits ${suspendAfter === 0 ? "suspended" : "in memory"} stops, and can be resumed, and cancelled again`,
      () =>
        Effect.gen(function* () {
          const world = yield* make({
            simulator: { files: 1, fileSize: 1_000, processing: "10 minutes" },
            suspendAfter
          })
          const id = yield* patiently(world.submit(taskOf("Bill")))
          for (let n = 0; n < 2; n++) {
            yield* patiently(Effect.sleep("1 minute"))
            yield* patiently(control(world, "cancel", id))
            assert.strictEqual((yield* patiently(failed(world, id)))._tag, "RunCancelled")
            const looks = yield* world.requests("getAll")
            yield* patiently(Effect.sleep("3 minutes"), "1 second")
            assert.strictEqual(yield* world.requests("getAll"), looks, "nothing is done for it")
            yield* patiently(control(world, "resume", id))
          }
          yield* patiently(complete(world, id), "1 second")
          yield* delivered(world)
          assert.strictEqual(yield* world.requests("add"), 1)
        })
    )
  }

  it.effect("bears an outage of the API for as long as it had waited", () =>
    Effect.gen(function* () {
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000, processing: "1 hour" } })
      const id = yield* patiently(world.submit(taskOf("Bill")))
      yield* patiently(Effect.sleep("30 minutes"), "5 seconds")
      yield* world.simulator.addFault({ name: "api-500", target: "getAll", count: 40 })
      yield* patiently(complete(world, id), "5 seconds")
      yield* delivered(world)
      assert.strictEqual(yield* world.requests("add"), 1)
    })
  )
})

describe("an account", () => {
  it.effect("has one slot for each type: exports of a type queue, and none is refused by the API", () =>
    Effect.gen(function* () {
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000 } })
      const ids = yield* patiently(
        Effect.forEach(["a", "b", "c"], (occasion) => world.submit(taskOf("Bill", { occasion })), { concurrency: 3 })
      )
      yield* patiently(Effect.forEach(ids, (id) => complete(world, id)))
      assert.strictEqual(yield* world.requests("add", 200), 3)
      assert.strictEqual(yield* world.requests("add"), 3)
      yield* delivered(world)
    })
  )

  it.effect("gives the same export again to whoever has not heard of it, and to nobody else", () =>
    Effect.gen(function* () {
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000, processing: "10 minutes" } })
      const lease = { confirm: Effect.void, recent: Effect.void }
      const account = (ticket: string) =>
        Account.exportsOf({ account: "lisbon", ticket, lease }).pipe(
          Effect.map(({ exports }) => exports),
          Effect.provideContext(world.context)
        )
      const [one, another] = [yield* account("one"), yield* account("another")]
      const request = { entityType: "Bill" }
      const first = yield* patiently(one.add(request))
      const waiting = yield* Effect.forkChild(another.add(request))
      yield* patiently(Effect.sleep("1 minute"))
      // Its runner died before it noted the answer.
      assert.strictEqual((yield* patiently(one.add(request))).id, first.id)
      assert.strictEqual(yield* world.requests("add"), 1)
      yield* patiently(one.get(first.id))
      // Now it knows, and asks for another one, after whoever came before it.
      const renewed = yield* Effect.forkChild(one.add(request))
      const [second, third] = [
        yield* patiently(Fiber.join(waiting), "1 second"),
        yield* patiently(Fiber.join(renewed), "1 second")
      ]
      assert.strictEqual(new Set([first.id, second.id, third.id]).size, 3)
      assert.deepStrictEqual(
        (yield* world.simulator.exports).map(({ id }) => id),
        [first.id, second.id, third.id]
      )
      assert.strictEqual(yield* world.requests("add"), 3)
    })
  )

  it.effect("asks once for a run that asks a second time before the first answer is there", () =>
    Effect.gen(function* () {
      const world = yield* make({
        simulator: {
          files: 1,
          fileSize: 1_000,
          faults: [{ name: "hold-add-answer", count: 1, duration: Duration.seconds(20) }]
        }
      })
      const lease = { confirm: Effect.void, recent: Effect.void }
      const { exports } = yield* Account.exportsOf({ account: "lisbon", ticket: "a run", lease }).pipe(
        Effect.provideContext(world.context)
      )
      const first = yield* Effect.forkChild(exports.add({ entityType: "Bill" }))
      yield* patiently(Effect.sleep("5 seconds"))
      const second = yield* Effect.forkChild(exports.add({ entityType: "Bill" }))
      const answers = [yield* patiently(Fiber.join(first)), yield* patiently(Fiber.join(second))]
      assert.strictEqual(answers[0]?.id, answers[1]?.id)
      assert.strictEqual(yield* world.requests("add"), 1)
    })
  )

  it.effect("looks once for all that wait, though each comes at a time of its own", () =>
    Effect.gen(function* () {
      const types = ["Bill", "Customer", "Company", "Payment", "Reservation", "OrderItem"]
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000, processing: "1 hour" } })
      const submit = (type: string) =>
        Effect.andThen(Effect.sleep("4 seconds"), world.submit(taskOf(type, { poll: 60_000 })))
      const ids = yield* patiently(Effect.forEach(types, submit))
      yield* patiently(Effect.sleep("5 minutes"), "1 second")
      const before = yield* world.requests("getAll")
      yield* patiently(Effect.sleep("20 minutes"), "1 second")
      // An answer does for half a minute: two a minute at most, and not one for each run.
      assert.isAtMost((yield* world.requests("getAll")) - before, 41)
      yield* patiently(
        Effect.forEach(ids, (id) => complete(world, id)),
        "5 seconds"
      )
      yield* delivered(world)
    })
  )

  it.effect("whose slot is taken for longer than a run may wait lets that run fail, and then go on", () =>
    Effect.gen(function* () {
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000, processing: "30 minutes" } })
      const first = yield* patiently(world.submit(taskOf("Bill")))
      yield* patiently(asked(world, "add", 1))
      const second = yield* patiently(world.submit(taskOf("Bill", { occasion: "again", maxWait: 600_000 })))
      const error = yield* patiently(failed(world, second), "5 seconds")
      assert.deepInclude(error, { _tag: "WaitTimedOut", waitingFor: "slot" })
      assert.strictEqual(yield* world.requests("add"), 1)
      yield* patiently(control(world, "resume", second, { maxWait: 86_400_000 }))
      yield* patiently(
        Effect.forEach([first, second], (id) => complete(world, id)),
        "5 seconds"
      )
      yield* delivered(world)
    })
  )

  it.effect("that another program uses is waited for", () =>
    Effect.gen(function* () {
      const world = yield* make({ simulator: { files: 1, fileSize: 1_000 } })
      const foreign = yield* world.simulator.handle({
        method: "POST",
        origin: "https://api.simulator.test",
        path: addPath,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          ClientToken: tokens.client,
          AccessToken: tokens.access,
          Client: "Another",
          EntityType: "Bill"
        })
      })
      assert.strictEqual(foreign.status, 200)
      const id = yield* patiently(world.submit(taskOf("Bill")))
      yield* patiently(complete(world, id))
      assert.strictEqual((yield* world.simulator.exports).length, 2)
    })
  )

  it.effect("that is not configured fails the run, which says so", () =>
    Effect.gen(function* () {
      const world = yield* make()
      const id = yield* patiently(world.submit(taskOf("Bill", { account: "oporto" })))
      const error = yield* patiently(failed(world, id))
      assert.strictEqual(error._tag, "InvalidRequest")
      assert.include(error.message, 'no account "oporto"')
    })
  )
})
