/** A folder of a check's own, which is gone when the check is over; the next check clears away one that was killed. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"

const prefix = ".longshore-doctor-"

/** A check takes seconds: what is so much older than another one was left. */
const abandonedAfter = 60_000

export interface Scratch {
  /** Not made yet: whoever is to be tried makes it. */
  readonly path: string
  /** The folder that was asked for, or what is there of the way to it. */
  readonly within: string
}

/** In `folder`, or in what is there above it: what is missing can be made where this can. */
export const make = Effect.fnUntraced(function* (folder: string): Effect.fn.Return<Scratch, never, Scope.Scope> {
  const within = yield* Effect.promise(() => nearest(folder))
  const path = Path.join(within, `${prefix}${process.pid}-${randomBytes(4).toString("hex")}`)
  yield* Effect.addFinalizer(() => Effect.promise(() => remove(path)))
  return { path, within }
})

/** Takes away what checks left there that were killed. Ages are told by the clock of the disk, which may be another's. */
export const clear = ({ path, within }: Scratch): Effect.Effect<void> =>
  Effect.promise(async () => {
    const now = (await modified(path)) ?? 0
    for (const name of await Fs.readdir(within).catch(() => [])) {
      if (!name.startsWith(prefix)) continue
      const other = Path.join(within, name)
      if (now - ((await modified(other)) ?? now) > abandonedAfter) await remove(other)
    }
  })

const nearest = async (folder: string): Promise<string> => {
  for (let at = folder; ; at = Path.dirname(at)) {
    if (at === Path.dirname(at) || (await Fs.lstat(at).then(() => true, isThere))) return at
  }
}

/** Whatever cannot be looked at is there. */
const isThere = (cause: unknown): boolean => !(cause instanceof Error && "code" in cause && cause.code === "ENOENT")

const modified = (path: string): Promise<number | undefined> =>
  Fs.stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined
  )

const remove = (path: string): Promise<void> => Fs.rm(path, { recursive: true, force: true }).catch(() => undefined)
