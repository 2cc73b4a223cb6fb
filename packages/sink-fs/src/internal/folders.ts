/**
 * The folders that a sink writes into: each made and looked through once, however many objects go there. After that their
 * names are kept account of.
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { type Disk, type DiskError, ensureFolder } from "@longshore/disk/Disk"

export interface Folders {
  /** The names in the folder are on the disk. Who asks while others wait is served with them. */
  readonly sync: (folder: string) => Effect.Effect<void, DiskError>
  /**
   * Makes the folder if it is missing, and gives the names in it, as this process knows them: whoever makes or removes one
   * says so here.
   */
  readonly enter: (folder: string) => Effect.Effect<Set<string>, DiskError>
}

export const make = (disk: Disk): Folders => {
  const known = new Map<string, Set<string>>()
  const turns = new Map<string, { readonly turn: Semaphore.Semaphore; asked: number; served: number }>()
  return {
    sync: (folder) =>
      Effect.suspend(() => {
        const state = turns.get(folder) ?? { turn: Semaphore.makeUnsafe(1), asked: 0, served: 0 }
        turns.set(folder, state)
        const ticket = ++state.asked
        return state.turn.withPermit(
          Effect.suspend(() => {
            if (state.served >= ticket) return Effect.void
            const asked = state.asked
            return Effect.tap(disk.syncFolder(folder), () => Effect.sync(() => (state.served = asked)))
          })
        )
      }),
    enter: Effect.fnUntraced(function* (folder) {
      const names = known.get(folder)
      if (names !== undefined) return names
      yield* ensureFolder(disk, folder)
      const found = new Set(yield* disk.list(folder))
      known.set(folder, found)
      return found
    })
  }
}
