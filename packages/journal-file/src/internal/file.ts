/** The file of a journal: read whole, appended to line by line, each line synced. */
import { JournalError } from "@longshore/core/ExportError"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as fs from "node:fs/promises"

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

export const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "UNKNOWN"

export const unavailable = (path: string, cause: unknown): JournalError => {
  const code = codeOf(cause)
  return new JournalError({
    reason: code === "ENOSPC" || code === "EDQUOT" ? "NoSpace" : "Unavailable",
    location: path,
    problem: `${words[code] ?? "the operating system refused"} (${code})`
  })
}

const attempt = <A>(path: string, run: () => Promise<A>): Effect.Effect<A, JournalError> =>
  Effect.uninterruptible(
    Effect.tryPromise({
      try: run,
      catch: (cause) => (cause instanceof JournalError ? cause : unavailable(path, cause))
    })
  )

export const makeFolder = (folder: string) => attempt(folder, () => fs.mkdir(folder, { recursive: true, mode: 0o700 }))

/** `undefined` if there is no such file. */
export const read = (path: string): Effect.Effect<Uint8Array | undefined, JournalError> =>
  attempt(path, () =>
    fs.readFile(path).catch((cause: unknown) => {
      if (codeOf(cause) === "ENOENT") return undefined
      throw cause
    })
  )

/** The names in the folder are on the disk, where a file system has such a thing. */
export const syncFolder = (folder: string) =>
  attempt(folder, async () => {
    const handle = await fs.open(folder, "r")
    try {
      await handle.sync()
    } catch (cause) {
      if (!["EISDIR", "EPERM", "EINVAL", "ENOTSUP"].includes(codeOf(cause))) throw cause
    } finally {
      await handle.close()
    }
  })

export const openToAppend = Effect.fnUntraced(function* (path: string) {
  const handle = yield* Effect.acquireRelease(
    attempt(path, () => fs.open(path, "a", 0o600)),
    (handle) => Effect.ignore(attempt(path, () => handle.close()))
  )
  let end = (yield* attempt(path, () => handle.stat())).size
  let broken: JournalError | undefined
  // Lines that come while others are on their way to the disk go there together: one sync serves them all.
  const turn = yield* Semaphore.make(1)
  let waiting: Array<string> = []

  const truncate = (length: number) =>
    attempt(path, async () => {
      await handle.truncate(length)
      await handle.datasync()
      end = length
    })

  const flush = Effect.suspend(() => {
    if (broken !== undefined) return Effect.fail(broken)
    const bytes = Buffer.from(waiting.join(""))
    waiting = []
    // Somebody else's turn took the line along.
    if (bytes.length === 0) return Effect.void
    return attempt(path, async () => {
      try {
        await handle.appendFile(bytes)
        await handle.datasync()
        end += bytes.length
      } catch (cause) {
        // Half a line must not grow into the next one. If it cannot be cut off, it is the last: readers drop it.
        broken = unavailable(path, cause)
        await handle.truncate(end).catch(() => undefined)
        throw broken
      }
    })
  })

  const append = (line: object): Effect.Effect<void, JournalError> =>
    Effect.suspend(() => {
      waiting.push(`${JSON.stringify(line)}\n`)
      return Semaphore.withPermit(turn, flush)
    })

  return { truncate, append }
})
