/**
 * What a run of a cluster is to do. It is a schema and nothing else: whoever only asks a cluster loads no engine by it.
 *
 * @since 0.1.0
 */
import * as RunIdentity from "@longshore/core/RunIdentity"
import * as Schema from "effect/Schema"

/**
 * How patiently a run goes about it. It is no part of what makes it the same run, so whoever goes on with a run may say it
 * anew; what is left out stays as it was.
 *
 * @since 0.1.0
 * @category models
 */
export const RunPolicy = Schema.Struct({
  /** As in `ExportRunOptions`, for exports that this cluster does not know of. Default `wait`. */
  onBusy: Schema.optionalKey(Schema.Literals(["auto", "fail", "wait"])),
  /** As in `ExportRunOptions`. */
  onExpired: Schema.optionalKey(Schema.Literals(["fail", "renew"])),
  /**
   * Milliseconds that it may wait for the slot and for the export, from its beginning, or from when it was last resumed; then
   * it fails with `WaitTimedOut`. Default: as long as it takes.
   */
  maxWait: Schema.optionalKey(Schema.Finite),
  /** Milliseconds between looks. Default: quick at first, then up to five minutes. */
  poll: Schema.optionalKey(Schema.Finite),
  /** Bytes of a part. */
  partSize: Schema.optionalKey(Schema.Int)
})

/**
 * What {@link RunPolicy} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type RunPolicy = typeof RunPolicy.Type

/**
 * The part of a task, or of anything else that has more, which is its policy.
 *
 * @example
 * ```ts
 * import { ExportTask } from "@longshore/workflow"
 *
 * const task: ExportTask.ExportTask = {
 *   platformAddress: "https://api.mews.com",
 *   account: "lisbon",
 *   target: "s3://exports/mews/lisbon",
 *   request: { entityType: "Bill" },
 *   onExpired: "renew"
 * }
 * ExportTask.policyOf(task) // => { onExpired: "renew" }
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const policyOf = ({
  maxWait,
  onBusy,
  onExpired,
  partSize,
  poll
}: { readonly [K in keyof RunPolicy]: RunPolicy[K] | undefined }): RunPolicy => ({
  ...(onBusy === undefined ? {} : { onBusy }),
  ...(onExpired === undefined ? {} : { onExpired }),
  ...(maxWait === undefined ? {} : { maxWait }),
  ...(poll === undefined ? {} : { poll }),
  ...(partSize === undefined ? {} : { partSize })
})

/**
 * What is to be done: where, as whom, what, into which target, and how patiently. It lies in a table, so it holds no
 * secret: an account is a name, and each runner knows the tokens.
 *
 * @since 0.1.0
 * @category models
 */
export const ExportTask = Schema.Struct({
  ...RunIdentity.RunIdentity.fields,
  /** Tells this run from an earlier one of the same: the time of a schedule, say. The same again is the same run. */
  occasion: Schema.optionalKey(Schema.String),
  ...RunPolicy.fields
})

/**
 * What {@link ExportTask} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type ExportTask = typeof ExportTask.Type
