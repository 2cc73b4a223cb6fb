/**
 * What happens during a run, as data. The same events feed progress bars, `--json`, logs and tests. They hold neither
 * tokens nor links.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { EntityType, ExportId } from "./Export.ts"
import * as Metrics from "./internal/metrics.ts"
import * as Tracing from "./internal/tracing.ts"

const common = {
  /** Milliseconds since 1970. */
  at: Schema.Finite,
  entityType: EntityType
}

const file = { ...common, key: Schema.String }

/**
 * One thing that happened.
 *
 * - `ExportRequested`: `add` was accepted. `ExportAdopted`: an existing export was taken up.
 * - `AnswerLost`: `add` was sent and nobody knows whether it was accepted.
 * - `SlotBusy`: the API refuses another export of this type for now; asked again after `retryIn` milliseconds.
 * - `ExportPolled`: a look at the export; the next one after `nextIn` milliseconds if it is not finished.
 * - `LookFailed`: a look got no answer; the wait goes on.
 * - `ExportReady`: files can be fetched until `expiresUtc`, with the links at hand until `linksUntil` (milliseconds since
 *   1970; absent where there are none yet). `ExportRenewed`: it failed or expired, and another is asked for.
 * - `FileStarted`: a file of `size` bytes, of which `stored` were there already.
 * - `BytesReceived`: bytes on their way, also those of attempts that fail later. `PartStored`: a part is durable.
 * - `PartLost`: a part that was stored is no longer what it was, and is fetched again.
 * - `PartRetried`: an attempt failed. `LinksRenewed`: fresh links were fetched, which live
 *   until `linksUntil`.
 * - `FileRestarted`: a file begins anew. `FileDelivered`: it is published. `FileConfirmed`: delivered by an earlier
 *   process, and still there.
 * - `RunCompleted`: everything is delivered and the manifest says so; `earlier` if that was so before this process.
 *
 * @since 0.1.0
 * @category models
 */
export const ExportEvent = Schema.Union([
  Schema.TaggedStruct("ExportRequested", { ...common, exportId: ExportId }),
  Schema.TaggedStruct("ExportAdopted", { ...common, exportId: ExportId }),
  Schema.TaggedStruct("AnswerLost", { ...common, problem: Schema.String }),
  Schema.TaggedStruct("SlotBusy", { ...common, problem: Schema.String, retryIn: Schema.Finite }),
  Schema.TaggedStruct("ExportPolled", {
    ...common,
    exportId: ExportId,
    status: Schema.String,
    attempt: Schema.Int,
    nextIn: Schema.Finite
  }),
  Schema.TaggedStruct("LookFailed", {
    ...common,
    exportId: ExportId,
    problem: Schema.String,
    nextIn: Schema.Finite
  }),
  Schema.TaggedStruct("ExportReady", {
    ...common,
    exportId: ExportId,
    files: Schema.Int,
    bytes: Schema.Finite,
    expiresUtc: Schema.optionalKey(Schema.String),
    linksUntil: Schema.optionalKey(Schema.Finite)
  }),
  Schema.TaggedStruct("ExportRenewed", { ...common, exportId: ExportId, reason: Schema.String }),
  Schema.TaggedStruct("FileStarted", { ...file, size: Schema.Finite, stored: Schema.Finite }),
  Schema.TaggedStruct("BytesReceived", { ...file, bytes: Schema.Finite }),
  Schema.TaggedStruct("PartStored", { ...file, part: Schema.Int, bytes: Schema.Finite }),
  Schema.TaggedStruct("PartLost", { ...file, part: Schema.Int, bytes: Schema.Finite }),
  Schema.TaggedStruct("PartRetried", {
    ...file,
    part: Schema.Int,
    attempt: Schema.Int,
    problem: Schema.String,
    retryIn: Schema.Finite
  }),
  Schema.TaggedStruct("LinksRenewed", { ...common, exportId: ExportId, linksUntil: Schema.Finite }),
  Schema.TaggedStruct("FileRestarted", { ...file, problem: Schema.String }),
  Schema.TaggedStruct("FileDelivered", { ...file, size: Schema.Finite, crc32: Schema.String, location: Schema.String }),
  Schema.TaggedStruct("FileConfirmed", { ...file, size: Schema.Finite, location: Schema.String }),
  Schema.TaggedStruct("RunCompleted", {
    ...common,
    exportId: ExportId,
    files: Schema.Int,
    bytes: Schema.Finite,
    location: Schema.String,
    completedUtc: Schema.String,
    earlier: Schema.Boolean
  })
])

/**
 * @since 0.1.0
 * @category models
 */
export type ExportEvent = typeof ExportEvent.Type

/**
 * Who hears of events: by default nobody. Provide a function that is quick, or that hands over to a `PubSub`.
 *
 * @since 0.1.0
 * @category services
 */
export const ExportEvents = Context.Reference<(event: ExportEvent) => Effect.Effect<void>>(
  "@longshore/core/ExportEvents",
  { defaultValue: () => () => Effect.void }
)

/** Which run speaks: set once by the run, so that what lies below need not carry it along. */
const CurrentEntityType = Context.Reference<EntityType>("@longshore/core/ExportEvent/CurrentEntityType", {
  defaultValue: () => "Unknown"
})

/**
 * Everything that happens inside concerns this entity type.
 *
 * @since 0.1.0
 * @category combinators
 */
export const forEntityType =
  (entityType: EntityType) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(self, CurrentEntityType, entityType)

/**
 * An event without the two fields that {@link publish} fills in.
 *
 * @since 0.1.0
 * @category models
 */
export type Happening = ExportEvent extends infer E
  ? E extends ExportEvent
    ? Omit<E, "at" | "entityType">
    : never
  : never

/**
 * The fields of an event as attributes of spans and logs: `exportId` is `longshore.export_id`.
 *
 * @since 0.1.0
 * @category combinators
 */
export const attributes = (event: ExportEvent): Record<string, string | number | boolean> => {
  const { _tag, at: _at, ...fields } = event
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      `longshore.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
      value
    ])
  )
}

/**
 * What happens too often to be told one by one; metrics sum it up.
 *
 * @since 0.1.0
 * @category guards
 */
export const isFrequent = (event: ExportEvent): boolean => event._tag === "BytesReceived" || event._tag === "PartStored"

/**
 * Tells the listener what happened, now; counts it, and notes it in the span in which it happened.
 *
 * @since 0.1.0
 * @category combinators
 */
export const publish = Effect.fnUntraced(function* (happening: Happening) {
  const listener = yield* ExportEvents
  const entityType = yield* CurrentEntityType
  const at = yield* Clock.currentTimeMillis
  const event: ExportEvent = { ...happening, at, entityType }
  yield* Metrics.observe(event)
  if (!isFrequent(event)) yield* Tracing.event(event._tag, attributes(event))
  yield* listener(event)
})
