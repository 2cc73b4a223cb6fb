/** The folders that a sink writes into, each made and looked through once, however many objects go there. */
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import type { Disk, DiskError } from "./disk.ts"

export interface Folders {
  /** Makes the folder if it is missing, and gives the names that were in it when this process first came. */
  readonly enter: (folder: string) => Effect.Effect<ReadonlyArray<string>, DiskError>
}

export const make = (disk: Disk["Service"]): Folders => {
  const known = new Map<string, ReadonlyArray<string>>()
  return {
    enter: Effect.fnUntraced(function* (folder) {
      const names = known.get(folder)
      if (names !== undefined) return names
      yield* makeFolders(disk, folder)
      const found = yield* disk.list(folder)
      known.set(folder, found)
      return found
    })
  }
}

/** Folders that are made are on the disk before anything in them is relied on. */
const makeFolders = Effect.fnUntraced(function* (disk: Disk["Service"], folder: string) {
  const first = yield* disk.makeFolder(folder)
  if (first === undefined) return
  const top = Path.dirname(Path.resolve(first))
  for (let at = folder; at.length > top.length; at = Path.dirname(at)) yield* disk.syncFolder(at)
  yield* disk.syncFolder(top)
})
