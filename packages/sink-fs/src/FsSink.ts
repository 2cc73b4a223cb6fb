/**
 * A sink that keeps objects as files in a folder.
 *
 * A file is written into `<name>.<plan>.partial`, by position and in any order, with a log beside it that tells which
 * parts are on the disk. Once it is whole it is synced and renamed, so that a reader sees all of it or nothing. `<plan>`
 * is derived from the content's version, its size and its part size: writers of different content never share a file.
 *
 * @since 0.1.0
 */
import type { SinkError } from "@longshore/core/ExportError"
import * as ObjectSink from "@longshore/core/ObjectSink"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Leftovers from "./internal/leftovers.ts"
import { make } from "./internal/sink.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface FsSinkOptions {
  /** Made if it is missing, for its owner only. */
  readonly directory: string
  /** Only to look at what is there: nothing is made, and nothing can be written. */
  readonly readOnly?: boolean | undefined
}

/**
 * Objects as files below a folder, on the `Disk` that is there. Needs a local file system: on a network share `fsync` and
 * `rename` promise what the share's server keeps.
 *
 * ```ts
 * import { FsSink } from "@longshore/sink-fs"
 *
 * export const layer = FsSink.layer({ directory: "./data" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: FsSinkOptions): Layer.Layer<ObjectSink.ObjectSink, SinkError> =>
  Layer.effect(ObjectSink.ObjectSink, make(options))

/**
 * What was written of an object that was not published: by a run that died and was not resumed, or by one that is still at
 * work. Or a part log alone, of an object that was published and not settled.
 *
 * @since 0.1.0
 * @category models
 */
export interface PartialObject {
  readonly key: ObjectSink.ObjectKey
  /** As in the names of its files. */
  readonly plan: string
  /** Bytes of the parts that are stored, or so far of the only one. */
  readonly size: number
  /** Whether a writer of this plan goes on with it: what has one part alone is written again. */
  readonly resumable: boolean
}

/**
 * Partial objects below the folder, told by their names. Touches nothing, and follows no links. `within` tells which
 * folders (`Reservation`, `Reservation/3fa85f64-…`) are looked into; default: all that a key can name.
 *
 * @since 0.1.0
 * @category maintenance
 */
export const abandoned = (
  options: FsSinkOptions & { readonly within?: (folder: string) => boolean }
): Effect.Effect<ReadonlyArray<PartialObject>, SinkError> => Leftovers.list(options.directory, options.within)

/**
 * Removes a partial object. Do not do this to a run that is still at work: it has to start its file again.
 *
 * @since 0.1.0
 * @category maintenance
 */
export const abort = (
  options: FsSinkOptions,
  partial: Pick<PartialObject, "key" | "plan">
): Effect.Effect<void, SinkError> => Leftovers.remove(options.directory, partial)
