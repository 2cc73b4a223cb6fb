/**
 * The portable `Source`: ranged GETs over Effect's `HttpClient`, each answer checked before and after its bytes.
 *
 * The rules are those of RFC 9110 (ranges, section 14; `If-Match`, section 13.1.1) as far as blob stores have them:
 * `If-Match` rather than `If-Range`, which Azure does not list, and no HEAD, which a link signed for GET does not cover.
 * Mews's tokens are never sent here.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Pull from "effect/Pull"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { SourceError, type SourceReason } from "./ExportError.ts"
import { retryAfter, transportProblem } from "./internal/http.ts"
import { Source, type SourceFile } from "./Source.ts"

/** Bytes that go down the stream at once: less is work for each chunk, more leaves the processor's cache. */
const gatherSize = 1024 * 1024

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Source, never, HttpClient.HttpClient> = Layer.effect(
  Source,
  Effect.gen(function* () {
    const client = (yield* HttpClient.HttpClient).pipe(
      HttpClient.followRedirects(3),
      // A link is a secret: no span holds it, and no trace header goes to a stranger.
      HttpClient.transformResponse(Effect.provideService(HttpClient.TracerDisabledWhen, () => true)),
      // The connection ends with the scope, so that a body nobody reads is not left behind.
      HttpClient.withScope
    )

    const get = Effect.fnUntraced(
      function* (link: Redacted.Redacted, headers: Record<string, string>) {
        const response = yield* client.execute(
          HttpClientRequest.get(Redacted.value(link)).pipe(
            // A coded body would have other bytes than the ones that were announced.
            HttpClientRequest.setHeaders({ "accept-encoding": "identity", ...headers })
          )
        )
        const coding = response.headers["content-encoding"]
        if (response.status < 300 && coding !== undefined && coding !== "identity") {
          return yield* failure(
            "Encoded",
            `sent the content coding "${coding.slice(0, 40)}" although none was asked for`
          )
        }
        if (response.status !== 200 && response.status !== 206) return yield* refusal(response)
        return response
      },
      Effect.catchTag("HttpClientError", (error) =>
        failure("Unavailable", `did not answer: ${transportProblem(error)}`)
      )
    )

    return Source.of({
      probe: Effect.fn("Source.probe")(function* (link) {
        const response = yield* get(link, { range: "bytes=0-0" }).pipe(
          // 416: there is no first byte.
          Effect.catchIf(
            (error) => error.status === 416,
            () => Effect.undefined
          )
        )
        if (response === undefined) return { size: 0, etag: undefined, ranges: false }
        const etag = strongEtag(response)
        if (response.status === 200) {
          const size = Number(response.headers["content-length"] ?? Number.NaN)
          if (!Number.isSafeInteger(size)) return yield* failure("BadRange", "does not say how long the file is")
          return { size, etag, ranges: false }
        }
        const range = contentRange(response)
        if (range === undefined || range.start !== 0 || range.end !== 0) {
          return yield* failure("BadRange", `answered a range with "${response.headers["content-range"] ?? ""}"`)
        }
        yield* Effect.ignore(Stream.runDrain(response.stream))
        // Without a tag nothing tells whether two ranges are of one content.
        return { size: range.total, etag, ranges: etag !== undefined }
      }, Effect.scoped),

      part: (link, file, part) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const last = part.offset + part.length - 1
            const response = yield* get(link, {
              range: `bytes=${part.offset}-${last}`,
              ...(file.etag === undefined ? {} : { "if-match": file.etag })
            })
            const range = contentRange(response)
            if (response.status !== 206 || range === undefined) {
              return yield* failure("BadRange", "ignored the range that was asked for")
            }
            yield* sameContent(response, file, range.total)
            if (range.start !== part.offset || range.end !== last) {
              return yield* failure("BadRange", `sent bytes ${range.start}-${range.end} for ${part.offset}-${last}`)
            }
            return body(response, part.length)
          })
        ),

      whole: (link, file) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const response = yield* get(link, file.etag === undefined ? {} : { "if-match": file.etag })
            if (response.status !== 200) return yield* failure("BadRange", "sent a part where the whole was asked for")
            const length = response.headers["content-length"]
            yield* sameContent(response, file, length === undefined ? file.size : Number(length))
            return body(response, file.size)
          })
        )
    })
  })
)

const failure = (
  reason: SourceReason,
  problem: string,
  more?: { readonly status?: number; readonly retryAfter?: number }
) => Effect.fail(new SourceError({ reason, problem, ...more }))

const refusal = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse) {
  const { status } = response
  const problem = `answered HTTP ${status}`
  if ([400, 401, 403, 404, 410].includes(status)) return yield* failure("LinkRejected", problem, { status })
  // 412: another ETag. 416: the file is shorter than it was.
  if (status === 412 || status === 416) return yield* failure("ContentChanged", problem, { status })
  if (status === 408 || status === 429 || status >= 500) {
    const after = yield* retryAfter(response.headers["retry-after"])
    return yield* failure("Unavailable", problem, { status, ...(after === undefined ? {} : { retryAfter: after }) })
  }
  return yield* failure("Refused", problem, { status })
})

/** A weak tag (`W/"…"`) does not promise equal bytes. */
const strongEtag = (response: HttpClientResponse.HttpClientResponse): string | undefined => {
  const etag = response.headers.etag
  return etag !== undefined && /^"[\x21\x23-\x7e]{1,200}"$/.test(etag) ? etag : undefined
}

const contentRange = (response: HttpClientResponse.HttpClientResponse) => {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers["content-range"] ?? "")
  return match === null ? undefined : { start: Number(match[1]), end: Number(match[2]), total: Number(match[3]) }
}

const sameContent = (response: HttpClientResponse.HttpClientResponse, file: SourceFile, total: number) => {
  const etag = strongEtag(response)
  if (file.etag !== undefined && etag !== undefined && etag !== file.etag) {
    return failure("ContentChanged", "has other content than when the transfer was planned (another ETag)")
  }
  return total === file.size
    ? Effect.void
    : failure("ContentChanged", `has ${total} bytes where ${file.size} were planned`)
}

/** Exactly `length` bytes, in arrays of about 1 MiB, or an error. */
const body = (response: HttpClientResponse.HttpClientResponse, length: number) =>
  Stream.transformPull(
    Stream.mapError(
      response.stream,
      (error) => new SourceError({ reason: "Unavailable", problem: `broke off: ${transportProblem(error)}` })
    ),
    (pull) =>
      Effect.sync(() => {
        let received = 0
        let ended = false
        const end = Effect.suspend((): Pull.Pull<never, SourceError> =>
          received === length ? Cause.done() : failure("Truncated", `ended after ${received} of ${length} bytes`)
        )
        const gather = Effect.gen(function* () {
          if (ended) return yield* end
          const chunks: Array<Uint8Array> = []
          let size = 0
          while (size < gatherSize) {
            const next = yield* Pull.catchDone(pull, () => Effect.undefined)
            if (next === undefined) {
              ended = true
              break
            }
            for (const chunk of next) {
              chunks.push(chunk)
              size += chunk.length
            }
          }
          received += size
          if (received > length) return yield* failure("Overlong", `sent more than the ${length} bytes asked for`)
          const [first, ...rest] = chunks
          return first === undefined ? yield* end : ([first, ...rest] as const)
        })
        return gather
      })
  )
