/**
 * The domain: what the Connector API calls an export, in TypeScript's names. Meanings are those of
 * [Mews's documentation](https://docs.mews.com/connector-api/operations/exports).
 *
 * Enumerations are open. Mews adds entity types and statuses without a new version of the API, so a value that is not
 * known here is kept as it came and never makes decoding fail.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/**
 * The identifier of an export: a lower-case GUID. It becomes a folder's name, so nothing else is let in.
 *
 * @example
 * ```ts
 * import { Export } from "@longshore/core"
 * import { Option, Schema } from "effect"
 *
 * const exportId = Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
 * // What others give is decoded, not made: `make` throws.
 * Option.isNone(Schema.decodeUnknownOption(Export.ExportId)("../../etc")) // => true
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const ExportId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u, {
    message: "Expected a lower-case GUID such as 3fa85f64-5717-4562-b3fc-2c963f66afa6"
  })
).pipe(Schema.brand("ExportId"))

/**
 * What {@link ExportId} decodes to: a `string` that was checked.
 *
 * @since 0.1.0
 * @category models
 */
export type ExportId = typeof ExportId.Type

/**
 * The entity types that the API documents today, oldest first: the first five are those of the first documentation.
 *
 * @example
 * ```ts
 * import { Export } from "@longshore/core"
 *
 * Export.entityTypes.slice(0, 3) // => ["OrderItem", "Payment", "Reservation"]
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const entityTypes = [
  "OrderItem",
  "Payment",
  "Reservation",
  "Customer",
  "Company",
  "Bill",
  "AvailabilityAdjustment",
  "AvailabilityBlock",
  "ResourceBlock",
  "LedgerEntry"
] as const

/**
 * The kind of entity an export holds. Open: a type that is newer than this library is kept. It becomes part of a file's
 * name, hence 1 to 64 letters and digits.
 *
 * @since 0.1.0
 * @category models
 */
export const EntityType = Schema.String.check(
  Schema.isPattern(/^[A-Za-z][A-Za-z0-9]{0,63}$/u, { message: "Expected an entity type such as Reservation" })
)

/**
 * What {@link EntityType} decodes to: completes the {@link entityTypes}, and takes any other text.
 *
 * @since 0.1.0
 * @category models
 */
export type EntityType = (typeof entityTypes)[number] | (string & {})

/**
 * `Pending` (created) → `Processing` (started) → `Success` (files are available) or `Failed` (create another export);
 * `Success` → `Expired` (the files are gone). Open: anything else means "not finished".
 *
 * @since 0.1.0
 * @category models
 */
export type ExportStatus = "Pending" | "Processing" | "Success" | "Failed" | "Expired" | (string & {})

/**
 * Which enterprises or chains an export covers: 1 to 1000 ids in a list. Absent means every one that the access token
 * can see. Which of the two lists the API uses depends on the entity type.
 *
 * @since 0.1.0
 * @category models
 */
export const ExportScope = Schema.Struct({
  enterpriseIds: Schema.optionalKey(Schema.Array(Schema.String)),
  chainIds: Schema.optionalKey(Schema.Array(Schema.String))
})

/**
 * What {@link ExportScope} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type ExportScope = typeof ExportScope.Type

/**
 * A half-open interval of instants: `startUtc <= UpdatedUtc < endUtc`. The API takes at most 180 days, ending at least
 * five minutes ago; `Exports.validate` checks both.
 *
 * @example The rows that changed in May
 * ```ts
 * import { Export } from "@longshore/core"
 * import { DateTime, Schema } from "effect"
 *
 * const updatedUtc: Export.TimeInterval = {
 *   startUtc: DateTime.makeUnsafe("2026-05-01"),
 *   endUtc: DateTime.makeUnsafe("2026-06-01")
 * }
 * Schema.encodeSync(Export.TimeInterval)(updatedUtc).startUtc // => "2026-05-01T00:00:00.000Z"
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const TimeInterval = Schema.Struct({
  startUtc: Schema.DateTimeUtcFromString,
  endUtc: Schema.DateTimeUtcFromString
})

/**
 * What {@link TimeInterval} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type TimeInterval = typeof TimeInterval.Type

/**
 * An interval of days (`YYYY-MM-DD`), both ends included.
 *
 * @since 0.1.0
 * @category models
 */
export const DateInterval = Schema.Struct({ start: Schema.String, end: Schema.String })

/**
 * What {@link DateInterval} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type DateInterval = typeof DateInterval.Type

/**
 * Which rows an export holds. Absent means all of them. `LedgerEntry` exports need `ledgerEntryFilters`, whose dates
 * are posting dates.
 *
 * @since 0.1.0
 * @category models
 */
export const ExportFilters = Schema.Struct({
  updatedUtc: Schema.optionalKey(TimeInterval),
  ledgerEntryFilters: Schema.optionalKey(Schema.Struct({ posting: DateInterval }))
})

/**
 * What {@link ExportFilters} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type ExportFilters = typeof ExportFilters.Type

/**
 * What is asked for, as journals and manifests keep it.
 *
 * @since 0.1.0
 * @category models
 */
export const ExportRequest = Schema.Struct({
  entityType: EntityType,
  scope: Schema.optionalKey(ExportScope),
  filters: Schema.optionalKey(ExportFilters)
})

/**
 * What is asked for. Two equal requests to one account and one target are the same run.
 *
 * @example
 * ```ts
 * import { type Export } from "@longshore/core"
 *
 * const reservations: Export.ExportRequest = { entityType: "Reservation" }
 * const ledger: Export.ExportRequest = {
 *   entityType: "LedgerEntry",
 *   filters: { ledgerEntryFilters: { posting: { start: "2026-05-01", end: "2026-05-31" } } }
 * }
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface ExportRequest {
  /** Which kind of entity; one of {@link entityTypes} or a newer one. */
  readonly entityType: EntityType
  /** Default: everything that the access token can see. */
  readonly scope?: ExportScope
  /** Default: all rows. */
  readonly filters?: ExportFilters
}

/**
 * A file of a ready export. Its link is a credential: it lives ten minutes and every `getAll` makes a new one.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExportFile {
  /** The link. Kept redacted, so that no log shows it. */
  readonly url: Redacted.Redacted
  /** Bytes, as announced by the API. */
  readonly sizeInBytes: number
}

/**
 * An export as a look found it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Export {
  /** What it is looked up by. The API cannot list exports, so keep it. */
  readonly id: ExportId
  /** How far it is. */
  readonly status: ExportStatus
  /** Which kind of entity its rows are. */
  readonly entityType: EntityType
  /** Absent in answers of the first documentation's shape. */
  readonly scope: ExportScope | undefined
  /** As asked for; `undefined` where there are none. */
  readonly filters: ExportFilters | undefined
  /**
   * JSON Lines (https://jsonlines.org), in the order of the answer. Empty before it is ready and after it expired; a
   * ready one may be empty as well.
   */
  readonly files: ReadonlyArray<ExportFile>
  /** When the files stop being available; known once the export is ready. */
  readonly expiresUtc: DateTime.Utc | undefined
}
