/**
 * The runs of a cluster, from outside: submit, look, wait, cancel, resume, list. Whoever reaches the database can use
 * it, without a route to the runners; `ClusterApi` gives the same to those who do not.
 *
 * @since 0.1.0
 */
import type { ExportId } from "@longshore/core/Export"
import type { ExportError, InvalidRequest } from "@longshore/core/ExportError"
import * as Exports from "@longshore/core/Exports"
import * as RunSummary from "@longshore/core/RunSummary"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import { type ExportTask, policyOf, type RunPolicy } from "./ExportTask.ts"
import { ExportWorkflow } from "./ExportWorkflow.ts"
import * as Control from "./internal/control.ts"
import * as Executions from "./internal/executions.ts"
import { type ListOptions, RunNotFound, type RunStatus } from "./RunStatus.ts"

/**
 * The runs of a cluster.
 *
 * @example Go on with all that failed
 * ```ts
 * import { ExportCluster } from "@longshore/workflow"
 * import { Effect } from "effect"
 *
 * const again = Effect.gen(function* () {
 *   const cluster = yield* ExportCluster.ExportCluster
 *   const failed = yield* cluster.list({ state: "failed" })
 *   const worthIt = failed.filter(({ failure }) => failure?.retryable === true)
 *   yield* Effect.forEach(worthIt, ({ id }) => cluster.resume(id), { discard: true })
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class ExportCluster extends Context.Service<
  ExportCluster,
  {
    /**
     * Begins a run, whether or not a runner is up, and gives its status. The same task again joins the run; if that has
     * failed or was cancelled, it goes on, with the policy of this task. Fails with `InvalidRequest` before anything is
     * stored.
     */
    readonly submit: (task: ExportTask) => Effect.Effect<RunStatus, InvalidRequest>
    /** How far it is. The bytes of files that are on their way are asked of the sink. */
    readonly status: (id: string) => Effect.Effect<RunStatus, RunNotFound>
    /** The status once it runs no more, or after `timeout` whatever it is. */
    readonly wait: (id: string, timeout?: Duration.Input) => Effect.Effect<RunStatus, RunNotFound>
    /** Stops it within seconds. What is delivered stays, and `resume` goes on with it. */
    readonly cancel: (id: string) => Effect.Effect<void, RunNotFound>
    /**
     * Goes on with a run that failed or was cancelled, with what is said of its policy. One that runs or is complete is left
     * alone.
     */
    readonly resume: (id: string, policy?: RunPolicy) => Effect.Effect<void, RunNotFound>
    readonly list: (options?: ListOptions) => Effect.Effect<ReadonlyArray<RunStatus>, RunNotFound>
  }
>()("@longshore/workflow/ExportCluster") {}

/**
 * What only the program knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExportClusterOptions {
  /** Bytes that a target holds of files which are not published yet. Default: it is not told. */
  readonly stored?: (task: ExportTask, exportId: ExportId) => Effect.Effect<number, ExportError>
}

/**
 * The runs that the engine's tables tell of.
 *
 * @example Submit, and wait
 * ```ts no-run
 * import { ExportCluster } from "@longshore/workflow"
 * import { NodeClusterSocket } from "@effect/platform-node"
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Layer, Option, Redacted } from "effect"
 * import { ClusterWorkflowEngine } from "effect/cluster"
 *
 * const client = ExportCluster.layer().pipe(
 *   Layer.provide(ClusterWorkflowEngine.layer),
 *   Layer.provide(NodeClusterSocket.layer({ clientOnly: true, shardingConfig: { runnerAddress: Option.none() } })),
 *   Layer.provide(PgClient.layer({ url: Redacted.make("postgres://localhost/longshore") }))
 * )
 *
 * const program = Effect.gen(function* () {
 *   const cluster = yield* ExportCluster.ExportCluster
 *   const { id } = yield* cluster.submit({
 *     platformAddress: "https://api.mews.com",
 *     account: "lisbon",
 *     target: "s3://bucket/mews/lisbon",
 *     request: { entityType: "Reservation" }
 *   })
 *   return yield* cluster.wait(id)
 * })
 * await Effect.runPromise(Effect.provide(program, client))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = ({ stored }: ExportClusterOptions = {}): Layer.Layer<
  ExportCluster,
  never,
  WorkflowEngine | SqlClient
> =>
  Layer.effect(
    ExportCluster,
    Effect.gen(function* () {
      const engine = yield* WorkflowEngine
      const sql = yield* SqlClient
      const onEngine = Effect.provideService(WorkflowEngine, engine)

      const statuses = (found: ReadonlyArray<Executions.Execution>) =>
        Effect.map(
          Executions.steps(
            sql,
            found.map(({ id }) => id)
          ),
          (steps) => found.map((execution) => statusOf(execution, steps.get(execution.id) ?? new Map()))
        )

      const find = Effect.fnUntraced(function* (id: string) {
        const [status] = yield* Effect.flatMap(Executions.find(sql, { id }), statuses)
        return status ?? (yield* new RunNotFound({ id }))
      })

      const withStored = Effect.fnUntraced(function* (status: RunStatus) {
        const { bytes, exportId } = status
        if (stored === undefined || bytes === undefined || exportId === undefined) return status
        if (status.state === "complete" || bytes.delivered === bytes.total) return status
        // Progress is a courtesy: a target that cannot be asked now is asked next time.
        const held = yield* Effect.option(stored(status.task, exportId))
        return held._tag === "None" ? status : { ...status, bytes: { ...bytes, stored: held.value } }
      })

      const resume = (id: string, policy?: RunPolicy) => onEngine(Control.resume(ExportWorkflow, id, policy))
      const stopped = ({ state }: RunStatus) => state === "failed" || state === "cancelled"

      return ExportCluster.of({
        submit: Effect.fnUntraced(function* (task) {
          yield* Exports.validate(task.request)
          const id = yield* ExportWorkflow.executionId(task)
          const earlier = yield* Effect.option(find(id))
          if (earlier._tag === "None") yield* onEngine(ExportWorkflow.execute(task, { discard: true }))
          else if (stopped(earlier.value)) yield* resume(id, policyOf(task))
          return yield* Effect.orDie(find(id))
        }),
        status: (id) => Effect.flatMap(find(id), withStored),
        wait: Effect.fnUntraced(function* (id, timeout = Duration.infinity) {
          const until = (yield* Clock.currentTimeMillis) + Duration.toMillis(timeout)
          for (let pause = 250; ; pause = Math.min(pause * 1.5, 2_000)) {
            const status = yield* find(id)
            const left = until - (yield* Clock.currentTimeMillis)
            if (status.state !== "running" || left <= 0) return yield* withStored(status)
            yield* Effect.sleep(Math.min(pause, left))
          }
        }),
        cancel: Effect.fnUntraced(function* (id) {
          if ((yield* find(id)).state === "running") yield* onEngine(Control.cancel(ExportWorkflow, id))
        }),
        resume: Effect.fnUntraced(function* (id, policy) {
          if (stopped(yield* find(id))) yield* resume(id, policy)
        }),
        list: Effect.fnUntraced(function* ({ account, before, limit = 100, state } = {}) {
          const page = before === undefined ? undefined : (yield* Executions.find(sql, { id: before }))[0]
          if (before !== undefined && page === undefined) return yield* new RunNotFound({ id: before })
          return yield* Effect.flatMap(
            Executions.find(sql, {
              limit,
              ...(account === undefined ? {} : { account }),
              ...(state === undefined ? {} : { state }),
              ...(page === undefined ? {} : { before: page.number })
            }),
            statuses
          )
        })
      })
    })
  )

const iso = (millis: number): string => new Date(millis).toISOString()

const statusOf = (execution: Executions.Execution, steps: Executions.Steps): RunStatus => {
  const { endedAt, failure, id, state, submittedAt, task } = execution
  const { bytes, exportId, files, stage } = RunSummary.summarize(steps, task.exportId)
  return {
    id,
    task,
    state,
    stage,
    submittedUtc: iso(submittedAt),
    ...(endedAt === undefined ? {} : { endedUtc: iso(endedAt) }),
    ...(exportId === undefined ? {} : { exportId }),
    ...(files === undefined ? {} : { files }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(failure === undefined
      ? {}
      : {
          failure: {
            error: failure._tag,
            message: failure.message,
            nextStep: isOver(failure) ? another : failure.nextStep,
            retryable: failure.retryable
          }
        })
  }
}

/** The export of a run is gone: resumed as it is, it would find the same again. */
const isOver = ({ _tag }: { readonly _tag: string }): boolean =>
  _tag === "ExportFailed" || _tag === "ExportExpired" || _tag === "ExportNotFound"

const another =
  "Resume it with onExpired renew (--on-expired renew), or submit it again with that: it then asks for another export."
