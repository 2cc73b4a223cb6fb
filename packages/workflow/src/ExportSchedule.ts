/**
 * Exports at fixed times, once in the whole cluster however many runners it has.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type * as Cron from "effect/Cron"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { ClusterCron, type Sharding } from "effect/cluster"
import { ExportCluster } from "./ExportCluster.ts"
import type { ExportTask } from "./ExportTask.ts"

/**
 * When, and what.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExportScheduleOptions<R> {
  /** Unique among the cluster's schedules, and for ever: by it a runner goes on with another one's schedule. */
  readonly name: string
  readonly cron: Cron.Cron
  /** What is submitted at that time. Each run has the time as its occasion, so it is begun once. */
  readonly tasks: (scheduled: DateTime.Utc) => Effect.Effect<ReadonlyArray<ExportTask>, never, R>
}

/**
 * A schedule. A time that passed while no runner was up is made up for, once, unless it is more than a day ago. What cannot
 * be submitted is logged, and keeps nothing else from being submitted.
 *
 * @example Every night at three, all reservations of two hotels
 * ```ts
 * import { ExportSchedule } from "@longshore/workflow"
 * import { Cron, Effect } from "effect"
 *
 * const nightly = ExportSchedule.layer({
 *   name: "nightly",
 *   cron: Cron.parseUnsafe("0 3 * * *"),
 *   tasks: () =>
 *     Effect.succeed(
 *       ["lisbon", "porto"].map((account) => ({
 *         platformAddress: "https://api.mews.com",
 *         account,
 *         target: `s3://bucket/mews/${account}`,
 *         request: { entityType: "Reservation" }
 *       }))
 *     )
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <R = never>({
  cron,
  name,
  tasks
}: ExportScheduleOptions<R>): Layer.Layer<never, never, Sharding.Sharding | ExportCluster | R> =>
  ClusterCron.make({
    name: `Longshore/${name}`,
    cron,
    execute: Effect.gen(function* () {
      const cluster = yield* ExportCluster
      const scheduled = yield* ClusterCron.CurrentScheduledTime
      const occasion = `${name} ${DateTime.formatIso(scheduled)}`
      yield* Effect.forEach(
        yield* tasks(scheduled),
        (task) =>
          cluster
            .submit({ ...task, occasion })
            .pipe(Effect.catchTag("InvalidRequest", ({ message }) => Effect.logError(`schedule ${name}: ${message}`))),
        { discard: true }
      )
    })
  }) as Layer.Layer<never, never, Sharding.Sharding | ExportCluster | R>
