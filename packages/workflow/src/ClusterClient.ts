/**
 * A client of a cluster's HTTP front. It loads nothing of the engine.
 *
 * @since 0.1.0
 */
import * as ConnectError from "@longshore/core/ConnectError"
import { InvalidRequest } from "@longshore/core/ExportError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { api, ClusterUnavailable, longestWait, type Submission, type Unauthorized } from "./ClusterApi.ts"
import type { RunPolicy } from "./ExportTask.ts"
import type { ListOptions, RunNotFound, RunStatus } from "./RunStatus.ts"

/**
 * The cluster, for a client: what `ClusterApi.api` has, with everything that can go wrong on the way as `ClusterUnavailable`.
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
  /** Goes on with a run that failed or was cancelled, with what is said of its policy. */
  readonly resume: (id: string, policy?: RunPolicy) => Effect.Effect<RunStatus, RunNotFound | ClientError>
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
 * import { ClusterClient } from "@longshore/workflow"
 * import { Effect, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const program = Effect.gen(function* () {
 *   const cluster = yield* ClusterClient.make({
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
export const make = Effect.fnUntraced(function* ({
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
    resume: (id, query = {}) => exports.resume({ params: { id }, query }).pipe(asked()),
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
