/**
 * The engine's own rows about executions, read. Nothing is written here: what the rows mean is the engine's affair, and
 * there is no second place that could say something else.
 */
import { Manifest } from "@longshore/core/Manifest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as MachineId from "effect/cluster/MachineId"
import * as Snowflake from "effect/cluster/Snowflake"
import { SafeIntegers, type SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Workflow from "effect/workflow/Workflow"
import { ExportTask } from "../ExportTask.ts"
import { ExportWorkflow, failureOf, type RunError } from "../ExportWorkflow.ts"

export interface Execution {
  readonly id: string
  /** The order of submission. */
  readonly number: string
  readonly task: ExportTask
  readonly state: "running" | "failed" | "cancelled" | "complete"
  /** Milliseconds since 1970. */
  readonly submittedAt: number
  readonly endedAt: number | undefined
  readonly failure: RunError | undefined
}

export type Steps = ReadonlyMap<string, { readonly at: string; readonly value: unknown }>

export interface Criteria {
  readonly id?: string
  readonly account?: string
  readonly state?: Execution["state"]
  readonly before?: string
  readonly limit?: number
}

const entityType = `Workflow/${ExportWorkflow._tag}`

const Payload = Schema.fromJsonString(Schema.toCodecJson(ExportTask))
const Reply = Schema.fromJsonString(
  Schema.toCodecJson(
    Schema.Exit(
      Workflow.Result({ success: Manifest, error: ExportWorkflow.errorSchema }),
      Schema.Never,
      Schema.Defect()
    )
  )
)

interface Row {
  readonly number: bigint | number | string
  readonly id: string
  readonly payload: string
  readonly reply: string | null
  readonly reply_id: bigint | number | string | null
}

/** A database that does not answer is waited for. */
const patiently = <A>(query: Effect.Effect<A, SqlError>): Effect.Effect<A> =>
  query.pipe(
    Effect.provideService(SafeIntegers, true),
    Effect.retry({ times: 60, schedule: Schedule.spaced("1 second") }),
    Effect.withTracerEnabled(false),
    Effect.orDie
  )

/** The latest first. */
export const find = Effect.fnUntraced(function* (
  sql: SqlClient,
  { account, before, id, limit = 1, state }: Criteria
): Effect.fn.Return<ReadonlyArray<Execution>> {
  const found: Array<Execution> = []
  // States are in the replies, so they are told here, page by page.
  for (let last = before; found.length < limit;) {
    const rows = yield* patiently(
      sql<Row>`
        SELECT m.id AS number, m.entity_id AS id, m.payload AS payload, r.payload AS reply, r.id AS reply_id
        FROM cluster_messages m LEFT JOIN cluster_replies r ON r.id = m.last_reply_id
        WHERE m.entity_type = ${entityType} AND m.tag = 'run'
          ${id === undefined ? sql.literal("") : sql`AND m.entity_id = ${id}`}
          ${account === undefined ? sql.literal("") : sql`AND m.payload::jsonb ->> 'account' = ${account}`}
          ${last === undefined ? sql.literal("") : sql`AND m.id < ${sql.literal(String(BigInt(last)))}`}
        ORDER BY m.id DESC LIMIT ${limit}`
    )
    for (const row of rows) {
      const execution = executionOf(row)
      if (found.length < limit && (state === undefined || execution.state === state)) found.push(execution)
      last = String(row.number)
    }
    if (rows.length < limit) break
  }
  return found
})

const executionOf = (row: Row): Execution => {
  const common = {
    id: row.id,
    number: String(row.number),
    task: Schema.decodeSync(Payload)(row.payload),
    submittedAt: timeOf(row.number)
  }
  const exit = row.reply === null ? undefined : Schema.decodeSync(Reply)(row.reply)
  const running = { ...common, state: "running" as const, endedAt: undefined, failure: undefined }
  // A suspended execution that did not fail waits for its clock.
  if (exit === undefined || row.reply_id === null) return running
  const endedAt = timeOf(row.reply_id)
  const failed = (failure: RunError): Execution => ({
    ...common,
    state: failure._tag === "RunCancelled" ? "cancelled" : "failed",
    endedAt,
    failure
  })
  if (exit._tag === "Failure") return failed(failureOf(exit.cause))
  const result = exit.value
  if (result._tag === "Suspended") return result.failed === true ? failed(failureOf(result.cause)) : running
  return result.exit._tag === "Success"
    ? { ...common, state: "complete", endedAt, failure: undefined }
    : failed(failureOf(result.exit.cause))
}

const timeOf = (id: bigint | number | string): number => Snowflake.timestamp(Snowflake.Snowflake(id))

interface StepRow {
  readonly id: string
  readonly message: string
  readonly reply: string
  readonly reply_id: bigint | number | string
}

/** The steps that are done, by name, as a journal has them. */
export const steps = Effect.fnUntraced(function* (
  sql: SqlClient,
  ids: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyMap<string, Steps>> {
  const found = new Map<string, Map<string, { readonly at: string; readonly value: unknown }>>()
  if (ids.length === 0) return found
  const rows = yield* patiently(
    sql<StepRow>`
      SELECT m.entity_id AS id, m.payload AS message, r.payload AS reply, r.id AS reply_id
      FROM cluster_messages m JOIN cluster_replies r ON r.id = m.last_reply_id
      WHERE m.entity_type = ${entityType} AND m.tag = 'activity' AND m.entity_id IN ${sql.in(ids)}
      ORDER BY r.id`
  )
  for (const { id, message, reply, reply_id } of rows) {
    const { name } = decodeMessage(message)
    const exit = decodeReply(reply)
    // What is suspended is not done.
    if (exit.value?._tag !== "Complete" || exit.value.exit?._tag !== "Success") continue
    const known = found.get(id) ?? new Map()
    known.set(name, { at: new Date(timeOf(reply_id)).toISOString(), value: exit.value.exit.value })
    found.set(id, known)
  }
  return found
})

const decodeMessage = Schema.decodeSync(Schema.fromJsonString(Schema.Struct({ name: Schema.String })))
const decodeReply = Schema.decodeSync(
  Schema.fromJsonString(
    Schema.Struct({
      value: Schema.optionalKey(
        Schema.Struct({
          _tag: Schema.String,
          exit: Schema.optionalKey(Schema.Struct({ _tag: Schema.String, value: Schema.optionalKey(Schema.Unknown) }))
        })
      )
    })
  )
)

/** Ids of executions that came to an end before this instant, and how. */
export const endedBefore = Effect.fnUntraced(function* (
  sql: SqlClient,
  age: { readonly complete: number; readonly failed: number }
): Effect.fn.Return<ReadonlyArray<string>> {
  const now = yield* Clock.currentTimeMillis
  const newest = Snowflake.make({
    timestamp: now - Math.min(age.complete, age.failed),
    machineId: MachineId.make(0),
    sequence: 0
  })
  const rows = yield* patiently(
    sql<Row>`
      SELECT m.id AS number, m.entity_id AS id, m.payload AS payload, r.payload AS reply, r.id AS reply_id
      FROM cluster_messages m JOIN cluster_replies r ON r.id = m.last_reply_id
      WHERE m.entity_type = ${entityType} AND m.tag = 'run' AND r.id < ${sql.literal(String(newest))}
      ORDER BY r.id LIMIT 1000`
  )
  return rows.map(executionOf).flatMap(({ endedAt, id, state }) => {
    if (endedAt === undefined || state === "running") return []
    return now - endedAt > (state === "complete" ? age.complete : age.failed) ? [id] : []
  })
})
