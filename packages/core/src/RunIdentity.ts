/**
 * What makes a run the same run: where it asks, as whom, for what, into which target. Running the same command again
 * finds the same identity, and by it the journal to go on with.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { ExportId, ExportRequest } from "./Export.ts"

/**
 * The identity of a run.
 *
 * @since 0.1.0
 * @category models
 */
export const RunIdentity = Schema.Struct({
  platformAddress: Schema.String,
  /** A name, or a truncated hash of the access token; never the token. */
  account: Schema.String,
  /** Where the files go. */
  target: Schema.String,
  request: ExportRequest,
  /** Of an existing export that is taken up. */
  exportId: Schema.optionalKey(ExportId)
})

/**
 * @since 0.1.0
 * @category models
 */
export type RunIdentity = typeof RunIdentity.Type

/**
 * Its canonical JSON: equal identities have equal text. Hash it for a short name. Keys are in order, and lists of ids,
 * which mean sets, are sorted.
 *
 * @since 0.1.0
 * @category codecs
 */
export const canonical = (identity: RunIdentity): string =>
  JSON.stringify(sorted(Schema.encodeSync(RunIdentity)(identity)))

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(String).sort((a, b) => (a < b ? -1 : 1))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)])
  )
}
