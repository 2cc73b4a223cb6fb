/** What becomes of a run's work when the run is cancelled, fails, or is given away to another runner. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { WorkflowEngine, WorkflowInstance, layerMemory } from "effect/workflow/WorkflowEngine"
import { ExportWorkflow } from "../src/index.ts"
import * as Control from "../src/internal/control.ts"

const id = "an execution"
const { ExportWorkflow: workflow } = ExportWorkflow

/** An execution as a runner has it. Its scope is closed when the runner has it no more. */
const begin = Effect.gen(function* () {
  const engine = yield* WorkflowEngine
  const scope = yield* Scope.make()
  const control = yield* Control.make.pipe(
    Effect.provideService(WorkflowInstance, WorkflowInstance.initial(workflow, id)),
    Effect.provideService(WorkflowEngine, engine),
    Scope.provide(scope)
  )
  return { ...control, scope }
})

const endless = (control: { readonly stoppable: <A>(work: Effect.Effect<A>) => Effect.Effect<A> }) =>
  Effect.forkDetach(control.stoppable(Effect.never), { startImmediately: true })

const isCancelled = (exit: Exit.Exit<unknown, unknown> | undefined): boolean =>
  exit !== undefined && Exit.isFailure(exit) && Predicate.isTagged(Cause.squash(exit.cause), "RunCancelled")

describe("what a run does", () => {
  it.effect("ends as cancelled within seconds, and so does what it begins then", () =>
    Effect.gen(function* () {
      const control = yield* begin
      const work = yield* endless(control)
      yield* Control.cancel(workflow, id)
      yield* TestClock.adjust("1 second")
      assert.isUndefined(work.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.isTrue(isCancelled(yield* Fiber.await(work)))
      assert.isTrue(isCancelled(yield* Effect.exit(control.stoppable(Effect.void))))
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("ends as cancelled when the run ends, by whatever failed beside it", () =>
    Effect.gen(function* () {
      const control = yield* begin
      const work = yield* endless(control)
      yield* Scope.close(control.scope, Exit.die("the disk is full"))
      assert.isTrue(isCancelled(yield* Fiber.await(work)))
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("gives no answer where the run is given away: whoever has it next does that work", () =>
    Effect.gen(function* () {
      const control = yield* begin
      let broken = false
      const work = yield* Effect.forkDetach(
        control.stoppable(Effect.onInterrupt(Effect.never, () => Effect.sync(() => (broken = true)))),
        { startImmediately: true }
      )
      yield* Scope.close(control.scope, Exit.interrupt())
      yield* TestClock.adjust("1 minute")
      assert.isTrue(broken, "the work was stopped")
      assert.isUndefined(work.pollUnsafe(), "and nothing was said of it")
      yield* Fiber.interrupt(work)
      const exit = yield* Fiber.await(work)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("may finish what must not be interrupted, and its outcome counts", () =>
    Effect.gen(function* () {
      const control = yield* begin
      const work = yield* Effect.forkDetach(
        Effect.uninterruptible(control.stoppable(Effect.as(Effect.sleep("5 seconds"), "an answer"))),
        { startImmediately: true }
      )
      const closing = yield* Effect.forkChild(Scope.close(control.scope, Exit.interrupt()))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* Fiber.await(work), Exit.succeed("an answer"))
      yield* Fiber.join(closing)
    }).pipe(Effect.provide(layerMemory))
  )
})

describe("a run that is resumed", () => {
  it.effect("has the policy that was said last, each word of it", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* begin, { resumed: 0, policy: {} })
      yield* Control.resume(workflow, id, { onExpired: "renew", maxWait: 1_000 })
      yield* Control.cancel(workflow, id)
      yield* Control.resume(workflow, id, { maxWait: 2_000 })
      assert.deepInclude(yield* begin, { resumed: 2, policy: { onExpired: "renew", maxWait: 2_000 } })
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("is cancelled also when two resumed it at the same time", () =>
    Effect.gen(function* () {
      yield* Control.resume(workflow, id)
      const control = yield* begin
      const work = yield* endless(control)
      yield* Control.resume(workflow, id)
      yield* Control.cancel(workflow, id)
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(isCancelled(yield* Fiber.await(work)))
    }).pipe(Effect.provide(layerMemory))
  )
})
