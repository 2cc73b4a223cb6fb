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
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient.HttpClient, never, Simulator> = Layer.effect(
  HttpClient.HttpClient,
  Effect.gen(function* () {
    const simulator = yield* Simulator
    return HttpClient.make((request, url) =>
      Effect.gen(function* () {
        const answer = yield* simulator.handle({
          method: request.method,
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          headers: { ...request.headers, ...contentType(request) },
          body: request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
        })
        yield* Effect.sleep(answer.delay)
        if (answer.ending === "nothing") {
          yield* answer.sent(0)
          return yield* cut(request)
        }
        // With this fiber's context: its clock is the test's.
        const readable = yield* Stream.toReadableStreamEffect(body(answer))
        return HttpClientResponse.fromWeb(
          request,
          new Response([204, 304].includes(answer.status) ? null : readable, {
            status: answer.status,
            headers: answer.headers
          })
        )
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
      reason: new HttpClientError.TransportError({ request, cause: connectionReset() })
    })
  )

const connectionReset = () => Object.assign(new Error("The connection was cut."), { code: "ECONNRESET" })

const body = (answer: SimulatorAnswer): Stream.Stream<Uint8Array, Error> =>
  Stream.suspend(() => {
    let sent = 0
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
    const ending: Stream.Stream<Uint8Array, Error> =
      answer.ending === "cut" ? Stream.fail(connectionReset()) : answer.ending === "stall" ? Stream.never : Stream.empty
    return Stream.concat(paced, ending).pipe(Stream.onExit(() => answer.sent(sent)))
  })
