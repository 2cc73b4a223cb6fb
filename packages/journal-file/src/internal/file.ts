/** The file of a journal: read whole, appended to line by line, each line synced. */
import { JournalError } from "@longshore/core/ExportError"
import type { Disk, DiskError } from "@longshore/disk/Disk"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Path from "node:path"

const words: Record<string, string> = {
  EACCES: "this user may not read or write it",
  EPERM: "this user may not read or write it",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "this user's quota of the disk is used up",
  ENOTDIR: "a part of the path is a file, not a folder",
  EEXIST: "a part of the path is a file, not a folder",
  EISDIR: "it is a folder",
  EMFILE: "too many files are open",
  EIO: "the disk reports an error"
}

/** Gives the errors of a disk as errors of the journal at a path. */
export const about =
  (path: string) =>
  <A, R>(effect: Effect.Effect<A, DiskError, R>): Effect.Effect<A, JournalError, R> =>
    Effect.mapError(
      effect,
      ({ code }) =>
        new JournalError({
          reason: code === "ENOSPC" || code === "EDQUOT" ? "NoSpace" : "Unavailable",
          location: path,
          problem: `${words[code] ?? "the operating system refused"} (${code})`
        })
    )

/** `undefined` if there is no such file. */
export const read = (disk: Disk, path: string): Effect.Effect<Uint8Array | undefined, DiskError> =>
  Effect.gen(function* () {
    const file = yield* disk.open(path, "read")
    const bytes = new Uint8Array((yield* file.stat).size)
    return bytes.subarray(0, yield* file.read(bytes, 0))
  }).pipe(
    Effect.scoped,
    Effect.catchIf(
      (error) => error.code === "ENOENT",
      () => Effect.undefined
    )
  )

const encode = (line: object): Uint8Array => new TextEncoder().encode(`${JSON.stringify(line)}\n`)

/**
 * Opens a journal of this first line and the lines of these steps. They are written anew, and put into its place once they
 * are on the disk: a process that was killed may not have come to sync them, and where a sync failed the
 * kernel still shows what the disk never got.
 */
export const begin = Effect.fnUntraced(function* (disk: Disk, path: string, first: object, steps: Uint8Array) {
  yield* Effect.scoped(
    Effect.flatMap(disk.open(`${path}.new`, "update"), (file) =>
      Effect.andThen(file.truncate(0), Effect.andThen(file.write([encode(first), steps], 0), file.sync))
    )
  ).pipe(
    Effect.andThen(disk.rename(`${path}.new`, path)),
    Effect.andThen(disk.syncFolder(Path.dirname(path))),
    about(path)
  )
  return yield* openToAppend(disk, path)
})

/** Opens what is there, as it is. */
export const openToAppend = Effect.fnUntraced(function* (disk: Disk, path: string) {
  const file = yield* about(path)(disk.open(path, "append"))
  let end = (yield* about(path)(file.stat)).size
  let broken: JournalError | undefined
  // Lines that come while others are on their way to the disk go there together: one sync serves them all.
  const turn = yield* Semaphore.make(1)
  let waiting: Array<object> = []

  const flush = Effect.suspend(() => {
    if (broken !== undefined) return Effect.fail(broken)
    const bytes = Buffer.concat(waiting.map(encode))
    waiting = []
    // Somebody else's turn took the line along.
    if (bytes.length === 0) return Effect.void
    return about(path)(Effect.andThen(file.write([bytes], end), file.sync)).pipe(
      Effect.andThen(Effect.sync(() => void (end += bytes.length))),
      // Half a line must not grow into the next one. If it cannot be cut off, it is the last: readers drop it.
      Effect.tapError((error) => {
        broken = error
        return Effect.ignore(file.truncate(end))
      })
    )
  })

  const append = (line: object): Effect.Effect<void, JournalError> =>
    Effect.suspend(() => {
      waiting.push(line)
      return Semaphore.withPermit(turn, flush)
    }).pipe(Effect.uninterruptible)

  return { append }
})
