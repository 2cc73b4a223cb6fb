/**
 * Removes what the engine keeps about runs that are over: it keeps everything for ever.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import {
  EntityAddress,
  EntityId,
  EntityType,
  MachineId,
  MessageStorage,
  Sharding,
  Singleton,
  Snowflake
} from "effect/cluster"
import * as Clock from "effect/Clock"
import { SqlClient } from "effect/sql/SqlClient"
import { ExportWorkflow } from "./ExportWorkflow.ts"
import * as Executions from "./internal/executions.ts"

/** The engine lets go of a run ten to twenty seconds after its end. Forgotten sooner, the same task would get the old result. */
const shortest = "25 seconds"

/**
 * How long rows are kept after a run's end, at least 25 seconds. A run without rows is forgotten: the same task begins
 * anew.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetentionOptions {
  /** Of runs that are complete. Default 7 days. */
  readonly complete?: Duration.Input
  /** Of runs that failed or were cancelled, which can be resumed until then. Default 30 days. */
  readonly failed?: Duration.Input
  /** How often it looks. Default 10 minutes. */
  readonly interval?: Duration.Input
}

/**
 * One runner of the cluster does it, and another one if that goes away.
 *
 * @example
 * ```ts
 * import { Retention } from "@longshore/workflow"
 *
 * const retention = Retention.layer({ complete: "30 days", failed: "90 days" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = ({
  complete = "7 days",
  failed = "30 days",
  interval = "10 minutes"
}: RetentionOptions = {}): Layer.Layer<never, never, Sharding.Sharding | MessageStorage.MessageStorage | SqlClient> =>
  Singleton.make(
    "Longshore/Retention",
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const kept = (age: Duration.Input) =>
        Duration.toMillis(Duration.max(Duration.fromInputUnsafe(age), Duration.fromInputUnsafe(shortest)))
      const age = { complete: kept(complete), failed: kept(failed) }
      const storage = yield* MessageStorage.MessageStorage
      const sharding = yield* Sharding.Sharding

      const forget = Effect.fnUntraced(function* (id: string) {
        const entityId = EntityId.make(id)
        const shardId = sharding.getShardId(entityId, "default")
        for (const entityType of [`Workflow/${ExportWorkflow._tag}`, "Workflow/-/DurableClock"]) {
          yield* storage.clearAddress(
            EntityAddress.make({ entityType: EntityType.make(entityType), entityId, shardId })
          )
        }
        yield* sql`DELETE FROM longshore_fence WHERE run = ${id}`
      })

      /** Each time of a schedule has an address of its own. */
      const forgetSchedules = Effect.gen(function* () {
        const timestamp = (yield* Clock.currentTimeMillis) - age.complete
        const oldest = sql.literal(String(Snowflake.make({ timestamp, machineId: MachineId.make(0), sequence: 0 })))
        const over = sql`
          SELECT id FROM cluster_messages
          WHERE entity_type LIKE 'ClusterCron/Longshore/%' AND processed AND id < ${oldest}`
        yield* sql`DELETE FROM cluster_replies WHERE request_id IN (${over})`
        yield* sql`DELETE FROM cluster_messages WHERE id IN (${over})`
      })

      const clean = Effect.gen(function* () {
        for (;;) {
          const ids = yield* Executions.endedBefore(sql, age)
          yield* Effect.forEach(ids, forget, { discard: true })
          if (ids.length > 0) yield* Effect.logInfo(`removed the rows of ${ids.length} runs that are over`)
          else break
        }
        yield* forgetSchedules
      })
      yield* clean.pipe(
        Effect.catchCause((cause) => Effect.logWarning("rows of finished runs could not be removed", cause)),
        Effect.repeat(Schedule.spaced(interval))
      )
    })
  )
