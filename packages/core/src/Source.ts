/**
 * The plug-in that fetches bytes: one attempt at one part of one file, checked. `HttpSource` is the portable one,
 * `@longshore/source-node` the fast one. A new one over HTTP takes its rules from `SourceResponse` and proves itself
 * with `SourceSuite` of `@longshore/testkit`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import type { SourceError } from "./ExportError.ts"
import type { Part } from "./ObjectSink.ts"

/**
 * What a host tells about a file.
 *
 * @since 0.1.0
 * @category models
 */
export interface SourceFile {
  /** Bytes. */
  readonly size: number
  /** A strong entity tag (RFC 9110, section 8.8.3), if there is one. */
  readonly etag: string | undefined
  /**
   * Whether ranges are answered with 206, and told from those of other content: without an `etag` they are of no use.
   */
  readonly ranges: boolean
}

/**
 * Where bytes come from. It does not retry: `Transfer` does.
 *
 * @example One in memory, for a test
 * ```ts
 * import { Source } from "@longshore/core"
 * import { Effect, Layer, Stream } from "effect"
 *
 * const content = new TextEncoder().encode('{"Id":"1"}\n{"Id":"2"}\n')
 *
 * const layer = Layer.succeed(Source.Source, {
 *   probe: () => Effect.succeed({ size: content.length, etag: '"1"', ranges: true }),
 *   part: (_link, _file, { length, offset }) => Stream.make(content.subarray(offset, offset + length)),
 *   whole: () => Stream.make(content)
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Source extends Context.Service<
  Source,
  {
    /** Learns about a file with the smallest GET there is (`HEAD` is not covered by a link signed for GET). */
    readonly probe: (link: Redacted.Redacted) => Effect.Effect<SourceFile, SourceError>
    /**
     * The bytes of one part. It ends well only after exactly `part.length` bytes of the planned content: anything else
     * is an error, at the latest at the end. Arrays of about 1 MiB in all, which may be lent: an array is valid until the
     * next one is asked for.
     */
    readonly part: (link: Redacted.Redacted, file: SourceFile, part: Part) => Stream.Stream<Uint8Array, SourceError>
    /** All bytes from the first, for a host without ranges. Ends well only after exactly `file.size` bytes. */
    readonly whole: (link: Redacted.Redacted, file: SourceFile) => Stream.Stream<Uint8Array, SourceError>
  }
>()("@longshore/core/Source") {}
