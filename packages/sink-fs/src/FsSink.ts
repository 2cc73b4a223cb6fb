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
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import { Disk, layer as layerDisk } from "./internal/disk.ts"
import { about, sinkError } from "./internal/problem.ts"
import { open, plan, storedObject } from "./internal/writer.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface FsSinkOptions {
  /** Made if it is missing, for its owner only. */
  readonly directory: string
}

/**
 * Objects as files below a folder. Needs a local file system: on a network share `fsync` and `rename` promise what the
 * share's server keeps.
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
  Layer.provide(layerOnDisk(options), layerDisk)

/**
 * The same on another disk.
 *
 * @since 0.1.0
 * @category layers
 * @internal
 */
export const layerOnDisk = (options: FsSinkOptions): Layer.Layer<ObjectSink.ObjectSink, SinkError, Disk> =>
  Layer.effect(ObjectSink.ObjectSink, make(options))

const make = Effect.fnUntraced(function* (options: FsSinkOptions) {
  const disk = yield* Disk
  const root = Path.resolve(options.directory)
  yield* prepare(disk, root)

  const pathOf = (key: ObjectSink.ObjectKey): Effect.Effect<string, SinkError> => {
    const path = Path.resolve(root, ...key.split("/"))
    // Keys are checked where they are made; this is the last door before the disk.
    return path.startsWith(root.endsWith(Path.sep) ? root : root + Path.sep) &&
      !key.split("/").some((name) => name === ".." || name === "" || name === ".")
      ? Effect.succeed(path)
      : Effect.fail(sinkError(root, "InvalidKey", `the key "${key}" does not lie below this folder`))
  }

  return ObjectSink.make({
    capabilities: {
      durable: true,
      resumable: true,
      parallel: true,
      rewindable: true,
      atomic: true,
      minPartSize: 1,
      maxParts: 1_000_000
    },
    locate: (key) => pathToFileURL(Path.join(root, key)).href,
    room: Effect.asSome(about(root)(disk.room(root))),
    open: (object) => Effect.flatMap(pathOf(object.key), (path) => open(disk, root, path, object)),
    stat: Effect.fnUntraced(function* (key) {
      const path = yield* pathOf(key)
      const found = yield* about(path)(disk.stat(path))
      if (found === undefined) return Option.none()
      if (found.kind !== "file") {
        return yield* sinkError(path, "InvalidKey", "there is a folder or a link where the file should be")
      }
      return Option.some(storedObject(key, found))
    }),
    settle: Effect.fnUntraced(function* (key) {
      const path = yield* pathOf(key)
      const folder = Path.dirname(path)
      const left = (yield* about(folder)(disk.list(folder))).filter(
        (name) => plan(name, Path.basename(path)) !== undefined
      )
      if (left.length === 0) return
      yield* Effect.forEach(left, (name) => about(folder)(disk.remove(Path.join(folder, name))), { discard: true })
      yield* about(folder)(disk.syncFolder(folder))
    })
  })
})

/** The folder is there and this user can make, sync and remove files in it: better now than after an hour. */
const prepare = Effect.fnUntraced(function* (disk: Disk["Service"], root: string) {
  const found = yield* about(root)(disk.stat(root))
  if (found?.kind === "file") return yield* sinkError(root, "InvalidKey", "there is a file where the folder should be")
  yield* about(root)(disk.makeFolder(root))
  const probe = Path.join(root, `.longshore-probe-${process.pid}`)
  yield* about(root)(
    Effect.scoped(Effect.flatMap(disk.open(probe, "update"), (file) => file.sync)).pipe(
      Effect.andThen(disk.remove(probe))
    )
  )
})
