/**
 * The simulator as an `HttpClient` in memory: for tests, on any clock.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Simulator, type SimulatorAnswer } from "./Simulator.ts"

const chunkSize = 64 * 1024

/**
 * An `HttpClient` whose other side is the simulator, whatever the address: no sockets, and bytes that arrive when the test's
 * clock says so. A connection that is cut is a `TransportError` with the code `ECONNRESET`, as one of Node.js.
 *
 * @example
 * ```ts
 * import { Simulator, SimulatorHttpClient } from "@longshore/simulator"
 * import { Effect, Layer } from "effect"
 * import { HttpClient } from "effect/http"
 *
 * const client = Layer.provide(SimulatorHttpClient.layer, Simulator.layer())
 *
 * const program = Effect.map(HttpClient.post("https://api.mews.com/api/connector/v1/exports/add"), ({ status }) => status)
 * await Effect.runPromise(Effect.provide(program, client)) // => 415
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient.HttpClient, never, Simulator> = Layer.effect(
  HttpClient.HttpClient,
  Effect.gen(function* () {
    const simulator = yield* Simulator
    return HttpClient.make((request, url, signal) =>
      Effect.gen(function* () {
        const answer = yield* simulator.handle({
          method: request.method,
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          headers: { ...request.headers, ...contentType(request) },
          body: request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
        })
        yield* Effect.onInterrupt(Effect.sleep(answer.delay), () => answer.sent(0))
        if (answer.ending === "nothing") {
          yield* answer.sent(0)
          return yield* cut(request)
        }
        return respond(request, answer, signal)
      })
    )
  })
)

const contentType = (request: HttpClientRequest.HttpClientRequest) =>
  "contentType" in request.body && request.body.contentType !== undefined
    ? { "content-type": request.body.contentType }
    : {}

const cut = (request: HttpClientRequest.HttpClientRequest) =>
  Effect.fail(
    new HttpClientError.HttpClientError({
      reason: new HttpClientError.TransportError({
        request,
        cause: Object.assign(new Error("The connection was cut."), { code: "ECONNRESET" })
      })
    })
  )

/**
 * The body comes in the fiber that reads it: a stream of the platform would need turns of the event loop, and its bytes
 * would arrive at times that no clock of a test decides.
 */
const respond = (
  request: HttpClientRequest.HttpClientRequest,
  answer: SimulatorAnswer,
  signal: AbortSignal
): HttpClientResponse.HttpClientResponse => {
  const { headers, status } = answer
  const response = HttpClientResponse.fromWeb(request, new Response(null, { status, headers }))
  let sent = 0
  let noted = false
  const note = Effect.suspend(() => {
    if (noted) return Effect.void
    noted = true
    return answer.sent(sent)
  })
  // Nobody reads it, or not to its end.
  signal.addEventListener("abort", () => Effect.runSync(note))
  const pieces = function* () {
    for (const chunk of answer.body()) {
      for (let at = 0; at < chunk.length; at += chunkSize) yield chunk.subarray(at, at + chunkSize)
    }
  }
  const paced = Stream.fromIterable(pieces()).pipe(
    Stream.rechunk(1),
    Stream.mapEffect((piece) => {
      sent += piece.length
      return Number.isFinite(answer.bandwidth)
        ? Effect.as(Effect.sleep(Duration.millis((piece.length / answer.bandwidth) * 1000)), piece)
        : Effect.succeed(piece)
    })
  )
  const ending =
    answer.ending === "cut" ? Stream.fromEffect(cut(request)) : answer.ending === "stall" ? Stream.never : Stream.empty
  const stream = Stream.concat(paced, ending).pipe(Stream.onExit(() => note))
  return Object.defineProperties(response, {
    stream: { value: stream },
    arrayBuffer: { value: Effect.map(Stream.runCollect(stream), concat) }
  })
}

const concat = (chunks: ReadonlyArray<Uint8Array>): ArrayBuffer => Uint8Array.from(Buffer.concat(chunks)).buffer
