/**
 * The portable `Source`: ranged GETs over Effect's `HttpClient`, each answer checked before and after its bytes. It
 * runs wherever Effect runs and goes wherever the client goes: proxies, redirects, HTTP/2. Mews's tokens are never sent
 * here. On Node.js `@longshore/source-node` needs a fraction of the work.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Pull from "effect/Pull"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { SourceError } from "./ExportError.ts"
import { redirectsAsAnswers, transportProblem } from "./internal/http.ts"
import * as Md5 from "./Md5.ts"
import { Source } from "./Source.ts"
import * as SourceResponse from "./SourceResponse.ts"

/** Bytes that go down the stream at once: less is work for each chunk, more leaves the processor's cache. */
const gatherSize = 1024 * 1024

/** Milliseconds after which the bytes of a slow host are handed on, however few: whoever watches must see that they come. */
const gatherTime = 100

/**
 * The source over the client that is there, for a layer of one's own: `@longshore/source-node` keeps one for the
 * answers that its fast path does not take. Redirects are followed, three at most, never from TLS to an open line.
 *
 * @example
 * ```ts
 * import { HttpSource } from "@longshore/core"
 * import { Effect, Redacted } from "effect"
 * import { HttpClient, HttpClientResponse } from "effect/http"
 *
 * const host = HttpClient.make((request) =>
 *   Effect.succeed(
 *     HttpClientResponse.fromWeb(
 *       request,
 *       new Response("{", { status: 206, headers: { "content-range": "bytes 0-0/700", etag: '"1"' } })
 *     )
 *   )
 * )
 * const program = Effect.flatMap(HttpSource.make, (source) => source.probe(Redacted.make("https://files.example.com/1")))
 * const file = await Effect.runPromise(Effect.provideService(program, HttpClient.HttpClient, host))
 * file // => { size: 700, etag: '"1"', ranges: true }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Source["Service"], never, HttpClient.HttpClient> = Effect.gen(function* () {
  const direct = HttpClient.filterOrFail(redirectsAsAnswers(yield* HttpClient.HttpClient), redirectsToItsLike, () =>
    SourceResponse.failure("Refused", "redirects to a connection without TLS, or to no host at all")
  )
  const client = HttpClient.followRedirects(direct, 3).pipe(
    // A link is a secret: no span holds it, and no trace header goes to a stranger.
    HttpClient.transformResponse(Effect.provideService(HttpClient.TracerDisabledWhen, () => true)),
    // The connection ends with the scope, so that a body nobody reads is not left behind.
    HttpClient.withScope
  )
  const md5 = yield* Md5.Md5

  const get = (link: Redacted.Redacted, headers: Readonly<Record<string, string>>) =>
    client
      .execute(HttpClientRequest.setHeaders(HttpClientRequest.get(Redacted.value(link)), headers))
      .pipe(
        Effect.catchTag("HttpClientError", (error) =>
          Effect.fail(SourceResponse.failure("Unavailable", `did not answer: ${transportProblem(error)}`))
        )
      )

  return Source.of({
    probe: Effect.fnUntraced(function* (link) {
      const response = yield* get(link, SourceResponse.probeHeaders)
      const file = yield* SourceResponse.checkProbe(response)
      // Read to its end, the connection can be used again; a host that sends the whole is cut off.
      if (file.ranges) yield* Effect.ignore(Stream.runDrain(response.stream))
      return file
    }, Effect.scoped),

    part: (link, file, part) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const response = yield* get(link, SourceResponse.partHeaders(file, part))
          yield* SourceResponse.checkPart(response, file, part)
          return body(response, part.length, undefined)
        })
      ),

    whole: (link, file) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const response = yield* get(link, SourceResponse.wholeHeaders(file))
          yield* SourceResponse.checkWhole(response, file)
          return body(response, file.size, md5)
        })
      )
  })
})

/**
 * The source over the client that is provided.
 *
 * @example Over fetch, wherever it exists
 * ```ts
 * import { HttpSource, Transfer } from "@longshore/core"
 * import { Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const transfer = Transfer.layer().pipe(Layer.provide(HttpSource.layer), Layer.provide(FetchHttpClient.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Source, never, HttpClient.HttpClient> = Layer.effect(Source, make)

/** Guests' data does not go over an open line because a redirect says so, nor does it come from a file of this machine. */
const redirectsToItsLike = ({ headers, request, status }: HttpClientResponse.HttpClientResponse): boolean => {
  const protocol = status < 300 || status >= 400 ? null : URL.parse(headers["location"] ?? "", request.url)?.protocol
  return protocol == null || protocol === "https:" || (protocol === "http:" && !request.url.startsWith("https:"))
}

/** Exactly `length` bytes, in arrays of about 1 MiB, or an error. */
const body = (
  response: HttpClientResponse.HttpClientResponse,
  length: number,
  md5: (() => Md5.Hasher) | undefined
): Stream.Stream<Uint8Array, SourceError> =>
  Stream.transformPull(
    Stream.mapError(response.stream, (error) =>
      SourceResponse.failure("Unavailable", `broke off: ${transportProblem(error)}`)
    ),
    (pull) =>
      Effect.map(Clock.Clock, (clock) => {
        const check = SourceResponse.makeBodyCheck(response, length, md5)
        let ended = false
        return Effect.gen(function* () {
          const chunks: Array<Uint8Array> = []
          const until = clock.currentTimeMillisUnsafe() + gatherTime
          for (let size = 0; size < gatherSize && !ended && !(size > 0 && clock.currentTimeMillisUnsafe() >= until);) {
            const next = yield* Pull.catchDone(pull, () => Effect.undefined)
            ended = next === undefined
            for (const chunk of next ?? []) {
              yield* check.take(chunk)
              chunks.push(chunk)
              size += chunk.length
            }
          }
          const [first, ...rest] = chunks
          if (first !== undefined) return [first, ...rest] as const
          yield* check.end
          return yield* Cause.done()
        })
      })
  )
