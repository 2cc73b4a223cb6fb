/** Partial files and part logs that no writer came back for. */
import type { SinkError } from "@longshore/core/ExportError"
import { ObjectKey } from "@longshore/core/ObjectSink"
import { Disk, type DiskError } from "@longshore/disk/Disk"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Path from "node:path"
import type { PartialObject } from "../FsSink.ts"
import * as PartLog from "./partLog.ts"
import { about, sinkError } from "./problem.ts"

const isKey = Schema.is(ObjectKey)

export const list = Effect.fn("FsSink.abandoned")(function* (
  directory: string,
  within: (folder: string) => boolean = () => true
): Effect.fn.Return<ReadonlyArray<PartialObject>, SinkError> {
  const disk = yield* Disk
  const root = Path.resolve(directory)
  const found = new Map<string, PartialObject>()
  const folders = [""]
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    for (const name of (yield* about(root)(disk.list(Path.join(root, folder)))).toSorted()) {
      const below = folder === "" ? name : `${folder}/${name}`
      // As a writer names them: the object, the plan, and what it is of it.
      const [, key, plan] = /^(.+)\.([0-9a-f]{8})\.(?:partial|parts)$/.exec(below) ?? []
      const isOurs = key !== undefined && plan !== undefined && isKey(key)
      if (!isOurs && !(isKey(below) && within(below))) continue
      const path = Path.join(root, below)
      const kind = (yield* about(path)(disk.stat(path)))?.kind
      if (!isOurs) {
        if (kind === "directory") folders.push(below)
      } else if (kind === "file" && !found.has(`${key}.${plan}`)) {
        const held = yield* about(path)(look(disk, Path.join(root, `${key}.${plan}`)))
        found.set(`${key}.${plan}`, { key, plan, ...held })
      }
    }
  }
  return [...found.values()]
})

/** A partial file is as long as its last part, wherever that is: the log tells how much of it is there. */
const look = Effect.fnUntraced(function* (
  disk: Disk,
  base: string
): Effect.fn.Return<Pick<PartialObject, "size" | "resumable">, DiskError> {
  const partial = yield* disk.stat(`${base}.partial`)
  // Published: what the log tells of is in its place.
  if (partial?.kind !== "file") return { size: 0, resumable: false }
  const log = yield* disk.stat(`${base}.parts`)
  if (log?.kind !== "file") return { size: partial.size, resumable: false }
  const bytes = new Uint8Array(log.size)
  const read = Effect.flatMap(disk.open(`${base}.parts`, "read"), (file) => file.read(bytes, 0))
  const parts = PartLog.read(bytes.subarray(0, yield* Effect.scoped(read)))?.parts.values() ?? []
  return { size: [...parts].reduce((sum, { length }) => sum + length, 0), resumable: true }
})

export const remove = Effect.fn("FsSink.abort")(function* (
  directory: string,
  { key, plan }: Pick<PartialObject, "key" | "plan">
): Effect.fn.Return<void, SinkError> {
  const disk = yield* Disk
  const root = Path.resolve(directory)
  if (!isKey(key) || !/^[0-9a-f]{8}$/.test(plan)) {
    return yield* sinkError(root, "InvalidKey", `"${key}.${plan}" is not what a partial file is called`)
  }
  const base = Path.join(root, `${key}.${plan}`)
  const folder = Path.dirname(base)
  yield* about(base)(Effect.andThen(disk.remove(`${base}.parts`), disk.remove(`${base}.partial`)))
  yield* about(folder)(
    Effect.catchIf(
      disk.syncFolder(folder),
      // Somebody removed the folder as well.
      ({ code }) => code === "ENOENT",
      () => Effect.void
    )
  )
})
