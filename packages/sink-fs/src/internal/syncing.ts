/**
 * Brings a file's bytes to the disk while more are on their way, so that little is left to wait for at its end, and so
 * that a power cut costs little.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { DiskError, DiskFile } from "@longshore/disk/Disk"

/** Bytes that may wait. A disk takes them in one go; more would be felt at the end. */
const every = 64 * 1024 * 1024

export interface Syncing {
  /** So many bytes more were written. */
  readonly wrote: (bytes: number) => Effect.Effect<void, DiskError>
  /** All that was written before is on the disk. */
  readonly sync: Effect.Effect<void, DiskError>
}

/**
 * After a sync that failed nobody knows which bytes are on the disk, and trying again would hide it: the kernel forgets
 * what it could not write. So the first failure is every later answer, and `onFailure` runs once.
 */
export const make = Effect.fnUntraced(function* (
  file: DiskFile,
  onFailure: Effect.Effect<void>
): Effect.fn.Return<Syncing, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const turn = yield* Semaphore.make(1)
  let waiting = 0
  let underWay = false
  let failed: DiskError | undefined
  const sync = turn.withPermit(
    Effect.suspend(() => {
      if (failed !== undefined) return Effect.fail(failed)
      waiting = 0
      return Effect.tapError(file.sync, (error) => {
        failed = error
        return onFailure
      })
    })
  )
  return {
    sync,
    wrote: (bytes) =>
      Effect.suspend(() => {
        if (failed !== undefined) return Effect.fail(failed)
        waiting += bytes
        if (underWay || waiting < every) return Effect.void
        underWay = true
        const background = Effect.ensuring(
          Effect.ignore(sync),
          Effect.sync(() => (underWay = false))
        )
        return Effect.asVoid(Effect.forkIn(background, scope))
      })
  }
})
