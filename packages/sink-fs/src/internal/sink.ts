/** Keys to paths, and a writer for each object. */
import type { SinkError } from "@longshore/core/ExportError"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import { Disk, ensureFolder } from "@longshore/disk/Disk"
import type { FsSinkOptions } from "../FsSink.ts"
import * as Folders from "./folders.ts"
import { about, sinkError } from "./problem.ts"
import { isPartial, open, plan, storedObject } from "./writer.ts"

export const make = Effect.fnUntraced(function* ({ directory, readOnly = false }: FsSinkOptions) {
  const disk = yield* Disk
  const root = Path.resolve(directory)
  if (!readOnly) yield* prepare(disk, root)
  const folders = Folders.make(disk)

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
    open: (object) =>
      readOnly
        ? Effect.fail(sinkError(root, "PermissionDenied", "it was opened only to be read"))
        : Effect.flatMap(pathOf(object.key), (path) => open(disk, folders, root, path, object)),
    read: (key, { length, offset }) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const path = yield* pathOf(key)
          const file = yield* about(path)(disk.open(path, "read"))
          // One for the whole stream: who reads much would wait for the garbage collector.
          const lent = new Uint8Array(Math.min(1024 * 1024, length))
          return Stream.unfold(0, (done) => {
            const piece = lent.subarray(0, Math.min(lent.length, length - done))
            return Effect.map(about(path)(file.read(piece, offset + done)), (count) =>
              count === 0 ? undefined : ([piece.subarray(0, count), done + count] as const)
            )
          })
        })
      ),
    stat: Effect.fnUntraced(function* (key) {
      const path = yield* pathOf(key)
      const found = yield* about(path)(disk.stat(path))
      if (found === undefined) return Option.none()
      if (found.kind !== "file") {
        return yield* sinkError(path, "InvalidKey", "there is a folder or a link where the file should be")
      }
      return Option.some(storedObject(key, found))
    }),
    list: list(disk, root),
    settle: Effect.fnUntraced(function* (key) {
      const path = yield* pathOf(key)
      const folder = Path.dirname(path)
      const names = yield* about(folder)(folders.enter(folder))
      const left = [...names].filter((name) => plan(name, Path.basename(path)) !== undefined)
      if (left.length === 0) return
      for (const name of left) {
        yield* about(folder)(disk.remove(Path.join(folder, name)))
        names.delete(name)
      }
      yield* about(folder)(folders.sync(folder))
    })
  })
})

/** All files below a folder, by name. Links are told of, not followed. */
const list = (disk: Disk, root: string, below = ""): Effect.Effect<ReadonlyArray<ObjectSink.ListedObject>, SinkError> =>
  Effect.gen(function* () {
    const folder = Path.join(root, below)
    const found: Array<ObjectSink.ListedObject> = []
    for (const name of [...(yield* about(folder)(disk.list(folder)))].sort()) {
      if (name.startsWith(".")) continue
      const key = below === "" ? name : `${below}/${name}`
      const stat = yield* about(Path.join(folder, name))(disk.stat(Path.join(folder, name)))
      if (stat?.kind === "directory") found.push(...(yield* list(disk, root, key)))
      else if (stat !== undefined) found.push({ key, size: stat.size, partial: isPartial(name) })
    }
    return found
  })

/** The folder is there and this user can make, sync and remove files in it: better now than after an hour. */
const prepare = Effect.fnUntraced(function* (disk: Disk, root: string) {
  const found = yield* about(root)(disk.stat(root))
  if (found?.kind === "file") return yield* sinkError(root, "InvalidKey", "there is a file where the folder should be")
  yield* about(root)(ensureFolder(disk, root))
  // One name for all: what a killed process left is taken away by the next one.
  const probe = Path.join(root, ".longshore-probe")
  yield* about(root)(
    Effect.scoped(Effect.flatMap(disk.open(probe, "update"), (file) => file.sync)).pipe(
      Effect.andThen(disk.remove(probe))
    )
  )
})
