/**
 * One export on Effect's workflow engine: `ExportRun`, written once, with each of its steps an activity. Any runner of the
 * cluster may begin it and any other go on with it.
 *
 * @since 0.1.0
 */
import type { EntityType } from "@longshore/core/Export"
import { ExportError, InvalidRequest, WaitTimedOut } from "@longshore/core/ExportError"
import { forEntityType } from "@longshore/core/ExportEvent"
import * as ExportRun from "@longshore/core/ExportRun"
import { Exports } from "@longshore/core/Exports"
import { CurrentLook, Journal } from "@longshore/core/Journal"
import { Manifest } from "@longshore/core/Manifest"
import { ObjectSink } from "@longshore/core/ObjectSink"
import * as RunIdentity from "@longshore/core/RunIdentity"
import type { Transfer } from "@longshore/core/Transfer"
import type { Sharding } from "effect/cluster"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Workflow from "effect/workflow/Workflow"
import type { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import { Accounts, exportsOf, turnEvery } from "./Account.ts"
import * as ClusterJournal from "./ClusterJournal.ts"
import { ExportTask } from "./ExportTask.ts"
import { Fence } from "./Fence.ts"
import * as Control from "./internal/control.ts"
import { fenced } from "./internal/fencedSink.ts"

/**
 * Somebody cancelled the run. What is delivered is kept; it can be resumed.
 *
 * @since 0.1.0
 * @category errors
 */
export const RunCancelled = Control.RunCancelled

/**
 * What {@link RunCancelled} makes.
 *
 * @since 0.1.0
 * @category errors
 */
export type RunCancelled = Control.RunCancelled

/**
 * What a run ended with that is none of the errors it knows: a mistake in a program, as a rule. The runner's log has more.
 *
 * @since 0.1.0
 * @category errors
 */
export class RunDied extends Schema.TaggedError<RunDied>()("RunDied", { problem: Schema.String }) {
  override get message(): string {
    return `The run ended unexpectedly: ${this.problem}.`
  }
  readonly retryable = false
  get nextStep(): string {
    return "Look into the log of the runner, and resume the run."
  }
}

/**
 * How a run can fail. All of them leave a run that can be resumed.
 *
 * @since 0.1.0
 * @category errors
 */
export const RunError = Schema.Union([...ExportError.members, RunCancelled, RunDied])

/**
 * What {@link RunError} decodes to.
 *
 * @since 0.1.0
 * @category errors
 */
export type RunError = typeof RunError.Type

/**
 * The workflow. Its key is the run's fingerprint: submitting the same task again joins the run, or gives its result. Only
 * the identity and `occasion` are part of it, so the same with another policy is the same run.
 *
 * A failure suspends it: `ExportWorkflow.execute` waits on until somebody resumes it. `ExportCluster` tells what it failed
 * with.
 *
 * @since 0.1.0
 * @category workflows
 */
export const ExportWorkflow = Workflow.make("Longshore/Export/1", {
  payload: ExportTask,
  success: Manifest,
  error: RunError,
  idempotencyKey: ({ occasion, ...task }) =>
    `${RunIdentity.canonical(identityOf(task))}${occasion === undefined ? "" : ` ${occasion}`}`
}).annotate(Workflow.SuspendOnFailure, true)

const identityOf = ({
  account,
  exportId,
  platformAddress,
  request,
  target
}: RunIdentity.RunIdentity): RunIdentity.RunIdentity => ({
  platformAddress,
  account,
  target,
  request,
  ...(exportId === undefined ? {} : { exportId })
})

/**
 * What a runner brings.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunnerOptions<R> {
  /** The sink of a task's target. It is built when there is something to do for the run, and closed when it waits. */
  readonly sink: (task: ExportTask) => Layer.Layer<ObjectSink, ExportError, R>
  /** Waits that are longer suspend a run, which then holds no memory. Default one minute. */
  readonly suspendAfter?: Duration.Input
}

/**
 * Runs exports: what a runner has. All exports of a runner share the `Transfer`, and with it its budget of parts.
 *
 * @example A runner
 * ```ts no-run
 * import { Transfer } from "@longshore/core"
 * import { S3Sink } from "@longshore/sink-s3"
 * import { NodeSource } from "@longshore/source-node"
 * import { Account, ExportWorkflow, Fence } from "@longshore/workflow"
 * import { NodeClusterSocket, NodeHttpClient } from "@effect/platform-node"
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Layer, Option, Redacted } from "effect"
 * import { ClusterWorkflowEngine, RunnerAddress } from "effect/cluster"
 *
 * const accounts = Account.layer({
 *   lisbon: {
 *     platformAddress: "https://api.mews.com",
 *     clientToken: Redacted.make(process.env["CLIENT_TOKEN"] ?? ""),
 *     accessToken: Redacted.make(process.env["LISBON_TOKEN"] ?? "")
 *   }
 * })
 *
 * const runner = Layer.merge(
 *   ExportWorkflow.layer({
 *     // A task may come from whoever reaches the database: a runner says itself where things may go.
 *     sink: ({ account }) => S3Sink.layer({ bucket: "exports", prefix: `mews/${account}` })
 *   }),
 *   Account.entities
 * ).pipe(
 *   Layer.provide(accounts),
 *   Layer.provide(Transfer.layer({ concurrency: 16 }).pipe(Layer.provide(NodeSource.layer()))),
 *   Layer.provide(NodeHttpClient.layerNodeHttp),
 *   Layer.provide(Fence.layer),
 *   Layer.provide(ClusterWorkflowEngine.layer),
 *   Layer.provide(
 *     NodeClusterSocket.layer({ shardingConfig: { runnerAddress: Option.some(RunnerAddress.make("10.0.0.12", 34431)) } })
 *   ),
 *   Layer.provide(PgClient.layer({ url: Redacted.make("postgres://localhost/longshore") }))
 * )
 *
 * await Effect.runPromise(Layer.launch(runner))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <R = never>({
  sink,
  suspendAfter
}: RunnerOptions<R>): Layer.Layer<never, never, WorkflowEngine | Sharding.Sharding | Accounts | Fence | Transfer | R> =>
  ExportWorkflow.toLayer((task, executionId) =>
    Effect.gen(function* () {
      const { account, request } = task
      const report = ExportRun.reportFailure(request.entityType)
      yield* report(checkAddress(task))
      const fence = yield* Fence
      const lease = yield* fence.take(executionId)
      const { policy, resumed, stoppable } = yield* Control.make
      const held = <A, E, R>(work: Effect.Effect<A, E, R>) => guarded(lease.confirm, stoppable(work))
      const run = Effect.gen(function* () {
        const wanted = { ...task, ...policy }
        const target = yield* report(Effect.map(Layer.build(sink(task)), (context) => Context.get(context, ObjectSink)))
        const { exports, isMyTurn } = yield* exportsOf({ account, ticket: executionId, lease })
        const journal = yield* ClusterJournal.make({
          around: held,
          ...(suspendAfter === undefined ? {} : { suspendAfter })
        })
        const waiting = yield* waitingOf(journal, wanted.maxWait, resumed)
        // In `add` it would wait in memory, and of those who wait for a slot there may be thousands.
        if (task.exportId === undefined) yield* report(turn(journal, request.entityType, isMyTurn, waiting))
        return yield* ExportRun.run({ ...runOptions(wanted), ...waiting }).pipe(
          Effect.provideService(ObjectSink, fenced(target, lease)),
          Effect.provideService(Exports, exports),
          Effect.provideService(Journal, journal)
        )
      })
      return yield* Effect.map(guarded(lease.confirm, run), ({ manifest }) => manifest)
    }).pipe(
      Effect.scoped,
      Effect.catchCauseIf(Predicate.not(Cause.hasInterruptsOnly), (cause) =>
        Effect.andThen(
          Effect.logWarning("the run failed; it can be resumed", Cause.squash(cause)),
          Effect.die(told(cause))
        )
      ),
      Effect.annotateLogs({ run: executionId, account: task.account, entityType: task.request.entityType }),
      Effect.annotateSpans({ "longshore.run_id": executionId, "longshore.account": task.account })
    )
  )

const checkAddress = Effect.fnUntraced(function* ({ account, platformAddress }: ExportTask) {
  const configured = yield* (yield* Accounts).platformAddress(account)
  if (configured !== platformAddress) {
    return yield* new InvalidRequest({
      parameter: "platformAddress",
      problem: `this runner's configuration has ${configured} for the account "${account}", and the run is for ${platformAddress}`
    })
  }
})

interface Waiting {
  readonly maxWait: number
  readonly waitingSince: number
}

/** How long it may wait, whichever runners it does that on. Whoever resumes it lets it wait anew. */
const waitingOf = Effect.fnUntraced(function* (
  journal: Journal["Service"],
  maxWait: number | undefined,
  resumed: number
): Effect.fn.Return<Waiting | undefined> {
  if (maxWait === undefined) return undefined
  const waitingSince = yield* journal.step({
    name: `waiting since${resumed === 0 ? "" : `, resumed ${resumed}`}`,
    success: Schema.Finite,
    error: Schema.Never,
    execute: Clock.currentTimeMillis
  })
  return { maxWait, waitingSince }
})

/** Waits until the slot of the type may be this run's. */
const turn = (
  journal: Journal["Service"],
  entityType: EntityType,
  isMyTurn: (entityType: EntityType, attempt: number) => Effect.Effect<boolean, ExportError>,
  waiting: Waiting | undefined
) =>
  journal
    .until(
      {
        name: "turn",
        success: Schema.Option(Schema.Literal(true)),
        error: ExportError,
        execute: Effect.gen(function* () {
          const { attempt } = yield* CurrentLook
          if (yield* isMyTurn(entityType, attempt)) return Option.some(true as const)
          const waited = (yield* Clock.currentTimeMillis) - (waiting?.waitingSince ?? Infinity)
          if (waiting !== undefined && waited >= waiting.maxWait) {
            return yield* new WaitTimedOut({ waitingFor: "slot", waited })
          }
          return Option.none()
        })
      },
      turnEvery
    )
    .pipe(forEntityType(entityType))

/** What a run comes to counts only while it is this runner's. */
const guarded = <A, E, R>(confirm: Effect.Effect<void>, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  work.pipe(
    Effect.tapCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : confirm)),
    Effect.tap(() => confirm)
  )

const runOptions = ({ exportId, onBusy = "wait", onExpired, partSize, poll, request }: ExportTask) => ({
  request,
  onBusy,
  ...(exportId === undefined ? {} : { exportId }),
  ...(onExpired === undefined ? {} : { onExpired }),
  ...(poll === undefined ? {} : { poll: Duration.millis(poll) }),
  ...(partSize === undefined ? {} : { partSize })
})

const RunErrorJson = Schema.toCodecJson(RunError)

/** How a failure is told: as JSON, because the engine keeps of an error only its message. */
const told = (cause: Cause.Cause<ExportError>): unknown => {
  const error = Cause.squash(cause)
  const known = Schema.is(RunError)(error)
    ? error
    : new RunDied({ problem: error instanceof Error ? error.message : String(error) })
  return Schema.encodeSync(RunErrorJson)(known)
}

/**
 * What a suspended execution was told to have failed with.
 *
 * @example
 * ```ts
 * import { ExportWorkflow } from "@longshore/workflow"
 * import { Cause } from "effect"
 *
 * ExportWorkflow.failureOf(Cause.die(new Error("a bug")))._tag // => "RunDied"
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export const failureOf = (cause: Cause.Cause<unknown> | undefined): RunError => {
  const defect = cause === undefined ? undefined : Cause.squash(cause)
  return Option.getOrElse(
    Schema.decodeUnknownOption(RunErrorJson)(defect),
    () => new RunDied({ problem: defect instanceof Error ? defect.message : "nothing is known about it" })
  )
}
