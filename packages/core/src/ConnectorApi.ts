/**
 * The wire: paths and Schemas of the two operations, as Mews documents them. The client (`Exports`) and the simulator
 * share this module and nothing else. Use it to stand in for the API in a test, or to read answers that were recorded;
 * to talk to the API use `Exports`.
 *
 * Answers are read tolerantly: unknown properties are ignored, an absent property is as good as `null`, and the shape
 * of the first documentation (without `Scope` and `Filters`) still decodes.
 *
 * @example A recorded answer
 * ```ts
 * import { ConnectorApi } from "@longshore/core"
 * import { Effect, Schema } from "effect"
 *
 * const body = `{ "Exports": [{
 *   "Id": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "Status": "Processing", "EntityType": "Bill", "Files": null
 * }] }`
 * const read = Schema.decodeUnknownEffect(Schema.fromJsonString(ConnectorApi.GetAllResponse))
 * const { Exports } = await Effect.runPromise(read(body))
 * Exports[0]?.Status // => "Processing"
 * ```
 *
 * @see https://docs.mews.com/connector-api/operations/exports
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { DateInterval, EntityType, ExportId, ExportScope, TimeInterval } from "./Export.ts"

/**
 * Where a new export is asked for, below the platform address. As every operation of the API it is a POST, and the path
 * is case-sensitive.
 *
 * @since 0.1.0
 * @category constants
 */
export const addPath = "/api/connector/v1/exports/add"

/**
 * Where exports are looked at, below the platform address. Looking is also what makes new links.
 *
 * @since 0.1.0
 * @category constants
 */
export const getAllPath = "/api/connector/v1/exports/getAll"

/**
 * How many ids one `getAll` may carry, by the documentation of the operation. `Exports.getAll` sends longer lists in
 * several requests.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxExportIds = 1000

/**
 * The longest `UpdatedUtc` interval, in days, by the documentation of `add`. A longer time takes several exports, one
 * after the other, because the API runs one of a type at a time.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxUpdatedDays = 180

/**
 * How far `UpdatedUtc.EndUtc` must lie in the past, in minutes, by the documentation of `add`.
 *
 * @since 0.1.0
 * @category constants
 */
export const minUpdatedAgeMinutes = 5

/**
 * The largest size of a file that is believed, in bytes: 8 TiB. It is Longshore's limit, not the API's: what is more is
 * no size but a mistake, or an attack, as parts are counted in memory.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxFileSize = 2 ** 43

/**
 * The largest number of files of one export that is believed. It is Longshore's limit; the API documents none.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxFiles = 100_000

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullishOr(schema))

/**
 * `Scope` on the wire: 1 to 1000 ids in either list. Absent in the first documentation and its answers.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Scope = Schema.Struct({
  EnterpriseIds: nullish(ExportScope.fields.enterpriseIds.schema),
  ChainIds: nullish(ExportScope.fields.chainIds.schema)
})

/**
 * `UpdatedUtc` on the wire: instants in ISO 8601, half-open.
 *
 * @since 0.1.0
 * @category schemas
 */
export const UpdatedUtc = TimeInterval.pipe(Schema.encodeKeys({ startUtc: "StartUtc", endUtc: "EndUtc" }))

/**
 * `Filters` on the wire. `LedgerEntryFilters` is required for `LedgerEntry` and for nothing else.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Filters = Schema.Struct({
  UpdatedUtc: nullish(UpdatedUtc),
  LedgerEntryFilters: nullish(
    Schema.Struct({ Posting: DateInterval.pipe(Schema.encodeKeys({ start: "Start", end: "End" })) })
  )
})

/** Tokens travel in the body of every request: bodies are never logged. */
const credentials = {
  ClientToken: Schema.String,
  AccessToken: Schema.String,
  Client: Schema.String,
  /** Together or not at all; may change the texts of answers. */
  LanguageCode: Schema.optionalKey(Schema.String),
  CultureCode: Schema.optionalKey(Schema.String)
}

/**
 * The body of `exports/add`. It holds both tokens, so it is never logged.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AddRequest = Schema.Struct({
  ...credentials,
  EntityType,
  Scope: nullish(Scope),
  Filters: nullish(Filters)
})

/**
 * The body of `exports/getAll`: 1 to {@link maxExportIds} ids. There is no way to ask for "all exports": an id that is
 * lost cannot be found again. It holds both tokens, so it is never logged.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GetAllRequest = Schema.Struct({ ...credentials, ExportIds: Schema.Array(Schema.String) })

/**
 * A file of an export: its size in bytes, and a link that is valid for ten minutes. The link is a credential, and leads
 * to a host on the network.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExportFile = Schema.Struct({
  Url: Schema.String.check(Schema.isPattern(/^https?:\/\//i, { message: "Expected an http(s) link" })),
  SizeInBytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxFileSize }))
})

/**
 * An export on the wire. `Files` is empty before `Success` and after `Expired`; `ExpiresUtc` is `null` until it is
 * ready.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Export = Schema.Struct({
  Id: ExportId,
  /** A word: it is shown, and kept in journals. */
  Status: Schema.String.check(Schema.isPattern(/^[A-Za-z][A-Za-z0-9]{0,63}$/, { message: "Expected a status" })),
  EntityType,
  Scope: nullish(Scope),
  Files: nullish(Schema.Array(ExportFile).check(Schema.isMaxLength(maxFiles))),
  ExpiresUtc: nullish(Schema.DateTimeUtcFromString),
  Filters: nullish(Filters)
})

/**
 * The answer of `exports/add`: the new export, which has no files yet.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AddResponse = Schema.Struct({ Export })

/**
 * The answer of `exports/getAll`. Neither order nor completeness is promised: match by `Id`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GetAllResponse = Schema.Struct({ Exports: Schema.Array(Export) })

/**
 * The body of a refusal. Every part of it may be missing, and `Message` may be localised: decide by the status.
 *
 * @see https://docs.mews.com/connector-api/guidelines/responses
 *
 * @since 0.1.0
 * @category schemas
 */
export const ErrorResponse = Schema.Struct({
  Message: nullish(Schema.String),
  RequestId: nullish(Schema.String)
})
