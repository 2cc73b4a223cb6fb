/** What a step makes of answers that another runner left behind. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Workflow from "effect/workflow/Workflow"
import { WorkflowEngine, WorkflowInstance, layerMemory } from "effect/workflow/WorkflowEngine"
import { ClusterJournal, ExportWorkflow } from "../src/index.ts"

/** A journal whose engine answers so many times with what is stored of an activity that was broken off elsewhere. */
const journalAfter = Effect.fnUntraced(function* (leftBehind: number) {
  const engine = yield* WorkflowEngine
  const instance = WorkflowInstance.initial(ExportWorkflow.ExportWorkflow, "an execution")
  const asked = { times: 0 }
  const haunted = WorkflowEngine.of({
    ...engine,
    activityExecute: (activity, attempt) =>
      Effect.suspend(() =>
        asked.times++ < leftBehind
          ? Effect.succeed(new Workflow.Suspended({}))
          : engine.activityExecute(activity, attempt)
      )
  })
  const journal = yield* ClusterJournal.make().pipe(
    Effect.provideService(WorkflowEngine, haunted),
    Effect.provideService(WorkflowInstance, instance)
  )
  return { asked, instance, journal }
})

const counting = () => {
  const done = { times: 0 }
  const execute = Effect.sync(() => ++done.times)
  return { done, step: { name: "a step", success: Schema.Int, error: Schema.Never, execute } }
}

describe("a step that was broken off where the run was before", () => {
  it.effect("is done here, once, and the run goes on", () =>
    Effect.gen(function* () {
      const { instance, journal } = yield* journalAfter(1)
      const { done, step } = counting()
      assert.strictEqual(yield* journal.step(step), 1)
      assert.strictEqual(yield* journal.step(step), 1)
      assert.strictEqual(done.times, 1)
      assert.isFalse(instance.suspended)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("suspends the run instead of asking for ever", () =>
    Effect.gen(function* () {
      const { asked, instance, journal } = yield* journalAfter(Infinity)
      const { done, step } = counting()
      const exit = yield* Effect.exit(Effect.flatMap(Effect.forkChild(journal.step(step)), Fiber.join))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.isTrue(instance.suspended)
      assert.strictEqual(asked.times, 3)
      assert.strictEqual(done.times, 0)
    }).pipe(Effect.provide(layerMemory))
  )
})

describe("a step that is done where the run is no more, so that the engine drops its answer", () => {
  const afterwards = (irreplaceable: boolean) =>
    Effect.gen(function* () {
      const engine = yield* WorkflowEngine
      const instance = WorkflowInstance.initial(ExportWorkflow.ExportWorkflow, "an execution")
      let dropped = 0
      const dropping = WorkflowEngine.of({
        ...engine,
        activityExecute: (activity, attempt) =>
          dropped++ === 0
            ? // Kept as an attempt that nobody asks for.
              Effect.as(engine.activityExecute(activity, 99), new Workflow.Suspended({}))
            : engine.activityExecute(activity, attempt)
      })
      const journal = yield* ClusterJournal.make().pipe(
        Effect.provideService(WorkflowEngine, dropping),
        Effect.provideService(WorkflowInstance, instance)
      )
      const { done, step } = counting()
      return { answer: yield* journal.step({ ...step, irreplaceable }), times: done.times }
    }).pipe(Effect.provide(layerMemory))

  it.effect("is done again", () =>
    Effect.map(afterwards(false), (outcome) => assert.deepStrictEqual(outcome, { answer: 2, times: 2 }))
  )

  it.effect("is not done again if its answer comes once", () =>
    Effect.map(afterwards(true), (outcome) => assert.deepStrictEqual(outcome, { answer: 1, times: 1 }))
  )
})
