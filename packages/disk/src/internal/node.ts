/** The operating system's disk. */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as Path from "node:path"
import type { Disk, DiskError, DiskFile, DiskMode, DiskStat } from "../Disk.ts"

const failure = (cause: unknown): DiskError => ({
  _tag: "DiskError",
  code: typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "UNKNOWN"
})

/**
 * What only looks at names is done on the spot: a local disk answers in microseconds, and handing the call to another
 * thread and back takes a hundred of them.
 */
const now = <A>(run: () => A): Effect.Effect<A, DiskError> => Effect.try({ try: run, catch: failure })

/** What moves data or waits for the disk. It cannot be taken back once made, so nobody stops waiting for it. */
const call = <A>(run: (done: (error: NodeJS.ErrnoException | null, value: A) => void) => void) =>
  Effect.uninterruptible(
    Effect.callback<A, DiskError>((resume) =>
      run((error, value) => resume(error ? Effect.fail(failure(error)) : Effect.succeed(value)))
    )
  )

const orMissing = <A>(effect: Effect.Effect<A, DiskError>): Effect.Effect<A | undefined, DiskError> =>
  Effect.catchIf(
    effect,
    (error) => error.code === "ENOENT",
    () => Effect.undefined
  )

const toStat = (stat: fs.BigIntStats): DiskStat => ({
  kind: stat.isFile() ? "file" : stat.isDirectory() ? "directory" : "other",
  size: Number(stat.size),
  mtimeNs: stat.mtimeNs,
  ino: stat.ino
})

const file = (fd: number, mode: DiskMode): DiskFile => {
  const write = (chunks: ReadonlyArray<Uint8Array>, position: number): Effect.Effect<void, DiskError> => {
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    if (size === 0) return Effect.void
    return Effect.flatMap(
      call<number>((done) => fs.writev(fd, chunks, mode === "append" ? null : position, done)),
      (written) => {
        if (written === size) return Effect.void
        // A short write, as on a disk that is nearly full: the next one goes on or says why not.
        const rest: Array<Uint8Array> = []
        let skip = written
        for (const chunk of chunks) {
          if (skip >= chunk.length) skip -= chunk.length
          else {
            rest.push(chunk.subarray(skip))
            skip = 0
          }
        }
        return write(rest, position + written)
      }
    )
  }
  const read = (into: Uint8Array, position: number, filled = 0): Effect.Effect<number, DiskError> =>
    filled === into.length
      ? Effect.succeed(filled)
      : Effect.flatMap(
          call<number>((done) => fs.read(fd, into, filled, into.length - filled, position + filled, done)),
          (count) => (count === 0 ? Effect.succeed(filled) : read(into, position, filled + count))
        )
  return {
    write,
    read: (into, position) => read(into, position),
    truncate: (length) => now(() => fs.ftruncateSync(fd, length)),
    // With its times: they are in receipts.
    sync: call<void>((done) => fs.fsync(fd, (error) => done(error, undefined))),
    stat: Effect.map(
      now(() => fs.fstatSync(fd, { bigint: true })),
      toStat
    )
  }
}

const open = (path: string, flags: string | number) =>
  Effect.acquireRelease(
    now(() => fs.openSync(path, flags, 0o600)),
    (fd) => Effect.ignore(now(() => fs.closeSync(fd)))
  )

const makeFolder = (path: string): void => {
  try {
    fs.mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    // Of a disk that is read-only Node.js says that the folder is missing. The first one that is missing says why.
    if (failure(cause).code === "ENOENT") fs.mkdirSync(firstMissing(path))
    throw cause
  }
}

const firstMissing = (path: string): string => {
  const parent = Path.dirname(path)
  return parent === path || fs.existsSync(parent) ? path : firstMissing(parent)
}

export const node: Disk = {
  open: (path, mode) =>
    Effect.map(
      open(
        path,
        // Not through a link that somebody put there.
        (fs.constants.O_NOFOLLOW ?? 0) |
          (mode === "read" ? fs.constants.O_RDONLY : fs.constants.O_CREAT | fs.constants.O_RDWR) |
          (mode === "append" ? fs.constants.O_APPEND : 0)
      ),
      (fd) => file(fd, mode)
    ),
  makeFolder: (path) => now(() => makeFolder(path)),
  rename: (from, to) => now(() => fs.renameSync(from, to)),
  remove: (path) => orMissing(now(() => fs.unlinkSync(path))),
  stat: (path) =>
    Effect.map(orMissing(now(() => fs.lstatSync(path, { bigint: true }))), (stat) =>
      stat === undefined ? undefined : toStat(stat)
    ),
  list: (path) => Effect.map(orMissing(now(() => fs.readdirSync(path))), (names) => names ?? []),
  syncFolder: (path) =>
    Effect.scoped(
      Effect.flatMap(open(path, "r"), (fd) => call<void>((done) => fs.fsync(fd, (error) => done(error, undefined))))
    ).pipe(
      // Some file systems have no such thing (Windows, some network shares): there a rename is all there is.
      Effect.catchIf(
        (error) => ["EISDIR", "EPERM", "EINVAL", "ENOTSUP"].includes(error.code),
        () => Effect.void
      )
    ),
  room: (path) =>
    Effect.map(
      now(() => fs.statfsSync(path)),
      (stat) => stat.bavail * stat.bsize
    )
}
