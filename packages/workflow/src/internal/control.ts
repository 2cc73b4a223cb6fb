/**
 * Cancelling a run, and taking that back. The engine's own interrupt is for ever, and waits for activities, which may be
 * transfers of hours. Here a run is told by a durable signal, stops what it does, and fails like from any other cause, so
 * that it can be resumed.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import type * as Workflow from "effect/workflow/Workflow"
import { WorkflowEngine, WorkflowInstance } from "effect/workflow/WorkflowEngine"
import { RunPolicy } from "../ExportTask.ts"

/** Somebody asked for it. */
export class RunCancelled extends Schema.TaggedError<RunCancelled>()("RunCancelled", {}) {
  override get message(): string {
    return "The run was cancelled; what is delivered is kept."
  }
  readonly retryable = false
  get nextStep(): string {
    return "Resume it to go on where it was."
  }
}

/** A run that was resumed n times listens for its n-th cancellation, and then for being resumed again. */
const cancellation = (n: number) => DurableDeferred.make(`cancel ${n}`)
const resumption = (n: number) => DurableDeferred.make(`resume ${n}`, { success: RunPolicy })

interface State {
  /** How often it was resumed. */
  readonly resumed: number
  /** What was said then, the latest first of all. */
  readonly policy: RunPolicy
  readonly cancelled: boolean
}

const begin: State = { resumed: 0, policy: {}, cancelled: false }

const after = Effect.fnUntraced(function* ({ policy, resumed }: State) {
  const engine = yield* WorkflowEngine
  const known = { resumed, policy }
  for (;;) {
    const given = yield* engine.deferredResult(resumption(known.resumed))
    if (Option.isNone(given)) break
    known.policy = { ...known.policy, ...(yield* given.value) }
    known.resumed++
  }
  const cancelled = Option.isSome(yield* engine.deferredResult(cancellation(known.resumed)))
  return { ...known, cancelled }
})

const give = Effect.fnUntraced(function* <A>(
  deferred: DurableDeferred.DurableDeferred<Schema.Codec<A, any>>,
  value: A
) {
  const engine = yield* WorkflowEngine
  const { executionId, workflow } = yield* WorkflowInstance
  yield* engine.deferredDone(deferred, {
    workflowName: workflow._tag,
    executionId,
    deferredName: deferred.name,
    exit: Exit.succeed(value)
  })
})

/** From outside of the execution. */
const about = (workflow: Workflow.Any, executionId: string) =>
  Effect.provideService(WorkflowInstance, WorkflowInstance.initial(workflow, executionId))

export const cancel = (workflow: Workflow.Any, executionId: string): Effect.Effect<void, never, WorkflowEngine> =>
  Effect.flatMap(after(begin), ({ cancelled, resumed }) =>
    cancelled ? Effect.void : give(cancellation(resumed), undefined)
  ).pipe(about(workflow, executionId))

/** Whatever made it stop: it goes on, with what is said of its policy. */
export const resume = (
  workflow: Workflow.Any,
  executionId: string,
  policy: RunPolicy = {}
): Effect.Effect<void, never, WorkflowEngine> =>
  Effect.gen(function* () {
    const { resumed } = yield* after(begin)
    yield* give(resumption(resumed), policy)
    yield* (yield* WorkflowEngine).resume(workflow, executionId)
  }).pipe(about(workflow, executionId))

/** What makes the work of an execution stop when it is cancelled, or over. */
interface Control extends Pick<State, "resumed" | "policy"> {
  readonly stoppable: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** How often a run that does something asks whether it was cancelled. One that is suspended is woken by it. */
const interval = "2 seconds"

/** Inside of the execution. What is under way when the scope closes is stopped as well. */
export const make = Effect.gen(function* () {
  const engine = yield* WorkflowEngine
  let known: State = yield* after(begin)
  const { cancelled, policy, resumed } = known
  const working = new Set<Fiber.Fiber<unknown, unknown>>()
  let stopped = false
  let givenAway = false
  const stop = Effect.suspend(() => {
    stopped = true
    return Fiber.interruptAll(working)
  })
  // A runner that gives the run away interrupts it: nothing was cancelled.
  yield* Effect.addFinalizer((exit) => {
    if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) givenAway = true
    return stop
  })
  if (cancelled) yield* stop
  else {
    yield* Effect.sleep(interval).pipe(
      // Whoever resumed it once too often has moved its next cancellation on.
      Effect.andThen(Effect.suspend(() => after(known))),
      Effect.tap((now) => Effect.sync(() => (known = now))),
      Effect.repeat({ until: ({ cancelled }) => cancelled }),
      Effect.andThen(stop),
      Effect.provideService(WorkflowEngine, engine),
      Effect.forkScoped
    )
  }
  const control: Control = {
    policy,
    resumed,
    stoppable: (work) =>
      Effect.suspend(() => {
        if (stopped) return Effect.die(new RunCancelled())
        // What must not be interrupted is let finish, and its outcome counts.
        return Effect.forkChild(work, { startImmediately: true, uninterruptible: "inherit" }).pipe(
          Effect.tap((fiber) => Effect.sync(() => working.add(fiber))),
          Effect.flatMap((fiber) =>
            Effect.ensuring(
              // Whoever waits hears of an interruption also where the work must not be interrupted, and passes it on: the
              // work may have places where it can be.
              Effect.exit(Effect.interruptible(Fiber.await(fiber))).pipe(
                Effect.flatMap((waited) =>
                  Exit.isSuccess(waited)
                    ? waited
                    : Effect.suspend(() => {
                        fiber.interruptUnsafe()
                        return Fiber.await(fiber)
                      })
                )
              ),
              Effect.sync(() => working.delete(fiber))
            )
          ),
          Effect.flatMap((exit) => {
            if (!stopped || !Exit.hasInterrupts(exit)) return exit
            // Whoever has the run next must not find an answer to what was broken off here: this waits to be interrupted.
            return givenAway ? Effect.interruptible(Effect.never) : Effect.die(new RunCancelled())
          })
        )
      })
  }
  return control
})
