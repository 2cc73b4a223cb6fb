/**
 * How far a run of a cluster is, as a cluster tells whoever asks.
 *
 * @since 0.1.0
 */
import { ExportId } from "@longshore/core/Export"
import * as Schema from "effect/Schema"
import { ExportTask } from "./ExportTask.ts"

/**
 * What a run's end, or its failure, was.
 *
 * @since 0.1.0
 * @category models
 */
export const Failure = Schema.Struct({
  error: Schema.String.annotate({ description: "The tag of the error" }),
  message: Schema.String.annotate({ description: "What happened, for people" }),
  nextStep: Schema.String.annotate({ description: "What to do now, for people" }),
  retryable: Schema.Boolean.annotate({ description: "Whether the same again can help" })
})

/**
 * What {@link Failure} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type Failure = typeof Failure.Type

/**
 * How far a run is.
 *
 * @since 0.1.0
 * @category models
 */
export const RunStatus = Schema.Struct({
  id: Schema.String.annotate({ description: "32 hexadecimal digits, made of the run's fingerprint" }),
  task: ExportTask.annotate({ description: "What is to be done, as it was first submitted" }),
  state: Schema.Literals(["running", "failed", "cancelled", "complete"]).annotate({
    description: "failed and cancelled can be resumed"
  }),
  stage: Schema.Literals(["asking", "waiting", "transferring", "publishing", "complete"]).annotate({
    description: "How far it is: asking for the export, waiting for it, transferring its files, publishing the manifest"
  }),
  submittedUtc: Schema.String.annotate({ description: "ISO 8601" }),
  endedUtc: Schema.optionalKey(Schema.String.annotate({ description: "When it came to an end, or failed: ISO 8601" })),
  exportId: Schema.optionalKey(ExportId.annotate({ description: "The export it works on, once the API accepted it" })),
  files: Schema.optionalKey(
    Schema.Struct({ total: Schema.Int, delivered: Schema.Int }).annotate({
      description: "Known once the export is ready"
    })
  ),
  bytes: Schema.optionalKey(
    Schema.Struct({
      total: Schema.Finite,
      delivered: Schema.Finite.annotate({ description: "In published files" }),
      stored: Schema.optionalKey(
        Schema.Finite.annotate({ description: "In parts of files that are not published, where the target tells" })
      )
    })
  ),
  failure: Schema.optionalKey(Failure.annotate({ description: "Why it runs no more" }))
})

/**
 * What {@link RunStatus} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type RunStatus = typeof RunStatus.Type

/**
 * There is no run of this id: it never was, or its rows were removed after their time.
 *
 * @since 0.1.0
 * @category errors
 */
export class RunNotFound extends Schema.TaggedError<RunNotFound>()("RunNotFound", { id: Schema.String }) {
  override get message(): string {
    return `The cluster has no run ${this.id}.`
  }
  readonly retryable = false
  get nextStep(): string {
    return "longshore cluster list shows the runs. Finished ones are removed after a while; submit the export again for a new one."
  }
}

/**
 * Which runs are listed: the latest first.
 *
 * @since 0.1.0
 * @category models
 */
export interface ListOptions {
  readonly account?: string
  readonly state?: RunStatus["state"]
  /** Default 100. */
  readonly limit?: number
  /** Only those that were submitted before this one: the next page. */
  readonly before?: string
}
