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
import * as Layer from "effect/Layer"
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
