/**
 * The HTTP front of a cluster: what a runner serves of `ClusterApi.api`, and its document.
 *
 * @since 0.1.0
 */
import { InvalidRequest } from "@longshore/core/ExportError"
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Redacted from "effect/Redacted"
import * as SchemaIssue from "effect/SchemaIssue"
import { api, Authorization, ClusterUnavailable, Failures, type Submission, Unauthorized } from "./ClusterApi.ts"
import { ExportCluster } from "./ExportCluster.ts"
import type { ExportTask } from "./ExportTask.ts"

/**
 * What only the program knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterServerOptions {
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
 * Serves the API. Besides the routes of `ClusterApi.api` there is its document at `/openapi.json`. Fails if the token is too
 * short to be one.
 *
 * @example A runner's front
 * ```ts no-run
 * import { NodeHttpServer } from "@effect/platform-node"
 * import { Account, ClusterServer } from "@longshore/workflow"
 * import { Effect, Layer, Redacted } from "effect"
 * import { createServer } from "node:http"
 *
 * const front = Layer.unwrap(
 *   Effect.map(Account.Accounts, (accounts) =>
 *     ClusterServer.layer({
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
}: ClusterServerOptions): Layer.Layer<never, InvalidRequest, ExportCluster | HttpServer.HttpServer> => {
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
        resume: ({ params, query }) =>
          Effect.andThen(cluster.resume(params.id, query), cluster.status(params.id)).pipe(away())
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
