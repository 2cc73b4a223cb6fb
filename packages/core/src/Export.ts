/**
 * The domain: what the Connector API calls an export, in TypeScript's names.
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
 * @since 0.1.0
 * @category models
 */
export const ExportId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u, {
    message: "Expected a lower-case GUID such as 3fa85f64-5717-4562-b3fc-2c963f66afa6"
  })
).pipe(Schema.brand("ExportId"))

/**
 * @since 0.1.0
 * @category models
 */
export type ExportId = typeof ExportId.Type

/**
 * The entity types that the API documents today, oldest first: the first five are those of the first documentation.
 *
 * @since 0.1.0
 * @category models
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
 * name, hence only letters and digits.
 *
 * @since 0.1.0
 * @category models
 */
export const EntityType = Schema.String.check(
  Schema.isPattern(/^[A-Za-z][A-Za-z0-9]{0,63}$/u, { message: "Expected an entity type such as Reservation" })
)

/**
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
 * Which enterprises or chains an export covers. Absent means every one that the access token can see. Which of the two
 * lists the API uses depends on the entity type.
 *
 * @since 0.1.0
 * @category models
 */
export const ExportScope = Schema.Struct({
  enterpriseIds: Schema.optionalKey(Schema.Array(Schema.String)),
  chainIds: Schema.optionalKey(Schema.Array(Schema.String))
})

/**
 * @since 0.1.0
 * @category models
 */
export type ExportScope = typeof ExportScope.Type

/**
 * A half-open interval of instants: `startUtc <= UpdatedUtc < endUtc`.
 *
 * @since 0.1.0
 * @category models
 */
export const TimeInterval = Schema.Struct({
  startUtc: Schema.DateTimeUtcFromString,
  endUtc: Schema.DateTimeUtcFromString
})

/**
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
 * @since 0.1.0
 * @category models
 */
export type DateInterval = typeof DateInterval.Type

/**
 * Which rows an export holds. Absent means all of them.
 *
 * @since 0.1.0
 * @category models
 */
export const ExportFilters = Schema.Struct({
  updatedUtc: Schema.optionalKey(TimeInterval),
  ledgerEntryFilters: Schema.optionalKey(Schema.Struct({ posting: DateInterval }))
})

/**
 * @since 0.1.0
 * @category models
 */
export type ExportFilters = typeof ExportFilters.Type

/**
 * What is asked for. Two equal requests to one account and one target are the same run.
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
 * @since 0.1.0
 * @category models
 */
export interface ExportRequest {
  readonly entityType: EntityType
  readonly scope?: ExportScope
  readonly filters?: ExportFilters
}

/**
 * A file of a ready export. Its link is a credential: it lives ten minutes and every `getAll` makes a new one.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExportFile {
  readonly url: Redacted.Redacted
  /** Bytes, as announced by the API. */
  readonly sizeInBytes: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Export {
  readonly id: ExportId
  readonly status: ExportStatus
  readonly entityType: EntityType
  /** Absent in answers of the first documentation's shape. */
  readonly scope: ExportScope | undefined
  readonly filters: ExportFilters | undefined
  readonly files: ReadonlyArray<ExportFile>
  /** When the files stop being available; known once the export is ready. */
  readonly expiresUtc: DateTime.Utc | undefined
}
