/**
 * The journal of a run on Effect's workflow engine: a step is an `Activity`, a long wait a `DurableClock`. The program
 * that runs on it is `ExportRun`, the very same as on a file.
 *
 * `ExportWorkflow` uses it. Use it alone to run `ExportRun` inside of a workflow of your own.
 *
 * @since 0.1.0
 */
import { CurrentLook, Journal, type Step } from "@longshore/core/Journal"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Activity from "effect/workflow/Activity"
import * as DurableClock from "effect/workflow/DurableClock"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import * as Workflow from "effect/workflow/Workflow"
import { WorkflowEngine, WorkflowInstance } from "effect/workflow/WorkflowEngine"

/**
 * How a run waits, and what is around its steps.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterJournalOptions {
  /**
   * Waits that are longer suspend the execution: it then holds no memory, and any runner wakes it. Shorter ones are
   * slept through, and begin again after a crash. Default one minute.
   */
  readonly suspendAfter?: Duration.Input
  /** Around the work of each step and each short wait, where it is done. Default: nothing. */
  readonly around?: <A, E, R>(execute: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/**
 * A wait's answer may be as old as this, in milliseconds: half the time between two looks, a minute at most. So the runs
 * of an account that look at about the same time share one answer. 0 outside of a wait: a link has to be new.
 *
 * @example
 * ```ts
 * import { ClusterJournal } from "@longshore/workflow"
 * import { Effect } from "effect"
 *
 * const freshness = Effect.map(ClusterJournal.Freshness, (milliseconds) => milliseconds)
 * await Effect.runPromise(freshness) // => 0
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export const Freshness = Context.Reference<number>("@longshore/workflow/ClusterJournal/Freshness", {
  defaultValue: () => 0
})

/**
 * The journal of the execution that it is made in.
 *
 * - What a step gave is the reply of its activity. A failure is not remembered: the activity suspends in its place, the
 *   failure goes to the run, and the next time the activity is done again.
 * - Of a wait only its beginning and its outcome are remembered, however long it is. Which look it is follows from the
 *   time since it began.
 *
 * @example Two exports, one after the other, as one workflow
 * ```ts
 * import { type Export, ExportRun, Journal } from "@longshore/core"
 * import { ClusterJournal } from "@longshore/workflow"
 * import { Effect, Schema } from "effect"
 * import { Workflow } from "effect/workflow"
 *
 * const Nightly = Workflow.make("Nightly", {
 *   payload: { day: Schema.String },
 *   success: Schema.Int,
 *   idempotencyKey: ({ day }) => day
 * })
 *
 * // Each run has step names of its own only within one execution: one export for each workflow, or child workflows.
 * const layer = Nightly.toLayer(() =>
 *   ExportRun.run({ request: { entityType: "Bill" } }).pipe(
 *     Effect.map(({ files }) => files.length),
 *     Effect.orDie,
 *     Effect.provideServiceEffect(Journal.Journal, ClusterJournal.make())
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* ({
  around = (execute) => execute,
  suspendAfter = "1 minute"
}: ClusterJournalOptions = {}): Effect.fn.Return<Journal["Service"], never, WorkflowEngine | WorkflowInstance> {
  const engine = yield* WorkflowEngine
  const instance = yield* WorkflowInstance
  const longest = Duration.fromInputUnsafe(suspendAfter)

  /**
   * The engine drops what an activity comes to when its runner lost the execution meanwhile, be it to one that joined. Here it is
   * written down at once, for whoever does the step next.
   */
  const kept = <A, E, R>(name: string, success: Schema.Codec<A, any>, execute: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const answer = DurableDeferred.make(`${name}: answer`, { success })
      const before = yield* engine.deferredResult(answer)
      if (Option.isSome(before)) return yield* before.value
      const value = yield* execute
      const { executionId, workflow } = instance
      const exit = Exit.succeed(value)
      yield* written(
        name,
        engine.deferredDone(answer, { workflowName: workflow._tag, executionId, deferredName: answer.name, exit })
      )
      return value
    })

  const step = <A, E, R>({ execute, irreplaceable, name, success }: Step<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.uninterruptibleMask((restore) => {
      let failure: Cause.Cause<E> | undefined
      const work = around(irreplaceable === true ? kept(name, success, execute) : execute)
      const activity = Activity.make({
        name,
        success,
        // It runs on a fiber of the engine: what must not be interrupted here must not be interrupted there.
        execute: Effect.uninterruptible(restore(work)).pipe(
          Effect.catchCause((cause) =>
            // A runner that gives the run away interrupts this fiber: that is no failure, and not to be stored.
            Effect.andThen(
              Effect.interruptible(Effect.yieldNow),
              Effect.flatMap(WorkflowInstance, (activity) => {
                failure = cause
                return Workflow.suspend(activity)
              })
            )
          )
        )
      })
      // Whoever waits can always leave: a runner that gives the run away does not begin this activity any more, and what one
      // that runs comes to is in the table.
      const attempt = (left: number): Effect.Effect<A, E, R | WorkflowInstance> =>
        Effect.flatMap(
          Effect.interruptible(
            Workflow.wrapActivityResult(
              engine.activityExecute(activity, 1),
              ({ _tag }) => _tag === "Suspended" && failure === undefined && left === 0
            )
          ),
          (result): Effect.Effect<A, E, R | WorkflowInstance> => {
            if (result._tag === "Complete") return result.exit
            if (failure !== undefined) return Effect.failCause(failure)
            // An answer of a runner that had the run before: it was broken off there, and is done here.
            return left > 0 ? attempt(left - 1) : Workflow.suspend(instance)
          }
        )
      return Effect.provideService(attempt(2), WorkflowInstance, instance) as Effect.Effect<A, E, R>
    })

  const until = Effect.fnUntraced(function* <A, E, R>(
    look: Step<Option.Option<A>, E, R>,
    every: (attempt: number, at: number) => Duration.Duration
  ): Effect.fn.Return<A, E, R> {
    const since = yield* step({
      name: `${look.name}: since`,
      success: Schema.Finite,
      error: Schema.Never,
      execute: Clock.currentTimeMillis
    })
    for (let attempt = attemptAt(yield* Clock.currentTimeMillis, since, every); ; attempt++) {
      const value = yield* step({ ...look, execute: found(look.execute, { attempt, since }, every) }).pipe(
        Effect.map(Option.getOrThrow),
        Effect.map((value) => ({ value })),
        Effect.catchDefect((defect) => (defect === nothing ? Effect.undefined : Effect.die(defect)))
      )
      if (value !== undefined) return value.value
      const now = yield* Clock.currentTimeMillis
      const wait = every(attempt, now)
      if (Duration.isLessThanOrEqualTo(wait, longest)) yield* around(Effect.sleep(wait))
      else {
        // The time in its name makes it a clock of its own; a replay that comes earlier sets another one.
        const wakeUp = now + Duration.toMillis(wait)
        yield* DurableClock.sleep({
          name: `${look.name}: ${wakeUp}`,
          duration: wait,
          inMemoryThreshold: Duration.zero
        }).pipe(Effect.provideService(WorkflowEngine, engine), Effect.provideService(WorkflowInstance, instance))
      }
    }
  })

  // The engine's own interruption is an end.
  return Journal.of({ step, until, isSuspended: Effect.sync(() => !instance.interrupted) })
})

/**
 * A database that is away is waited for, also when the run is another runner's meanwhile: this is the only place where the
 * answer is. The engine itself dies of it at once.
 */
const written = (step: string, write: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.sandbox(write).pipe(
    Effect.tapError((cause) =>
      Effect.logWarning(`the outcome of "${step}" waits for the database; only this runner knows it`, cause)
    ),
    Effect.retry({
      schedule: Schedule.spaced("1 second"),
      while: (cause) => Predicate.isTagged(Cause.squash(cause), "PersistenceError")
    }),
    Effect.catch(Effect.failCause)
  )

/** A look that found nothing. No failure is remembered, and this is none that anybody else sees. */
const nothing = Symbol("nothing")

const found = <A, E, R>(
  look: Effect.Effect<Option.Option<A>, E, R>,
  current: { readonly attempt: number; readonly since: number },
  every: (attempt: number, at: number) => Duration.Duration
): Effect.Effect<Option.Option<A>, E, R> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    look.pipe(
      Effect.filterOrElse(Option.isSome, () => Effect.die(nothing)),
      Effect.provideService(CurrentLook, current),
      Effect.provideService(Freshness, Math.min(Duration.toMillis(every(current.attempt, now)) / 2, 60_000))
    )
  )

/** Which look is due, if each before it came when it was. */
const attemptAt = (now: number, since: number, every: (attempt: number, at: number) => Duration.Duration): number => {
  let attempt = 0
  for (let at = since; attempt < 10_000; attempt++) {
    at += Duration.toMillis(every(attempt, at))
    if (at > now) break
  }
  return attempt
}
