/**
 * What makes a run the same run: where it asks, as whom, for what, into which target. Running the same command again
 * finds the same identity, and by it the journal to go on with. Use it to name a journal for each run, so that no two
 * runs share one.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { ExportId, ExportRequest } from "./Export.ts"

/**
 * The identity of a run. It is written into journals, so it holds no secret.
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
 * What {@link RunIdentity} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type RunIdentity = typeof RunIdentity.Type

/**
 * Its canonical JSON: equal identities have equal text. Hash it for a short name. Keys are in order, and lists of ids,
 * which mean sets, are sorted.
 *
 * @example The name of a journal
 * ```ts
 * import { RunIdentity } from "@longshore/core"
 * import { createHash } from "node:crypto"
 *
 * const nameOf = (enterpriseIds: ReadonlyArray<string>) => {
 *   const identity: RunIdentity.RunIdentity = {
 *     platformAddress: "https://api.mews.com",
 *     account: "hotel-one",
 *     target: "s3://bucket/mews",
 *     request: { entityType: "Bill", scope: { enterpriseIds } }
 *   }
 *   return createHash("sha256").update(RunIdentity.canonical(identity)).digest("hex").slice(0, 16)
 * }
 * const [a, b] = ["0e20a1f4-3d2b-4b1c-9a67-5f2d8f1a0b11", "7c1b6a52-9d44-4f0e-8f3a-2f6f0d9e4c22"]
 * nameOf([a, b]) === nameOf([b, a]) // => true
 * ```
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
