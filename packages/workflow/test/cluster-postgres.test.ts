/** What the engine's tables tell, on a real PostgreSQL: one runner in this process, with real time. */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { PgClient } from "@effect/sql-pg"
import { assert, beforeEach, describe, it } from "@effect/vitest"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Transfer from "@longshore/core/Transfer"
import * as SimulatorHttpClient from "@longshore/simulator/SimulatorHttpClient"
import * as Simulator from "@longshore/simulator/Simulator"
import { MemorySink } from "@longshore/testkit"
import * as Context from "effect/Context"
import * as Cron from "effect/Cron"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { ClusterWorkflowEngine, RunnerAddress } from "effect/cluster"
import { SqlClient } from "effect/sql/SqlClient"
import { createServer } from "node:net"
import {
  Account,
  ExportCluster,
  ExportSchedule,
  ExportWorkflow,
  Fence,
  Retention,
  type RunStatus
} from "../src/index.ts"
import { taskOf, tokens } from "./world.ts"

const url = process.env["LONGSHORE_TEST_DATABASE_URL"]

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

/** A database of its own for each test. */
const database = Effect.gen(function* () {
  const admin = yield* Layer.build(PgClient.layer({ url: Redacted.make(url ?? "") }))
  const sql = Context.get(admin, SqlClient)
  const name = `workflow_${Date.now()}_${Math.floor(Math.random() * 1e6)}`
  yield* sql`CREATE DATABASE ${sql(name)}`
  yield* Effect.addFinalizer(() => Effect.orDie(sql`DROP DATABASE ${sql(name)} WITH (FORCE)`))
  const own = new URL(url ?? "")
  own.pathname = `/${name}`
  return PgClient.layer({ url: Redacted.make(own.href) })
})

interface WorldOptions {
  readonly simulator?: Simulator.SimulatorOptions
  readonly stored?: number
  readonly retention?: Retention.RetentionOptions
  readonly schedule?: ExportSchedule.ExportScheduleOptions<never>
}

const platformAddress = "https://api.simulator.test"

const makeWorld = Effect.fnUntraced(function* ({ retention, schedule, simulator, stored }: WorldOptions = {}) {
  const pg = yield* database
  const port = yield* freePort
  const account = {
    platformAddress,
    clientToken: Redacted.make(tokens.client),
    accessToken: Redacted.make(tokens.access)
  }
  const runner = Layer.mergeAll(
    ExportWorkflow.layer({ sink: () => MemorySink.layer() }),
    Account.entities,
    ...(retention === undefined ? [] : [Retention.layer(retention)]),
    ...(schedule === undefined ? [] : [ExportSchedule.layer(schedule)])
  ).pipe(
    Layer.provide(Account.layer({ lisbon: account, porto: account })),
    Layer.provide(Transfer.layer().pipe(Layer.provide(HttpSource.layer))),
    Layer.provideMerge(Fence.layer),
    Layer.provideMerge(ExportCluster.layer(stored === undefined ? {} : { stored: () => Effect.succeed(stored) })),
    Layer.provideMerge(ClusterWorkflowEngine.layer),
    Layer.provideMerge(
      NodeClusterSocket.layer({
        shardingConfig: {
          runnerAddress: Option.some(RunnerAddress.make("localhost", port)),
          entityMessagePollInterval: "300 millis",
          entityTerminationTimeout: "100 millis"
        }
      })
    ),
    Layer.provideMerge(pg),
    Layer.provide(SimulatorHttpClient.layer),
    Layer.provideMerge(
      Simulator.layer({ files: 2, fileSize: 300_000, pending: "100 millis", processing: "200 millis", ...simulator })
    )
  )
  const context = yield* Layer.build(runner)
  return {
    cluster: Context.get(context, ExportCluster.ExportCluster),
    simulator: Context.get(context, Simulator.Simulator),
    fence: Context.get(context, Fence.Fence),
    sql: Context.get(context, SqlClient)
  }
})

const bill = taskOf("Bill", { poll: 200 })

const test = (name: string, body: () => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => Effect.scoped(body()))

// Not from within an effect, which would print it as an error.
beforeEach(({ skip }) => {
  if (url === undefined) skip("needs PostgreSQL: pnpm cluster-test")
})

describe("the runs of a cluster", () => {
  test("are submitted once, told of, and waited for", () =>
    Effect.gen(function* () {
      const { cluster, simulator } = yield* makeWorld()
      const first = yield* cluster.submit(bill)
      assert.strictEqual(first.state, "running")
      assert.strictEqual((yield* cluster.submit(bill)).id, first.id)
      const end = yield* cluster.wait(first.id, "30 seconds")
      assert.strictEqual(end.state, "complete")
      assert.deepStrictEqual(end.files, { total: 2, delivered: 2 })
      assert.deepStrictEqual(end.task, bill)
      const [found] = yield* simulator.exports
      assert.strictEqual(end.exportId, found?.id)
      assert.strictEqual(
        end.bytes?.delivered,
        found?.files.reduce((sum, { size }) => sum + size, 0)
      )
      assert.isAtLeast(Date.parse(end.endedUtc ?? ""), Date.parse(end.submittedUtc))
      assert.strictEqual((yield* simulator.exports).length, 1)
    }))

  test("are listed by account and by state, the latest first, page by page", () =>
    Effect.gen(function* () {
      const { cluster, simulator } = yield* makeWorld()
      yield* simulator.addFault({ name: "api-401", target: "add", count: 1 })
      const failed = yield* cluster.submit(taskOf("Company"))
      yield* cluster.wait(failed.id, "30 seconds")
      const ids: Array<string> = []
      for (const occasion of ["1", "2", "3"]) {
        const { id } = yield* cluster.submit({ ...bill, occasion, account: "porto" })
        yield* cluster.wait(id, "30 seconds")
        ids.unshift(id)
      }
      const idsOf = (options: RunStatus.ListOptions) =>
        Effect.map(cluster.list(options), (runs) => runs.map(({ id }) => id))
      assert.deepStrictEqual(yield* idsOf({}), [...ids, failed.id])
      assert.deepStrictEqual(yield* idsOf({ account: "porto" }), ids)
      assert.deepStrictEqual(yield* idsOf({ state: "failed" }), [failed.id])
      assert.deepStrictEqual(yield* idsOf({ limit: 2 }), ids.slice(0, 2))
      assert.deepStrictEqual(yield* idsOf({ limit: 2, before: ids[1] ?? "" }), [ids[2], failed.id])
      assert.deepStrictEqual(yield* idsOf({ account: "nobody" }), [])
      assert.strictEqual((yield* Effect.flip(cluster.list({ before: "nothing" })))._tag, "RunNotFound")
    }))

  test("that failed say what to do, and go on when they are submitted again", () =>
    Effect.gen(function* () {
      const { cluster, simulator } = yield* makeWorld()
      yield* simulator.addFault({ name: "api-401", target: "getAll", count: Infinity })
      const { id } = yield* cluster.submit(bill)
      const failed = yield* cluster.wait(id, "30 seconds")
      assert.strictEqual(failed.state, "failed")
      assert.strictEqual(failed.failure?.error, "AccessDenied")
      assert.isNotEmpty(failed.failure?.nextStep)
      assert.strictEqual(failed.stage, "waiting")
      yield* simulator.clearFaults
      yield* cluster.submit(bill)
      assert.strictEqual((yield* cluster.wait(id, "30 seconds")).state, "complete")
      assert.strictEqual((yield* simulator.exports).length, 1)
      // An export that is gone is not there for a resume either, unless that asks for another.
      for (const occasion of ["resumed", "submitted"]) {
        const task = taskOf("Company", { poll: 200, occasion })
        yield* simulator.addFault({ name: "fail-export", count: 1 })
        const gone = yield* cluster.submit(task)
        const over = yield* cluster.wait(gone.id, "30 seconds")
        assert.strictEqual(over.failure?.error, "ExportFailed")
        assert.include(over.failure?.nextStep, "--on-expired renew")
        if (occasion === "resumed") yield* cluster.resume(gone.id, { onExpired: "renew" })
        else yield* cluster.submit({ ...task, onExpired: "renew" })
        const renewed = yield* cluster.wait(gone.id, "30 seconds")
        assert.strictEqual(renewed.state, "complete")
        assert.notStrictEqual(renewed.exportId, over.exportId)
      }
      // Nothing to resume, and nothing to cancel.
      yield* cluster.resume(id)
      yield* cluster.cancel(id)
      assert.strictEqual((yield* cluster.status(id)).state, "complete")
    }))

  test("that are cancelled stop, tell what is stored, and can be resumed", () =>
    Effect.gen(function* () {
      const { cluster, simulator } = yield* makeWorld({ simulator: { processing: "4 seconds" }, stored: 7 })
      const { id } = yield* cluster.submit(bill)
      yield* Effect.sleep("1 second")
      yield* cluster.cancel(id)
      const cancelled = yield* cluster.wait(id, "10 seconds")
      assert.strictEqual(cancelled.state, "cancelled")
      assert.strictEqual(cancelled.failure?.error, "RunCancelled")
      yield* simulator.addFault({ name: "file-503", count: Infinity })
      yield* cluster.resume(id)
      const onItsWay = yield* Effect.repeat(cluster.status(id), {
        schedule: Schedule.spaced("100 millis"),
        until: ({ stage }) => stage === "transferring"
      })
      assert.strictEqual(onItsWay.bytes?.stored, 7)
      yield* simulator.clearFaults
      assert.strictEqual((yield* cluster.wait(id, "30 seconds")).state, "complete")
      assert.strictEqual((yield* simulator.exports).length, 1)
    }))

  test("that nobody knows are errors", () =>
    Effect.gen(function* () {
      const { cluster } = yield* makeWorld()
      for (const ask of [cluster.status("x"), cluster.wait("x"), cluster.cancel("x"), cluster.resume("x")]) {
        assert.strictEqual((yield* Effect.flip(Effect.asVoid(ask)))._tag, "RunNotFound")
      }
      const wrong = yield* Effect.flip(cluster.submit(taskOf("LedgerEntry")))
      assert.strictEqual(wrong._tag, "InvalidRequest")
      assert.deepStrictEqual(yield* cluster.list(), [])
    }))

  test("are forgotten after their time, and no others", () =>
    Effect.gen(function* () {
      const { cluster, simulator, sql } = yield* makeWorld({
        // As long as the engine itself knows the run it is not forgotten, or it would answer for the next one.
        retention: { complete: "1 second", failed: "1 hour", interval: "500 millis" }
      })
      yield* simulator.addFault({ name: "api-401", target: "add", count: 1 })
      const failed = yield* cluster.submit(taskOf("Company"))
      yield* cluster.wait(failed.id, "30 seconds")
      const { id } = yield* cluster.submit(bill)
      yield* cluster.wait(id, "30 seconds")
      yield* Effect.repeat(Effect.isFailure(cluster.status(id)), {
        schedule: Schedule.spaced("200 millis"),
        until: (gone) => gone
      })
      const rows = yield* sql<{ readonly entity_id: string }>`
        SELECT DISTINCT entity_id FROM cluster_messages WHERE entity_type LIKE 'Workflow/%'`
      assert.deepStrictEqual(
        rows.map((row) => row.entity_id),
        [failed.id]
      )
      assert.deepStrictEqual(yield* sql`SELECT run FROM longshore_fence`, [{ run: failed.id }])
      // Nobody remembers it: it is another export.
      yield* cluster.submit(bill)
      assert.strictEqual((yield* cluster.wait(id, "30 seconds")).state, "complete")
      assert.strictEqual((yield* simulator.exports).length, 2)
    }))

  test("are begun by a schedule, each time once", () =>
    Effect.gen(function* () {
      const { cluster, simulator } = yield* makeWorld({
        schedule: {
          name: "often",
          cron: Cron.parseUnsafe("*/3 * * * * *"),
          tasks: () => Effect.succeed([bill, taskOf("LedgerEntry")])
        }
      })
      yield* Effect.sleep("10 seconds")
      const runs = yield* cluster.list()
      const occasions = runs.map(({ task }) => task.occasion)
      assert.isAtLeast(runs.length, 2)
      assert.strictEqual(new Set(occasions).size, runs.length)
      for (const occasion of occasions) {
        const [name, at = ""] = (occasion ?? "").split(" ")
        assert.deepStrictEqual([name, Date.parse(at) % 3_000], ["often", 0])
      }
      assert.isAtMost((yield* simulator.exports).length, runs.length)
    }))
})

describe("the fence", () => {
  test("lets the latest holder through, and keeps an earlier one waiting", () =>
    Effect.gen(function* () {
      const { fence, sql } = yield* makeWorld()
      // Another runner's, over the same table.
      const { take } = Context.get(
        yield* Layer.build(Fence.layer.pipe(Layer.provide(Layer.succeed(SqlClient, sql)))),
        Fence.Fence
      )
      const earlier = yield* fence.take("a run")
      yield* earlier.confirm
      const later = yield* take("a run")
      yield* later.confirm
      assert.isTrue(Option.isNone(yield* Effect.timeoutOption(earlier.confirm, "1 second")))
      yield* later.confirm
      yield* (yield* fence.take("another run")).confirm
    }))
})
