/**
 * A cluster's exports over HTTP, for whoever has no route to its database: the API as a document. `ClusterServer` serves it,
 * `ClusterClient` asks it.
 *
 * @since 0.1.0
 */
import { ExportId, ExportRequest } from "@longshore/core/Export"
import { InvalidRequest } from "@longshore/core/ExportError"
import { ObjectKey } from "@longshore/core/ObjectSink"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { RunNotFound, RunStatus } from "./RunStatus.ts"

/** How patiently: said when a run is submitted, and anew when it is resumed. */
const policy = {
  onBusy: Schema.optionalKey(
    Schema.Literals(["auto", "fail", "wait"]).annotate({
      description: "When an export of the type is running that this cluster does not know of. Default: wait"
    })
  ),
  onExpired: Schema.optionalKey(
    Schema.Literals(["fail", "renew"]).annotate({
      description: "When the export failed or its files are gone: fail, or ask for another. Default: fail"
    })
  ),
  maxWait: Schema.optionalKey(
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 31_536_000_000 })).annotate({
      description:
        "Milliseconds that it may wait for the slot and for the export, from now or from when it is resumed. Default: as long as it takes"
    })
  ),
  poll: Schema.optionalKey(
    Schema.Finite.check(Schema.isBetween({ minimum: 100, maximum: 86_400_000 })).annotate({
      description: "Milliseconds between looks. Default: quick at first, then up to five minutes"
    })
  ),
  partSize: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 1024, maximum: 2 ** 30 })).annotate({
      description: "Bytes of one request for a part of a file"
    })
  )
}

/**
 * What a client submits. Where it goes and whom it asks is the cluster's: a client can neither write outside of the
 * cluster's target nor send the cluster's tokens elsewhere.
 *
 * @since 0.1.0
 * @category models
 */
export const Submission = Schema.Struct({
  account: Schema.NonEmptyString.annotate({ description: "An account of the cluster's configuration" }),
  request: ExportRequest.annotate({
    identifier: "ExportRequest",
    description: "What to export, as the Connector API names it"
  }),
  path: Schema.optionalKey(
    ObjectKey.annotate({ description: "Where to, below the cluster's target. Default: the account's name" })
  ),
  occasion: Schema.optionalKey(
    Schema.NonEmptyString.check(Schema.isMaxLength(200)).annotate({
      description: "Tells this run from an earlier one of the same. The same again is the same run"
    })
  ),
  exportId: Schema.optionalKey(
    ExportId.annotate({ description: "An export that exists and is taken up instead of asking for one" })
  ),
  ...policy
}).annotate({ identifier: "Submission" })

/**
 * What {@link Submission} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type Submission = typeof Submission.Type

/**
 * There was no token, or it is not the cluster's.
 *
 * @since 0.1.0
 * @category errors
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()(
  "Unauthorized",
  { problem: Schema.String },
  { httpApiStatus: 401, description: "There was no token, or it is not the cluster's" }
) {
  override get message(): string {
    return `The cluster refused the request: ${this.problem}.`
  }
  readonly retryable = false
  get nextStep(): string {
    return "Set LONGSHORE_CLUSTER_TOKEN to the token that the cluster's runners have."
  }
}

/**
 * The cluster's HTTP front could not be asked, or it could not ask its database in time. Nothing is lost: submitting the
 * same again joins the run, if it was submitted.
 *
 * @since 0.1.0
 * @category errors
 */
export class ClusterUnavailable extends Schema.TaggedError<ClusterUnavailable>()(
  "ClusterUnavailable",
  { problem: Schema.String },
  { httpApiStatus: 503, description: "The cluster's database did not answer in time" }
) {
  override get message(): string {
    return `The cluster cannot be asked: ${this.problem}.`
  }
  readonly retryable = true
  get nextStep(): string {
    return "Check the server's address and that a runner is up, then run the same command again: nothing is submitted twice."
  }
}

const Invalid = InvalidRequest.pipe(HttpApiSchema.status(400)).annotate({
  description: "The request is wrong: which part of it, and why"
})

const NotFound = RunNotFound.pipe(HttpApiSchema.status(404)).annotate({
  description: "There is no such run, or its rows were removed after their time"
})

const Status = RunStatus.annotate({ identifier: "RunStatus", description: "How far a run is" })

const bearer: HttpApiSecurity.Http = HttpApiSecurity.annotate(
  HttpApiSecurity.bearer,
  OpenApi.Description,
  "The token of the cluster's runners"
)

/**
 * Who may ask: whoever shows the token.
 *
 * @since 0.1.0
 * @category middleware
 */
export class Authorization extends HttpApiMiddleware.Service<Authorization>()(
  "@longshore/workflow/ClusterApi/Authorization",
  {
    security: { bearer },
    error: Unauthorized
  }
) {}

/**
 * Every failure of a request is one of the API's errors, in JSON.
 *
 * @since 0.1.0
 * @category middleware
 */
export class Failures extends HttpApiMiddleware.Service<Failures>()("@longshore/workflow/ClusterApi/Failures", {
  error: [Invalid, ClusterUnavailable]
}) {}

const about = (summary: string, description?: string) =>
  OpenApi.annotations(description === undefined ? { summary } : { summary, description })

const id = Schema.NonEmptyString.annotate({ description: "A run's id" })

/**
 * How many seconds one request may wait: a proxy or a load balancer on the way gives up on longer ones.
 *
 * @since 0.1.0
 * @category limits
 */
export const longestWait = 60

const seconds = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: longestWait }))

class Runs extends HttpApiGroup.make("exports")
  .add(
    HttpApiEndpoint.post("submit", "/exports", { payload: Submission, success: Status, error: Invalid }).annotateMerge(
      about(
        "Begin an export",
        "Gives the run's status at once; it goes on in the cluster. The same again joins the run. If that has failed or was cancelled, it goes on, as patiently as is said now."
      )
    ),
    HttpApiEndpoint.get("list", "/exports", {
      query: {
        account: Schema.optionalKey(Schema.NonEmptyString.annotate({ description: "Only of this account" })),
        state: Schema.optionalKey(
          Schema.Literals(["running", "failed", "cancelled", "complete"]).annotate({
            description: "Only in this state"
          })
        ),
        limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))),
        before: Schema.optionalKey(
          Schema.NonEmptyString.annotate({
            description: "Only those that were submitted before this run: the next page"
          })
        )
      },
      success: Schema.Struct({ runs: Schema.Array(Status) }).annotate({
        identifier: "RunList",
        description: "The runs, the latest first"
      }),
      error: NotFound
    }).annotateMerge(about("List exports", "The latest first. `limit`: 1 to 1000 runs, 100 unless it is given.")),
    HttpApiEndpoint.get("status", "/exports/:id", { params: { id }, success: Status, error: NotFound }).annotateMerge(
      about("How far an export is")
    ),
    HttpApiEndpoint.get("wait", "/exports/:id/wait", {
      params: { id },
      query: { timeout: Schema.optionalKey(seconds) },
      success: Status,
      error: NotFound
    }).annotateMerge(
      about(
        "Wait for an export",
        "Gives the status once the run runs no more, or when the time is over, whatever it is then: ask again while its state is `running`. `timeout`: 0 to 60 seconds, 30 unless it is given."
      )
    ),
    HttpApiEndpoint.post("cancel", "/exports/:id/cancel", {
      params: { id },
      success: Status,
      error: NotFound
    }).annotateMerge(
      about(
        "Stop an export",
        "It stops within seconds, so the status may still say `running`. What is delivered stays."
      )
    ),
    HttpApiEndpoint.post("resume", "/exports/:id/resume", {
      params: { id },
      query: policy,
      success: Status,
      error: NotFound
    }).annotateMerge(
      about(
        "Go on with an export that failed or was cancelled",
        "As patiently as it was told before, but for what the query says: with `onExpired=renew` it asks for another export in place of one that is gone. One that runs or is complete is left alone."
      )
    )
  )
  .middleware(Failures)
  .middleware(Authorization)
  .annotateMerge(OpenApi.annotations({ title: "Exports", description: "The runs of the cluster" })) {}

class Operation extends HttpApiGroup.make("operation")
  .add(
    HttpApiEndpoint.get("health", "/health", {
      success: Schema.Struct({ status: Schema.Literal("ok") }).annotate({
        identifier: "Health",
        description: "It answers"
      }),
      error: ClusterUnavailable
    }).annotateMerge(about("Whether the cluster's database answers", "Needs no token.")),
    HttpApiEndpoint.get("metrics", "/metrics", {
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
    })
      .middleware(Authorization)
      .annotateMerge(about("Metrics of this runner", "In the text format of Prometheus."))
  )
  .annotateMerge(OpenApi.annotations({ title: "Operation", description: "For those who run the cluster" })) {}

/**
 * The API, as Effect describes it: for a client, a mock or a document of your own.
 *
 * @example Its OpenAPI document
 * ```ts
 * import { ClusterApi } from "@longshore/workflow"
 * import { OpenApi } from "effect/http-api"
 *
 * const { paths } = OpenApi.fromApi(ClusterApi.api)
 * paths["/exports/{id}/wait"]?.get?.summary // => "Wait for an export"
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const api = HttpApi.make("Longshore")
  .add(Runs)
  .add(Operation)
  // A word that is misspelt would otherwise be a wish that nobody hears.
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error" })
  .annotate(HttpApi.QueryParseOptions, { onExcessProperty: "error" })
  .annotateMerge(
    OpenApi.annotations({
      title: "Longshore cluster",
      version: "1",
      description: "Exports of the Mews Connector API, delivered into the storage of a cluster of Longshore's runners."
    })
  )
