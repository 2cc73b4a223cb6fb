/**
 * One export on Effect's workflow engine: `ExportRun`, written once, with each of its steps an activity. Any runner of the
 * cluster may begin it and any other go on with it.
 *
 * @since 0.1.0
 */
import type { EntityType } from "@longshore/core/Export"
import { ExportError, InvalidRequest } from "@longshore/core/ExportError"
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
import { Fence } from "./Fence.ts"
import * as Control from "./internal/control.ts"
import { fenced } from "./internal/fencedSink.ts"

/**
 * What is to be done: where, as whom, what, into which target, and how patiently. It lies in a table, so it holds no
 * secret: an account is a name, and each runner knows the tokens.
 *
 * @since 0.1.0
 * @category models
 */
export const ExportTask = Schema.Struct({
  ...RunIdentity.RunIdentity.fields,
  /** Tells this run from an earlier one of the same: the time of a schedule, say. The same again is the same run. */
  occasion: Schema.optionalKey(Schema.String),
  /** As in `ExportRunOptions`, for exports that this cluster does not know of. Default `wait`. */
  onBusy: Schema.optionalKey(Schema.Literals(["auto", "fail", "wait"])),
  /** As in `ExportRunOptions`. */
  onExpired: Schema.optionalKey(Schema.Literals(["fail", "renew"])),
  /** Milliseconds between looks. Default: quick at first, then up to five minutes. */
  poll: Schema.optionalKey(Schema.Finite),
  /** Bytes of a part. */
  partSize: Schema.optionalKey(Schema.Int)
})

/**
 * What {@link ExportTask} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type ExportTask = typeof ExportTask.Type

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
 * the identity and `occasion` are part of it, so the same with another patience is the same run.
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
      const configured = yield* (yield* Accounts).platformAddress(task.account)
      if (configured !== task.platformAddress) {
        return yield* new InvalidRequest({
          parameter: "platformAddress",
          problem: `this runner's configuration has ${configured} for the account "${task.account}", and the run is for ${task.platformAddress}`
        })
      }
      const fence = yield* Fence
      const lease = yield* fence.take(executionId)
      const control = yield* Control.make
      const held = <A, E, R>(work: Effect.Effect<A, E, R>) => guarded(lease.confirm, control.stoppable(work))
      const run = Effect.gen(function* () {
        const target = Context.get(yield* Layer.build(sink(task)), ObjectSink)
        const { exports, isMyTurn } = yield* exportsOf({ account: task.account, ticket: executionId, lease })
        const journal = yield* ClusterJournal.make({
          around: held,
          ...(suspendAfter === undefined ? {} : { suspendAfter })
        })
        // In `add` it would wait in memory, and of those who wait for a slot there may be thousands.
        if (task.exportId === undefined) yield* turn(journal, task.request.entityType, isMyTurn)
        return yield* ExportRun.run(runOptions(task)).pipe(
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

/** Waits until the slot of the type may be this run's. */
const turn = (
  journal: Journal["Service"],
  entityType: EntityType,
  isMyTurn: (entityType: EntityType, attempt: number) => Effect.Effect<boolean, ExportError>
) =>
  journal
    .until(
      {
        name: "turn",
        success: Schema.Option(Schema.Literal(true)),
        error: ExportError,
        execute: Effect.flatMap(CurrentLook, ({ attempt }) =>
          Effect.map(isMyTurn(entityType, attempt), (mine) => (mine ? Option.some(true as const) : Option.none()))
        )
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
