/**
 * Fresh links for the files of a ready export. A link lives ten minutes and every `getAll` makes new ones; however many
 * parts wait, one look renews them all. `ExportRun` makes one for each export; whoever uses `Transfer` alone makes it
 * here.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import type { Export, ExportFile, ExportId } from "./Export.ts"
import { ExportExpired, ExportFailed, type ExportNotFound, IntegrityError, UnexpectedResponse } from "./ExportError.ts"
import { publish } from "./ExportEvent.ts"
import { type ApiError, Exports } from "./Exports.ts"
import { backoff } from "./internal/backoff.ts"

/**
 * What stays the same about a file when its link changes: its place, its link's path without the query, its size.
 *
 * @since 0.1.0
 * @category models
 */
export const FileIdentity = Schema.Struct({
  /** From 0. */
  index: Schema.Int,
  path: Schema.String,
  /** Bytes, as announced. */
  size: Schema.Finite
})

/**
 * What {@link FileIdentity} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type FileIdentity = typeof FileIdentity.Type

/**
 * A link of a generation: each renewal makes the next one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Link {
  /** A credential, hence redacted. Its query is never shown or kept. */
  readonly url: Redacted.Redacted
  /** From 1. To be handed back as `rejected` when the host refused the link. */
  readonly generation: number
}

/**
 * Why there is no link: the API did not answer, does not know the export, or its files are gone. `IntegrityError` if
 * the export is there and no longer lists the file.
 *
 * @since 0.1.0
 * @category errors
 */
export type LinkError = ApiError | ExportNotFound | ExportFailed | ExportExpired | IntegrityError

/**
 * The links of one export.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileLinks {
  /**
   * A link that is younger than the `rejected` generation and lives for as long as is `needed` (milliseconds), with room
   * to spare; renews when there is none.
   */
  readonly get: (
    file: FileIdentity,
    options?: { readonly rejected?: number; readonly needed?: number }
  ) => Effect.Effect<Link, LinkError>
  /** Links that came with a look at the export, so that they need not be asked for again. */
  readonly offer: (ready: Export) => Effect.Effect<void>
}

/**
 * Milliseconds that a link lives after the look that made it: ten minutes.
 *
 * @see https://docs.mews.com/connector-api/operations/exports
 *
 * @since 0.1.0
 * @category constants
 */
export const lifetime = 10 * 60_000

/**
 * How old a link may be when it is used: it must outlive twice what parts took lately, because a GET that breaks off near
 * its end goes on with the same link. At least a minute is kept for that, at most all but two.
 */
const maxAge = (needed: number): number => lifetime - Math.min(Math.max(2 * needed, 60_000), lifetime - 2 * 60_000)

/**
 * The path of a link: names the file in plans and messages, without the secret query. Empty if the link is none.
 *
 * @example
 * ```ts
 * import { FileLinks } from "@longshore/core"
 * import { Redacted } from "effect"
 *
 * const url = Redacted.make("https://files.example.com/exports/3fa85f64-1.jsonl?signature=secret")
 * FileLinks.path({ url, sizeInBytes: 7 }) // => "/exports/3fa85f64-1.jsonl"
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const path = (file: ExportFile): string => URL.parse(Redacted.value(file.url))?.pathname ?? ""

/**
 * The links of an export that is ready. There are none at first: the first one that is asked for looks, unless a look
 * was offered.
 *
 * @example
 * ```ts
 * import { Export, Exports, FileLinks } from "@longshore/core"
 * import { Effect, Layer, Redacted } from "effect"
 *
 * const url = Redacted.make("https://files.example.com/1.jsonl?signature=secret")
 * const api = Layer.mock(Exports.Exports)({
 *   get: (id) =>
 *     Effect.succeed({
 *       id,
 *       status: "Success",
 *       entityType: "Bill",
 *       scope: undefined,
 *       filters: undefined,
 *       files: [{ url, sizeInBytes: 7 }],
 *       expiresUtc: undefined
 *     })
 * })
 *
 * const program = Effect.gen(function* () {
 *   const links = yield* FileLinks.make(Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6"))
 *   const file = { index: 0, path: "/1.jsonl", size: 7 }
 *   const { generation } = yield* links.get(file)
 *   // The host refused it: a newer one, please.
 *   return yield* links.get(file, { rejected: generation })
 * })
 * const link = await Effect.runPromise(Effect.provide(program, api))
 * link.generation // => 2
 * String(link.url) // => "<redacted>"
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (exportId: ExportId): Effect.fn.Return<FileLinks, never, Exports> {
  const exports = yield* Exports
  const turn = yield* Semaphore.make(1)
  let generation = 0
  let current:
    | {
        readonly files: ReadonlyArray<ExportFile>
        /** Links may differ in their queries alone: then a path names none of them. */
        readonly byPath: ReadonlyMap<string, ExportFile | undefined>
        readonly at: number
      }
    | undefined

  const offer = Effect.fnUntraced(function* (ready: Export) {
    const at = yield* Clock.currentTimeMillis
    generation += 1
    const byPath = new Map<string, ExportFile | undefined>()
    for (const file of ready.files) byPath.set(path(file), byPath.has(path(file)) ? undefined : file)
    current = { files: ready.files, byPath, at }
  })

  const look = Effect.gen(function* () {
    const found = yield* exports.get(exportId)
    switch (found.status) {
      case "Success":
        return found
      case "Expired":
        return yield* new ExportExpired({ exportId })
      case "Failed":
        return yield* new ExportFailed({ exportId })
      default:
        return yield* new UnexpectedResponse({
          operation: "getAll",
          problem: `the export was ready, and now it is "${found.status}"`
        })
    }
  })

  const renew = Effect.gen(function* () {
    // A copy of the API that lags behind shows an earlier status for a while; a proxy, its own page.
    const found = yield* Effect.retry(look, {
      while: (error) => error._tag === "UnexpectedResponse",
      schedule: backoff,
      times: 6
    })
    // Past their end files are gone, whether or not the status says so yet.
    if (found.files.length === 0) return yield* new ExportExpired({ exportId })
    yield* offer(found)
    const linksUntil = (yield* Clock.currentTimeMillis) + lifetime
    yield* publish({ _tag: "LinksRenewed", exportId, linksUntil })
  })

  return {
    offer,
    get: Effect.fnUntraced(function* (file, { needed = 0, rejected = 0 } = {}) {
      yield* Semaphore.withPermit(
        turn,
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          if (current === undefined || generation <= rejected || now - current.at > maxAge(needed)) {
            yield* renew
          }
        })
      )
      // Mews does not promise that order or path stay: either will do, and the ETag guards the content.
      const atIndex = current?.files[file.index]
      const found = current?.byPath.get(file.path) ?? (atIndex?.sizeInBytes === file.size ? atIndex : undefined)
      if (found === undefined) {
        return yield* new IntegrityError({
          key: `file ${file.index + 1} of export ${exportId}`,
          problem: "the API no longer lists it"
        })
      }
      return { url: found.url, generation }
    })
  }
})
