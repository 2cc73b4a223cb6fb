/**
 * How the answer of a file host is asked for and judged: the rules that every `Source` over HTTP shares, whatever moves
 * its bytes. Use it to write such a source; whoever only runs exports does not need it.
 *
 * They are those of RFC 9110 (ranges, section 14; `If-Match`, section 13.1.1) as far as blob stores have them:
 * `If-Match` rather than `If-Range`, which Azure does not list, and no HEAD, which a link signed for GET does not
 * cover.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as ConnectError from "./ConnectError.ts"
import { SourceError, type SourceReason } from "./ExportError.ts"
import { retryAfter } from "./internal/http.ts"
import type { Hasher } from "./Md5.ts"
import type { Part } from "./ObjectSink.ts"
import type { SourceFile } from "./Source.ts"

/**
 * The head of an answer. Names of headers are in lower case.
 *
 * @since 0.1.0
 * @category models
 */
export interface Head {
  /** As it came: 206, 412, … */
  readonly status: number
  /** By their names in lower case. */
  readonly headers: { readonly [name: string]: string | undefined }
}

/**
 * The error of one attempt. `problem` goes on from "The file host" and never holds a link.
 *
 * @example
 * ```ts
 * import { SourceResponse } from "@longshore/core"
 *
 * SourceResponse.failure("Refused", "answered HTTP 451", { status: 451 }).message // => "The file host answered HTTP 451."
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export const failure = (
  reason: SourceReason,
  problem: string,
  more?: { readonly status?: number; readonly retryAfter?: number }
): SourceError => new SourceError({ reason, problem, ...more })

/**
 * Headers that learn about a file: its first byte. Coded, it would have another length than the one announced.
 *
 * @since 0.1.0
 * @category constants
 */
export const probeHeaders: Readonly<Record<string, string>> = { "accept-encoding": "identity", range: "bytes=0-0" }

/**
 * Headers that ask for a part of the planned content.
 *
 * @example
 * ```ts
 * import { SourceResponse } from "@longshore/core"
 *
 * const file = { size: 10, etag: '"1"', ranges: true }
 * const headers = SourceResponse.partHeaders(file, { number: 2, offset: 8, length: 2 })
 * headers // => { "accept-encoding": "identity", "if-match": '"1"', range: "bytes=8-9" }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const partHeaders = (file: SourceFile, part: Part): Readonly<Record<string, string>> => ({
  ...wholeHeaders(file),
  range: `bytes=${part.offset}-${part.offset + part.length - 1}`
})

/**
 * Headers that ask for all of the planned content: the same bytes as planned, uncoded, or nothing.
 *
 * @example
 * ```ts
 * import { SourceResponse } from "@longshore/core"
 *
 * SourceResponse.wholeHeaders({ size: 10, etag: undefined, ranges: false }) // => { "accept-encoding": "identity" }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const wholeHeaders = (file: SourceFile): Readonly<Record<string, string>> => ({
  "accept-encoding": "identity",
  ...(file.etag === undefined ? {} : { "if-match": file.etag })
})

/**
 * What a probe was told. A weak ETag, or one that could be a link, counts as none; 416 means that the file is empty.
 * Fails with a `SourceError` as {@link checkPart} does, and with `BadRange` if the answer does not tell the size.
 *
 * @example
 * ```ts
 * import { SourceResponse } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const headers = { "content-range": "bytes 0-0/10", etag: 'W/"1"' }
 * const file = await Effect.runPromise(SourceResponse.checkProbe({ status: 206, headers }))
 * file // => { size: 10, etag: undefined, ranges: false }
 * ```
 *
 * @since 0.1.0
 * @category validation
 */
export const checkProbe = Effect.fnUntraced(function* (head: Head): Effect.fn.Return<SourceFile, SourceError> {
  // There is no first byte.
  if (head.status === 416) return { size: 0, etag: undefined, ranges: false }
  yield* checkStatus(head)
  const etag = strongEtag(head)
  if (head.status === 200) {
    const size = Number(head.headers["content-length"] ?? Number.NaN)
    if (!Number.isSafeInteger(size)) return yield* failure("BadRange", "does not say how long the file is")
    return { size, etag, ranges: false }
  }
  const range = contentRange(head)
  if (range === undefined || range.start !== 0 || range.end !== 0) {
    return yield* failure("BadRange", "answered the range of the first byte with another one")
  }
  // Without a tag nothing tells whether two ranges are of one content.
  return { size: range.total, etag, ranges: etag !== undefined }
})

/**
 * Whether the body that follows is the part that was asked for: 206 with exactly this range, of the planned content,
 * with no coding. Fails with a `SourceError` whose `reason` says what else it is.
 *
 * @example
 * ```ts
 * import { SourceResponse } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const file = { size: 10, etag: '"1"', ranges: true }
 * const part = { number: 1, offset: 0, length: 8 }
 * const headers = { "content-range": "bytes 0-7/10", etag: '"2"' }
 * const error = await Effect.runPromise(Effect.flip(SourceResponse.checkPart({ status: 206, headers }, file, part)))
 * error.reason // => "ContentChanged"
 * ```
 *
 * @since 0.1.0
 * @category validation
 */
export const checkPart = Effect.fnUntraced(function* (
  head: Head,
  file: SourceFile,
  part: Part
): Effect.fn.Return<void, SourceError> {
  yield* checkStatus(head)
  const range = contentRange(head)
  if (head.status !== 206 || range === undefined) {
    return yield* failure("BadRange", "ignored the range that was asked for")
  }
  yield* checkContent(head, file, range.total)
  const last = part.offset + part.length - 1
  if (range.start !== part.offset || range.end !== last) {
    return yield* failure("BadRange", `sent bytes ${range.start}-${range.end} for ${part.offset}-${last}`)
  }
})

/**
 * Whether the body that follows is all of the file: 200, of the planned size and content, with no coding. Fails with a
 * `SourceError` whose `reason` says what else it is.
 *
 * @example
 * ```ts
 * import { SourceResponse } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const file = { size: 10, etag: '"1"', ranges: true }
 * const expired = SourceResponse.checkWhole({ status: 403, headers: {} }, file)
 * const error = await Effect.runPromise(Effect.flip(expired))
 * error.reason // => "LinkRejected"
 * ```
 *
 * @since 0.1.0
 * @category validation
 */
export const checkWhole = Effect.fnUntraced(function* (
  head: Head,
  file: SourceFile
): Effect.fn.Return<void, SourceError> {
  yield* checkStatus(head)
  if (head.status !== 200) return yield* failure("BadRange", "sent a part where the whole was asked for")
  const length = head.headers["content-length"]
  yield* checkContent(head, file, length === undefined ? file.size : Number(length))
})

/**
 * The error of a connection that broke: `what` it did, and the code that Node.js or undici has for the reason, or the
 * words of whoever opened it (`ConnectError.find` gives either).
 *
 * @example
 * ```ts
 * import { SourceResponse } from "@longshore/core"
 *
 * const error = SourceResponse.broken("broke off", "ECONNRESET")
 * error.message // => "The file host broke off: the connection was cut (ECONNRESET)."
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export const broken = (
  what: "did not answer" | "broke off",
  reason: string | ConnectError.ConnectError | undefined
): SourceError =>
  failure("Unavailable", `${what}: ${typeof reason === "object" ? reason.problem : ConnectError.describe(reason)}`)

/**
 * The bytes of a body, as they come.
 *
 * @since 0.1.0
 * @category models
 */
export interface BodyCheck {
  /** More bytes. Fails with `Overlong` as soon as there are too many. */
  readonly take: (bytes: Uint8Array) => Effect.Effect<void, SourceError>
  /**
   * There are no more. Fails with `Truncated` if some are missing, and with `Corrupt` if they are not those whose MD5
   * the host sent along.
   */
  readonly end: Effect.Effect<void, SourceError>
}

/**
 * Holds a body against the length that was asked for, in bytes, and against `Content-MD5` where a host sends it with a
 * whole file. RFC 7231 (appendix B) dropped that header because hosts disagree about what it means for a part: there it
 * says nothing.
 *
 * @example
 * ```ts
 * import { SourceResponse } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const check = SourceResponse.makeBodyCheck({ status: 206, headers: {} }, 10, undefined)
 * await Effect.runPromise(check.take(new Uint8Array(8)))
 * const error = await Effect.runPromise(Effect.flip(check.end))
 * error.message // => "The file host ended after 8 of 10 bytes."
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeBodyCheck = (head: Head, length: number, md5: (() => Hasher) | undefined): BodyCheck => {
  let received = 0
  const announced = head.status === 200 ? head.headers["content-md5"]?.trim() : undefined
  const hasher = announced !== undefined && /^[A-Za-z0-9+/]{22}==$/.test(announced) ? md5?.() : undefined
  return {
    take: (bytes) =>
      Effect.suspend(() => {
        received += bytes.length
        hasher?.update(bytes)
        return received > length ? failure("Overlong", `sent more than the ${length} bytes asked for`) : Effect.void
      }),
    end: Effect.suspend(() => {
      if (received < length) return failure("Truncated", `ended after ${received} of ${length} bytes`)
      return hasher !== undefined && hasher.digest("base64") !== announced
        ? failure("Corrupt", "sent other bytes than its Content-MD5 speaks of")
        : Effect.void
    })
  }
}

const checkStatus = Effect.fnUntraced(function* (head: Head): Effect.fn.Return<void, SourceError> {
  const { headers, status } = head
  const coding = headers["content-encoding"]
  if (status === 200 || status === 206) {
    return coding === undefined || coding === "identity"
      ? undefined
      : yield* failure("Encoded", "sent a content coding although none was asked for")
  }
  const problem = `answered HTTP ${status}`
  if ([400, 401, 403, 404, 410].includes(status)) return yield* failure("LinkRejected", problem, { status })
  // 412: another ETag. 416: the file is shorter than it was.
  if (status === 412 || status === 416) return yield* failure("ContentChanged", problem, { status })
  if (status === 408 || status === 429 || status >= 500) {
    const after = yield* retryAfter(headers)
    return yield* failure("Unavailable", problem, { status, ...(after === undefined ? {} : { retryAfter: after }) })
  }
  const hint = status === 407 ? ": a proxy wants a name and a password, or others" : ""
  return yield* failure("Refused", `${problem}${hint}`, { status })
})

/**
 * A weak tag (`W/"…"`) does not promise equal bytes. Neither does one with the `?` and `&` of a link: a tag is kept in
 * plans and manifests, and a link must not be.
 */
const strongEtag = ({ headers: { etag } }: Head): string | undefined =>
  etag !== undefined && /^"[\x21\x23-\x25\x27-\x3e\x40-\x7e]{1,200}"$/.test(etag) ? etag : undefined

const contentRange = ({ headers }: Head) => {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/.exec(headers["content-range"] ?? "")
  return match === null ? undefined : { start: Number(match[1]), end: Number(match[2]), total: Number(match[3]) }
}

const checkContent = Effect.fnUntraced(function* (
  head: Head,
  file: SourceFile,
  total: number
): Effect.fn.Return<void, SourceError> {
  const etag = strongEtag(head)
  if (file.etag !== undefined && etag !== undefined && etag !== file.etag) {
    return yield* failure("ContentChanged", "has other content than when the transfer was planned (another ETag)")
  }
  if (total !== file.size) return yield* failure("ContentChanged", `has ${total} bytes where ${file.size} were planned`)
})
