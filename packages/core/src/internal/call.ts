/** One POST to the API: credentials in, limiter before, refusals as typed errors after. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Stream from "effect/Stream"
import { ErrorResponse } from "../ConnectorApi.ts"
import {
  AccessDenied,
  ApiUnavailable,
  InvalidRequest,
  RateLimited,
  RequestRejected,
  UnexpectedResponse
} from "../ExportError.ts"
import type { ExportsOptions } from "../Exports.ts"
import { isPermanent, quote, redirectsAsAnswers, repeats, retryAfter, transportProblem, wasNotSent } from "./http.ts"
import * as Metrics from "./metrics.ts"

/** The decoded form of a schema of the wire. */
export type Answer<S extends Schema.Constraint> = S["Type"]

interface Operation<S extends Schema.Codec<unknown, unknown>> {
  readonly operation: "add" | "getAll"
  readonly path: string
  readonly body: object
  readonly response: S
}

type CallError = AccessDenied | RequestRejected | RateLimited | ApiUnavailable | UnexpectedResponse

export type Call = <S extends Schema.Codec<any, any>>(operation: Operation<S>) => Effect.Effect<S["Type"], CallError>

/** An answer with tens of thousands of links is below this; a hostile one, which takes 30 times as much once it is parsed, must not fill the memory. */
const maxBody = 32 * 1024 * 1024

const issues = SchemaIssue.makeFormatterStandardSchemaV1()

export const make = Effect.fnUntraced(function* (
  options: ExportsOptions
): Effect.fn.Return<Call, InvalidRequest, HttpClient.HttpClient | RateLimiter.RateLimiter> {
  const limiter = yield* RateLimiter.RateLimiter
  const base = yield* platformAddress(options.platformAddress)
  const host = new URL(base).hostname
  for (const [name, token] of [
    ["the client token", options.clientToken],
    ["the access token", options.accessToken]
  ] as const) {
    if (Redacted.value(token).trim() === "")
      return yield* new InvalidRequest({ parameter: name, problem: "it is empty" })
  }
  // Bodies hold tokens: no span, no propagated header, no error that carries the request.
  const client = (yield* HttpClient.HttpClient).pipe(
    redirectsAsAnswers,
    HttpClient.transformResponse(Effect.provideService(HttpClient.TracerDisabledWhen, () => true))
  )
  const credentials = {
    ClientToken: Redacted.value(options.clientToken),
    AccessToken: Redacted.value(options.accessToken),
    Client: options.client ?? "Longshore 0.1.0",
    ...(options.locale === undefined
      ? {}
      : { LanguageCode: options.locale.languageCode, CultureCode: options.locale.cultureCode })
  }
  const limit = RateLimiter.sleep(limiter)({
    algorithm: "token-bucket",
    key: "connector-api",
    limit: options.rateLimit?.limit ?? 100,
    window: options.rateLimit?.window ?? "30 seconds"
  })
  // After a 429 nobody who shares these tokens asks before the API said.
  let closedUntil = 0

  const tokens = [credentials.ClientToken, credentials.AccessToken]

  const exchange = Effect.fnUntraced(
    function* <S extends Schema.Codec<any, any>>({ body, operation, path, response: schema }: Operation<S>) {
      const request = HttpClientRequest.post(`${base}${path}`).pipe(
        HttpClientRequest.acceptJson,
        HttpClientRequest.bodyJsonUnsafe({ ...credentials, ...body })
      )
      const response = yield* client.execute(request)
      // A refusal counts by its status, even if its body cannot be read.
      const read = bodyText(response, operation)
      const text = yield* response.status === 200 ? read : Effect.orElseSucceed(read, () => "")
      const said = Option.getOrUndefined(decodeError(text))
      const requestId = response.headers["request-id"] ?? said?.RequestId ?? undefined
      const status = response.status
      const answer = {
        operation,
        status,
        ...(requestId === undefined ? {} : { requestId: quote(requestId, tokens) }),
        ...(said?.Message ? { apiMessage: quote(said.Message, tokens) } : {})
      }
      if (status === 200) {
        const json = yield* Effect.try({
          try: (): unknown => JSON.parse(text),
          catch: () => new UnexpectedResponse({ ...answer, problem: "the body is not JSON" })
        })
        // Paths of files and the like are remembered and shown: a token that is in one of them would be as well.
        if (repeats(JSON.stringify(json), tokens)) {
          return yield* new UnexpectedResponse({ ...answer, problem: "the body repeats a token" })
        }
        return yield* Schema.decodeUnknownEffect(schema)(json).pipe(
          Effect.mapError((error) => {
            // The path alone: the value may be a link.
            const where = (issues(error.issue).issues[0]?.path ?? [])
              .map((key) => (typeof key === "object" ? String(key.key) : String(key)))
              .join(".")
            return new UnexpectedResponse({
              ...answer,
              problem: `the JSON is not of the documented shape at "${where}"`
            })
          })
        )
      }
      if (status < 400) {
        const problem = status < 300 ? "only 200 is documented" : "it redirects, and tokens go nowhere else"
        return yield* new UnexpectedResponse({ ...answer, problem })
      }
      if (status === 401 || (status === 403 && operation === "getAll")) return yield* new AccessDenied(answer)
      if (status === 429) {
        const after = yield* retryAfter(response.headers)
        const now = steady(yield* Clock.Clock).currentTimeMillisUnsafe()
        if (after !== undefined) closedUntil = Math.max(closedUntil, now + after)
        return yield* new RateLimited({ ...answer, ...(after === undefined ? {} : { retryAfter: after }) })
      }
      if (status === 408 || status >= 500 || (status === 409 && operation === "getAll")) {
        return yield* new ApiUnavailable({ ...answer, problem: `it answered HTTP ${status}`, sent: true })
      }
      return yield* new RequestRejected(answer)
    },
    (effect, { operation }) =>
      effect.pipe(
        Effect.scoped,
        Effect.timeoutOrElse({
          duration: options.timeout ?? Duration.minutes(1),
          orElse: () => Effect.fail(new ApiUnavailable({ operation, problem: "no answer in time", sent: true }))
        }),
        Effect.catchTag("HttpClientError", (error: HttpClientError.HttpClientError) =>
          Effect.fail(
            new ApiUnavailable({
              operation,
              problem: transportProblem(error),
              sent: !wasNotSent(error),
              ...(isPermanent(error) ? { permanent: true } : {})
            })
          )
        ),
        (effect) => measured({ host, operation }, effect)
      )
  )

  return Effect.fnUntraced(function* (operation) {
    const clock = steady(yield* Clock.Clock)
    const wait = closedUntil - clock.currentTimeMillisUnsafe()
    // An absurd Retry-After has failed its own request; the next one may try and be told again.
    if (wait > 0 && wait <= Duration.toMillis("5 minutes")) yield* Effect.sleep(Duration.millis(wait))
    yield* Effect.provideService(Effect.orDie(limit), Clock.Clock, clock)
    return yield* exchange(operation)
  })
})

const measured = Effect.fnUntraced(function* <A, R>(
  about: { readonly host: string; readonly operation: string },
  exchange: Effect.Effect<A, CallError, R>
) {
  const { currentTimeMillis } = steady(yield* Clock.Clock)
  const began = yield* currentTimeMillis
  return yield* Effect.onExit(exchange, (exit) =>
    Effect.flatMap(currentTimeMillis, (now) =>
      Metrics.request(
        about,
        now - began,
        Exit.isSuccess(exit)
          ? { status: 200 }
          : { status: Option.getOrUndefined(Exit.findErrorOption(exit))?.status, cause: exit.cause }
      )
    )
  )
})

const decodeError = Schema.decodeUnknownOption(Schema.fromJsonString(ErrorResponse))

const bodyText = (response: HttpClientResponse.HttpClientResponse, operation: "add" | "getAll") =>
  Stream.runFoldEffect(
    response.stream,
    () => ({ size: 0, chunks: new Array<Uint8Array>() }),
    (body, chunk) => {
      body.size += chunk.length
      body.chunks.push(chunk)
      return body.size <= maxBody
        ? Effect.succeed(body)
        : Effect.fail(
            new UnexpectedResponse({ operation, status: response.status, problem: "it is larger than 32 MiB" })
          )
    }
  ).pipe(
    Effect.map(({ chunks }) => {
      const decoder = new TextDecoder()
      return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode()
    })
  )

const platformAddress = Effect.fnUntraced(function* (address: string): Effect.fn.Return<string, InvalidRequest> {
  const url = URL.parse(address)
  const bad = (problem: string) => new InvalidRequest({ parameter: "the platform address", problem })
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    return yield* bad(`"${address}" is not an address such as https://api.mews.com`)
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    return yield* bad("it must hold neither credentials nor a query")
  }
  // Tokens in clear text only where nobody can listen.
  if (url.protocol === "http:" && !["127.0.0.1", "localhost", "[::1]"].includes(url.hostname)) {
    return yield* bad("tokens are not sent over plain http: to another machine; use https:")
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`
})

/** A clock that counts on when somebody sets the time back: a limit is about time that passes. */
const steady = (clock: Clock.Clock): Clock.Clock => {
  const nanos = () => clock.monotonicTimeNanosUnsafe()
  const millis = () => Number(nanos() / 1_000_000n)
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) => clock.sleep(duration)
  }
}
