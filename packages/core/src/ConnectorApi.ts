/**
 * The wire: paths and Schemas of the two operations, as Mews documents them. The client (`Exports`) and the simulator
 * share this module and nothing else.
 *
 * Answers are read tolerantly: unknown properties are ignored, an absent property is as good as `null`, and the shape
 * of the first documentation (without `Scope` and `Filters`) still decodes.
 *
 * @see https://docs.mews.com/connector-api/operations/exports
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { DateInterval, EntityType, ExportId, ExportScope, TimeInterval } from "./Export.ts"

/**
 * @since 0.1.0
 * @category paths
 */
export const addPath = "/api/connector/v1/exports/add"

/**
 * @since 0.1.0
 * @category paths
 */
export const getAllPath = "/api/connector/v1/exports/getAll"

/**
 * How many ids one `getAll` may carry.
 *
 * @since 0.1.0
 * @category limits
 */
export const maxExportIds = 1000

/**
 * The longest `UpdatedUtc` interval, in days.
 *
 * @since 0.1.0
 * @category limits
 */
export const maxUpdatedDays = 180

/**
 * How far `UpdatedUtc.EndUtc` must lie in the past, in minutes.
 *
 * @since 0.1.0
 * @category limits
 */
export const minUpdatedAgeMinutes = 5

/**
 * The largest size of a file, in bytes: 8 TiB. What is more is no size but a mistake, or an attack: parts are counted in
 * memory.
 *
 * @since 0.1.0
 * @category limits
 */
export const maxFileSize = 2 ** 43

/**
 * How many files an export may have.
 *
 * @since 0.1.0
 * @category limits
 */
export const maxFiles = 100_000

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullishOr(schema))

/**
 * `Scope` on the wire.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Scope = Schema.Struct({
  EnterpriseIds: nullish(ExportScope.fields.enterpriseIds.schema),
  ChainIds: nullish(ExportScope.fields.chainIds.schema)
})

/**
 * `UpdatedUtc` on the wire.
 *
 * @since 0.1.0
 * @category schemas
 */
export const UpdatedUtc = TimeInterval.pipe(Schema.encodeKeys({ startUtc: "StartUtc", endUtc: "EndUtc" }))

/**
 * `Filters` on the wire.
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
 * The body of `exports/add`.
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
 * The body of `exports/getAll`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GetAllRequest = Schema.Struct({ ...credentials, ExportIds: Schema.Array(Schema.String) })

/**
 * A file of an export. The link is a credential, and leads to a host on the network.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExportFile = Schema.Struct({
  Url: Schema.String.check(Schema.isPattern(/^https?:\/\//i, { message: "Expected an http(s) link" })),
  SizeInBytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxFileSize }))
})

/**
 * An export on the wire. `Filters` stay as they came: nothing is decided on them, and an older or newer shape must not
 * stop a download.
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
 * @since 0.1.0
 * @category schemas
 */
export const AddResponse = Schema.Struct({ Export })

/**
 * @since 0.1.0
 * @category schemas
 */
export const GetAllResponse = Schema.Struct({ Exports: Schema.Array(Export) })

/**
 * The body of a refusal. Every part of it may be missing.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ErrorResponse = Schema.Struct({
  Message: nullish(Schema.String),
  RequestId: nullish(Schema.String)
})
