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
 * Which folder, and what for.
 *
 * @since 0.1.0
 * @category models
 */
export interface FsSinkOptions {
  /** Made if it is missing, with the folders above it, for its owner only (0700). Relative to the working directory. */
  readonly directory: string
  /** Only to look at what is there: nothing is made, and nothing can be written (`PermissionDenied`). Default `false`. */
  readonly readOnly?: boolean | undefined
}

/**
 * Objects as files below a folder, on the `Disk` that is there. Needs a local file system: on a network share `fsync` and
 * `rename` promise what the share's server keeps.
 *
 * Building it makes the folder and writes, syncs and removes a small file in it, so that a folder that cannot be used is told
 * before the first byte and not after an hour. That, and every operation later, fails with a `SinkError` of reason
 *
 * - `NoSpace`: the disk or a quota is full (`ENOSPC`, `EDQUOT`), or the file too large for it (`EFBIG`);
 * - `PermissionDenied`: this user may not (`EACCES`, `EPERM`), or nobody may (`EROFS`);
 * - `InvalidKey`: something else is in the place, such as a folder or a link, or the path is too long;
 * - `Conflict`: somebody removed a file or its folder meanwhile;
 * - `Unavailable`: too many files are open;
 * - `Unknown`: everything else, among it an error of the disk (`EIO`).
 *
 * @example
 * ```ts
 * import { HttpSource, ObjectSink, Transfer } from "@longshore/core"
 * import { FsSink } from "@longshore/sink-fs"
 * import { Effect, Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * // What moves files into ./data; with `Exports` and a `Journal` beside it, what `ExportRun.run` needs.
 * const live = Transfer.layer().pipe(
 *   Layer.provide(HttpSource.layer),
 *   Layer.merge(FsSink.layer({ directory: "./data" })),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 *
 * const program = ObjectSink.ObjectSink.use((sink) => sink.stat(ObjectSink.ObjectKey.make("Reservation/manifest.json")))
 * const found = await Effect.runPromise(Effect.provide(program, live))
 * found._tag // => "None"
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
  /** Of the object it would become. */
  readonly key: ObjectSink.ObjectKey
  /** As in the names of its files, `<key>.<plan>.partial` and `<key>.<plan>.parts`: eight hexadecimal digits. */
  readonly plan: string
  /** Bytes of the parts that are stored, or so far of the only one. */
  readonly size: number
  /** Whether a writer of this plan goes on with it: what has one part alone is written again. */
  readonly resumable: boolean
}

/**
 * Partial objects below the folder, told by their names. Touches nothing, and follows no links. Whether somebody is at work on
 * one of them is not told: ask the journals (`FileJournal.holder`), or be sure that no run is under way.
 *
 * `within` tells which folders (`Reservation`, `Reservation/3fa85f64-…`) are looked into; default: all that a key can name. A
 * folder that is not there has none. Fails with a `SinkError` if something cannot be read, `PermissionDenied` as a rule.
 *
 * @example
 * ```ts
 * import { FsSink } from "@longshore/sink-fs"
 * import { Effect } from "effect"
 * import { mkdirSync, writeFileSync } from "node:fs"
 *
 * // What a process left that was killed in the middle of a file.
 * mkdirSync("./data")
 * writeFileSync("./data/rows.jsonl.0badf00d.partial", '{"Id":1}\n')
 *
 * const found = await Effect.runPromise(FsSink.abandoned({ directory: "./data" }))
 * found // => [{ key: "rows.jsonl", plan: "0badf00d", size: 9, resumable: false }]
 * ```
 *
 * @since 0.1.0
 * @category maintenance
 */
export const abandoned = (
  options: FsSinkOptions & { readonly within?: (folder: string) => boolean }
): Effect.Effect<ReadonlyArray<PartialObject>, SinkError> => Leftovers.list(options.directory, options.within)

/**
 * Removes a partial object with its log; one that is not there counts as removed. What was published under the key stays. Do
 * not do this to a run that is still at work: it has to start its file again.
 *
 * Fails with a `SinkError` of reason `InvalidKey` if key and plan are not what a partial file is called, so that nothing
 * else can be removed, and with the disk's reasons (see {@link layer}).
 *
 * @example
 * ```ts
 * import { FsSink } from "@longshore/sink-fs"
 * import { Effect } from "effect"
 * import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
 *
 * mkdirSync("./data")
 * writeFileSync("./data/rows.jsonl.0badf00d.partial", '{"Id":1}\n')
 *
 * const sink = { directory: "./data" }
 * const program = Effect.gen(function* () {
 *   const partials = yield* FsSink.abandoned(sink)
 *   yield* Effect.forEach(partials, (partial) => FsSink.abort(sink, partial), { discard: true })
 * })
 * await Effect.runPromise(program)
 * readdirSync("./data") // => []
 * ```
 *
 * @since 0.1.0
 * @category maintenance
 */
export const abort = (
  options: FsSinkOptions,
  partial: Pick<PartialObject, "key" | "plan">
): Effect.Effect<void, SinkError> => Leftovers.remove(options.directory, partial)
