/** A cluster of one runner in memory: the engine, the account's entity, the simulator and a sink, under the test's clock. */
import { Transfer } from "@longshore/core"
import * as HttpSource from "@longshore/core/HttpSource"
import * as SimulatorHttpClient from "@longshore/simulator/SimulatorHttpClient"
import * as Simulator from "@longshore/simulator/Simulator"
import { MemorySink } from "@longshore/testkit"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { ClusterWorkflowEngine, TestRunner } from "effect/cluster"
import * as TestClock from "effect/testing/TestClock"
import { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import { Account, type ExportTask, ExportWorkflow, Fence } from "../src/index.ts"

const platformAddress = "https://api.simulator.test"
export const tokens = { client: "client-token-0123456789abcdef", access: "access-token-0123456789abcdef" }

export interface WorldOptions {
  readonly simulator?: Simulator.SimulatorOptions
  readonly suspendAfter?: Duration.Input
}

export const make = Effect.fnUntraced(function* (options: WorldOptions = {}) {
  const store = MemorySink.makeStore()
  const sink = MemorySink.layer(store)
  const account = {
    platformAddress,
    clientToken: Redacted.make(tokens.client),
    accessToken: Redacted.make(tokens.access)
  }
  const layer = Layer.merge(
    ExportWorkflow.layer({
      sink: () => sink,
      ...(options.suspendAfter === undefined ? {} : { suspendAfter: options.suspendAfter })
    }),
    Account.entities
  ).pipe(
    Layer.provide(Account.layer({ lisbon: account, porto: account })),
    Layer.provide(Layer.provide(Transfer.layer(), HttpSource.layer)),
    Layer.provide(Fence.layerMemory),
    Layer.provideMerge(ClusterWorkflowEngine.layer),
    Layer.provideMerge(TestRunner.layer),
    Layer.provide(SimulatorHttpClient.layer),
    Layer.provideMerge(Simulator.layer(options.simulator ?? { files: 2, fileSize: 300_000 }))
  )
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(layer, scope)
  // Entities are given time to end: somebody has to let it pass.
  yield* Effect.addFinalizer((exit) => patiently(Scope.close(scope, exit)))
  const simulator = Context.get(context, Simulator.Simulator)
  const engine = Context.get(context, WorkflowEngine)
  const onEngine = Effect.provideService(WorkflowEngine, engine)
  const requests = (kind: "add" | "getAll" | "file", status?: number) =>
    Effect.map(
      simulator.requests,
      (all) => all.filter((one) => one.kind === kind && (status === undefined || one.status === status)).length
    )
  return {
    context,
    simulator,
    engine,
    store,
    requests,
    submit: (task: ExportTask.ExportTask) => onEngine(ExportWorkflow.ExportWorkflow.execute(task, { discard: true })),
    poll: (id: string) => onEngine(ExportWorkflow.ExportWorkflow.poll(id))
  }
})

export type World = Effect.Success<ReturnType<typeof make>>

export const taskOf = (entityType: string, more: Partial<ExportTask.ExportTask> = {}): ExportTask.ExportTask => ({
  platformAddress,
  account: "lisbon",
  target: "memory",
  request: { entityType },
  ...more
})

/** Lets virtual time pass until the effect ends; fails the test if it never does. */
export const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>, step: Duration.Input = "250 millis") =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let i = 0; fiber.pollUnsafe() === undefined; i++) {
      if (i > 20_000) return yield* Effect.die(new Error("It does not end."))
      yield* TestClock.adjust(step)
      // Digests and streams of the platform need turns of the event loop.
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
    return yield* Fiber.join(fiber)
  })

/** Asks once a second until there is something. */
export const until = <A>(look: Effect.Effect<A | undefined>): Effect.Effect<A> =>
  Effect.filterOrElse(look, Predicate.isNotUndefined, () => Effect.andThen(Effect.sleep("1 second"), until(look)))
