/**
 * A cluster's exports over HTTP, for whoever has no route to its database: the API as a document, the server of it that
 * a runner has, and its client.
 *
 * @since 0.1.0
 */
import * as ConnectError from "@longshore/core/ConnectError"
import { ExportId, ExportRequest } from "@longshore/core/Export"
import { InvalidRequest } from "@longshore/core/ExportError"
import { ObjectKey } from "@longshore/core/ObjectSink"
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { ExportCluster, type ListOptions, RunNotFound, RunStatus } from "./ExportCluster.ts"
import type { ExportTask } from "./ExportWorkflow.ts"

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

class Authorization extends HttpApiMiddleware.Service<Authorization>()("@longshore/workflow/ClusterApi/Authorization", {
  security: { bearer },
  error: Unauthorized
}) {}

/** Every failure of a request is one of the API's errors, in JSON. */
class Failures extends HttpApiMiddleware.Service<Failures>()("@longshore/workflow/ClusterApi/Failures", {
  error: [Invalid, ClusterUnavailable]
}) {}

const about = (summary: string, description?: string) =>
  OpenApi.annotations(description === undefined ? { summary } : { summary, description })

const id = Schema.NonEmptyString.annotate({ description: "A run's id" })

/** A proxy or a load balancer on the way gives up on longer ones. */
const longestWait = 60

const seconds = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: longestWait }))

class Runs extends HttpApiGroup.make("exports")
  .add(
    HttpApiEndpoint.post("submit", "/exports", { payload: Submission, success: Status, error: Invalid }).annotateMerge(
      about(
        "Begin an export",
        "Gives the run's status at once; it goes on in the cluster. The same again joins the run. If that has failed or was cancelled, it goes on."
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
      success: Status,
      error: NotFound
    }).annotateMerge(
      about("Go on with an export that failed or was cancelled", "One that runs or is complete is left alone.")
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

/**
 * What only the program knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterApiOptions {
  /** Whoever has it may do everything. At least 16 characters. */
  readonly token: Redacted.Redacted
  /**
   * Makes of a client's wish what is to be done: the account's address from the configuration, and the target below that
   * of the runners.
   */
  readonly tasks: (submission: Submission) => Effect.Effect<ExportTask, InvalidRequest>
  /** How long the database may take to answer. Default 10 seconds. */
  readonly patience?: Duration.Input
}

/**
 * Serves the API. Besides the routes of {@link api} there is its document at `/openapi.json`. Fails if the token is too
 * short to be one.
 *
 * @example A runner's front
 * ```ts no-run
 * import { NodeHttpServer } from "@effect/platform-node"
 * import { Account, ClusterApi } from "@longshore/workflow"
 * import { Effect, Layer, Redacted } from "effect"
 * import { createServer } from "node:http"
 *
 * const front = Layer.unwrap(
 *   Effect.map(Account.Accounts, (accounts) =>
 *     ClusterApi.layer({
 *       token: Redacted.make(process.env["CLUSTER_TOKEN"] ?? ""),
 *       tasks: ({ path, ...submission }) =>
 *         Effect.map(accounts.platformAddress(submission.account), (platformAddress) => ({
 *           ...submission,
 *           platformAddress,
 *           target: `s3://bucket/mews/${path ?? submission.account}`
 *         }))
 *     })
 *   )
 * ).pipe(Layer.provide(NodeHttpServer.layer(createServer, { port: 8080, gracefulShutdownTimeout: "2 seconds" })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = ({
  patience = "10 seconds",
  tasks,
  token
}: ClusterApiOptions): Layer.Layer<never, InvalidRequest, ExportCluster | HttpServer.HttpServer> => {
  const away = (more: Duration.Input = 0) =>
    Effect.timeoutOrElse({
      duration: Duration.sum(Duration.fromInputUnsafe(patience), Duration.fromInputUnsafe(more)),
      orElse: () => Effect.fail(new ClusterUnavailable({ problem: "its database does not answer" }))
    })

  const runs = HttpApiBuilder.group(api, "exports", (handlers) =>
    Effect.map(ExportCluster, (cluster) =>
      handlers.handleAll({
        submit: ({ payload }) => Effect.flatMap(tasks(payload), cluster.submit).pipe(away()),
        list: ({ query }) =>
          cluster.list(query).pipe(
            Effect.map((runs) => ({ runs })),
            away()
          ),
        status: ({ params }) => cluster.status(params.id).pipe(away()),
        wait: ({ params, query: { timeout = 30 } }) =>
          cluster.wait(params.id, Duration.seconds(timeout)).pipe(away(Duration.seconds(timeout))),
        cancel: ({ params }) => Effect.andThen(cluster.cancel(params.id), cluster.status(params.id)).pipe(away()),
        resume: ({ params }) => Effect.andThen(cluster.resume(params.id), cluster.status(params.id)).pipe(away())
      })
    )
  )

  const operation = HttpApiBuilder.group(api, "operation", (handlers) =>
    Effect.gen(function* () {
      const cluster = yield* ExportCluster
      // Everybody may ask, so not each time the database.
      const health = yield* cluster.list({ limit: 1 }).pipe(
        Effect.as({ status: "ok" as const }),
        away(),
        Effect.sandbox,
        Effect.mapError(() => new ClusterUnavailable({ problem: "its database does not answer" })),
        Effect.cachedWithTTL("1 second")
      )
      return handlers.handleAll({ health: () => health, metrics: () => PrometheusMetrics.format() })
    })
  )

  return HttpRouter.serve(
    HttpApiBuilder.layer(api, { openapiPath: "/openapi.json" }).pipe(
      Layer.provide([runs, operation]),
      Layer.provide([failures, authorization(token)])
    ),
    { disableLogger: true, disableListenLog: true }
  ).pipe(Layer.provide(HttpServer.layerServices))
}

/** Larger than any request that is meant. */
const largestBody = ByteSize.mebibytes(1)

const failures = Layer.succeed(Failures, (answer) =>
  Effect.provideService(answer, HttpIncomingMessage.MaxBodySize, largestBody).pipe(
    Effect.filterOrFail(
      ({ status }) => status !== 415,
      () => new InvalidRequest({ parameter: "content-type", problem: "the body has to be application/json" })
    ),
    Effect.catch((error) => (HttpApiSchemaError.is(error) ? invalid(error) : Effect.fail(error))),
    Effect.catchDefect(
      (defect): Effect.Effect<HttpServerResponse.HttpServerResponse, InvalidRequest | ClusterUnavailable> => {
        if (tagOf(defect) === "SqlError" || tagOf(defect) === "PersistenceError") {
          return Effect.fail(new ClusterUnavailable({ problem: "its database does not answer" }))
        }
        if (tagOf(defect) === "HttpServerError") {
          return Effect.fail(
            new InvalidRequest({ parameter: "the body", problem: "it could not be read, or is larger than 1 MiB" })
          )
        }
        return Effect.as(Effect.logError("a request failed unexpectedly", Cause.die(defect)), unexpected)
      }
    )
  )
)

const unexpected = HttpServerResponse.jsonUnsafe(
  { _tag: "Unexpected", problem: "the runner's log has more" },
  { status: 500 }
)

const tagOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "_tag" in value ? value._tag : undefined

const issues = SchemaIssue.makeFormatterStandardSchemaV1()

const slots: { readonly [kind in HttpApiSchemaError["kind"]]?: string } = {
  Payload: "the body",
  Query: "the query",
  Params: "the path"
}

/** What is wrong with a request, in the words of its first mistake. An answer that is none is a mistake of ours. */
const invalid = (error: HttpApiSchemaError): Effect.Effect<never, InvalidRequest> => {
  const slot = slots[error.kind]
  if (slot === undefined) return Effect.die(error)
  const [issue] = issues(error.cause.issue).issues
  const path = (issue?.path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment))
  return Effect.fail(
    new InvalidRequest({
      parameter: path.length === 0 ? slot : path.join("."),
      problem: (issue?.message ?? "it cannot be read").replace(/\.$/, "")
    })
  )
}

/** Web Crypto compares in constant time: of a token that is wrong nobody learns how far it is right. */
const authorization = (token: Redacted.Redacted): Layer.Layer<Authorization, InvalidRequest> =>
  Layer.effect(
    Authorization,
    Effect.gen(function* () {
      if (Redacted.value(token).length < 16) {
        return yield* new InvalidRequest({
          parameter: "the cluster's token",
          problem: "it is shorter than 16 characters; openssl rand -hex 32 makes one"
        })
      }
      const mac = yield* Mac.Mac
      const bytes = (secret: Redacted.Redacted) => new TextEncoder().encode(Redacted.value(secret))
      const key = yield* Effect.orDie(mac.generateKey(Mac.hmacSha256))
      const expected = yield* Effect.orDie(mac.sign(key, bytes(token)))
      return Authorization.of({
        bearer: Effect.fnUntraced(function* (answer, { credential }) {
          if (yield* Effect.orDie(mac.verify(key, expected, bytes(credential)))) return yield* answer
          yield* HttpEffect.appendPreResponseHandler((_, response) =>
            Effect.succeed(HttpServerResponse.setHeader(response, "www-authenticate", 'Bearer realm="longshore"'))
          )
          return yield* new Unauthorized({
            problem: Redacted.value(credential) === "" ? "it came without a token" : "its token is not the cluster's"
          })
        })
      })
    })
  ).pipe(Layer.provide(Mac.layerWebCrypto), Layer.provide(SecureRandom.layerWebCrypto))

/**
 * The cluster, for a client: what {@link api} has, with everything that can go wrong on the way as `ClusterUnavailable`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Client {
  /** Begins a run, or joins it. */
  readonly submit: (submission: Submission) => Effect.Effect<RunStatus, InvalidRequest | ClientError>
  readonly status: (id: string) => Effect.Effect<RunStatus, RunNotFound | ClientError>
  /** The status once it runs no more, or after `timeout`, at most a minute (default 30 seconds), whatever it is. */
  readonly wait: (id: string, timeout?: Duration.Input) => Effect.Effect<RunStatus, RunNotFound | ClientError>
  /** Stops it within seconds. */
  readonly cancel: (id: string) => Effect.Effect<RunStatus, RunNotFound | ClientError>
  /** Goes on with a run that failed or was cancelled. */
  readonly resume: (id: string) => Effect.Effect<RunStatus, RunNotFound | ClientError>
  /** The latest first. */
  readonly list: (options?: ListOptions) => Effect.Effect<ReadonlyArray<RunStatus>, RunNotFound | ClientError>
}

/**
 * How every request of a {@link Client} can fail. `InvalidRequest` also where the server does not know what this client
 * asks.
 *
 * @since 0.1.0
 * @category errors
 */
export type ClientError = InvalidRequest | Unauthorized | ClusterUnavailable

/**
 * Where a cluster is, and what it knows us by.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientOptions {
  /** Scheme, host and port, such as `https://longshore.example.com`. */
  readonly url: string
  readonly token: Redacted.Redacted
  /** Whether the token may be sent over plain `http:` to another machine, where the network is trusted. Default `false`. */
  readonly plainHttp?: boolean
  /** How long an answer may take, apart from what it was asked to wait. Default 30 seconds. */
  readonly timeout?: Duration.Input
}

/**
 * A client of a cluster's HTTP front. Fails if the address is none that the token may be sent to.
 *
 * @example Submit, and wait
 * ```ts no-run
 * import { ClusterApi } from "@longshore/workflow"
 * import { Effect, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const program = Effect.gen(function* () {
 *   const cluster = yield* ClusterApi.client({
 *     url: "https://longshore.example.com",
 *     token: Redacted.make(process.env["LONGSHORE_CLUSTER_TOKEN"] ?? "")
 *   })
 *   let run = yield* cluster.submit({ account: "lisbon", request: { entityType: "Reservation" } })
 *   while (run.state === "running") run = yield* cluster.wait(run.id)
 *   return run
 * })
 * await Effect.runPromise(Effect.provide(program, FetchHttpClient.layer))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const client = Effect.fnUntraced(function* ({
  plainHttp = false,
  timeout = "30 seconds",
  token,
  url
}: ClientOptions): Effect.fn.Return<Client, InvalidRequest, HttpClient.HttpClient> {
  const baseUrl = yield* address(url, plainHttp)
  const { exports } = yield* HttpApiClient.make(api, {
    baseUrl,
    transformClient: (client) =>
      client.pipe(
        HttpClient.mapRequest(HttpClientRequest.bearerToken(token)),
        // `fetch` would follow a redirect to wherever it leads.
        HttpClient.transformResponse(Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }))
      )
  })

  const away = (problem: string) => new ClusterUnavailable({ problem: `${baseUrl} ${problem}` })

  const asked =
    (more: Duration.Input = 0) =>
    <A, E extends ClientError | RunNotFound>(
      request: Effect.Effect<A, E | HttpClientError.HttpClientError | Schema.SchemaError>
    ): Effect.Effect<A, E | ClusterUnavailable> =>
      request.pipe(
        Effect.timeoutOrElse({
          duration: Duration.sum(Duration.fromInputUnsafe(timeout), Duration.fromInputUnsafe(more)),
          orElse: () => Effect.fail(away("does not answer"))
        }),
        Effect.mapError((error) => {
          if (HttpClientError.isHttpClientError(error)) return away(problemOf(error))
          if (Schema.isSchemaError(error)) return away("answers with something that this version does not understand")
          return error
        })
      )

  return {
    submit: (payload) => exports.submit({ payload }).pipe(asked()),
    status: (id) => exports.status({ params: { id } }).pipe(asked()),
    wait: (id, wait = "30 seconds") => {
      const seconds = Math.min(Duration.toSeconds(wait), longestWait)
      return exports.wait({ params: { id }, query: { timeout: seconds } }).pipe(asked(Duration.seconds(seconds)))
    },
    cancel: (id) => exports.cancel({ params: { id } }).pipe(asked()),
    resume: (id) => exports.resume({ params: { id } }).pipe(asked()),
    list: (query = {}) =>
      exports.list({ query }).pipe(
        Effect.map(({ runs }) => runs),
        asked()
      )
  }
})

/** The error holds the request and its token: only what is known about the connection goes on. */
const problemOf = ({ reason }: HttpClientError.HttpClientError): string => {
  if ("response" in reason)
    return `answered HTTP ${reason.response.status} with something that is no answer of a cluster`
  const known = ConnectError.find("cause" in reason ? reason.cause : undefined)
  return `does not answer: ${typeof known === "object" ? known.problem : ConnectError.describe(known)}`
}

/** The token is as good as the tokens of all accounts: in clear text only where nobody can listen, or where it is wished. */
const address = Effect.fnUntraced(function* (
  text: string,
  plainHttp: boolean
): Effect.fn.Return<string, InvalidRequest> {
  const url = URL.parse(text)
  const bad = (problem: string) => new InvalidRequest({ parameter: "the server's address", problem })
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    return yield* bad(`"${text}" is not an address such as https://longshore.example.com`)
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    return yield* bad("it must hold neither credentials nor a query")
  }
  if (url.protocol === "http:" && !plainHttp && !["127.0.0.1", "localhost", "[::1]"].includes(url.hostname)) {
    return yield* bad(
      "the token is not sent over plain http: to another machine; use https:, or allow it in a network that you trust"
    )
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`
})
