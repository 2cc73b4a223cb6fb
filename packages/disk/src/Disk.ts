/**
 * What Longshore asks of a disk: vectored writes by position, `fsync` of files and of folders, `rename`. It is below
 * Effect's `FileSystem`, whose handle has one shared cursor and no vectored write. The operating system's disk is the
 * default; a test provides one that fills, fails, or forgets what was not synced.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Path from "node:path"
import { node } from "./internal/node.ts"

/**
 * What the operating system said. It is a plain value without a path: whoever asked the disk knows what it was about, and
 * makes an error of its own of it (`SinkError`, `JournalError`).
 *
 * @since 0.1.0
 * @category errors
 */
export interface DiskError {
  readonly _tag: "DiskError"
  /** As in errno(3): `ENOSPC`, `EACCES`, …; `UNKNOWN` where the failure has no code. */
  readonly code: string
}

/**
 * What is known about a file or a folder without reading it.
 *
 * @since 0.1.0
 * @category models
 */
export interface DiskStat {
  /** `other`: a symbolic link, a device, a socket. */
  readonly kind: "file" | "directory" | "other"
  /** Bytes. */
  readonly size: number
  /** Nanoseconds since 1970. Changes whenever the content does, as finely as the file system counts. */
  readonly mtimeNs: bigint
  /** The inode: tells whether a path still leads to the file that was opened. */
  readonly ino: bigint
}

/**
 * An open file. Writes and reads name their place, so that parts can move side by side. Whatever was handed to the
 * operating system is waited for, also when the fiber is interrupted: it cannot be taken back, and it uses the memory.
 *
 * @since 0.1.0
 * @category models
 */
export interface DiskFile {
  /**
   * Writes the arrays one after the other from `position` (bytes from the start). All of them, or an error (`ENOSPC`,
   * `EDQUOT`, `EIO`, …); then some of the bytes may have been written.
   */
  readonly write: (chunks: ReadonlyArray<Uint8Array>, position: number) => Effect.Effect<void, DiskError>
  /** Fills the array from `position`, or less of it at the end of the file, and gives how many bytes it was. */
  readonly read: (into: Uint8Array, position: number) => Effect.Effect<number, DiskError>
  /** Cuts the file to `length` bytes, or fills it up to them with zeros. */
  readonly truncate: (length: number) => Effect.Effect<void, DiskError>
  /**
   * Data, size and times are on the disk when it returns (fsync(2)). After a sync that failed nobody knows what is, and
   * trying again does not tell: Linux forgets what it could not write (https://wiki.postgresql.org/wiki/Fsync_Errors).
   */
  readonly sync: Effect.Effect<void, DiskError>
  /** Of the open file, also where its name has gone or leads elsewhere by now. */
  readonly stat: Effect.Effect<DiskStat, DiskError>
}

/**
 * What a file is opened for. `read` opens what is there. The others make it if it is missing: `update` reads and writes at
 * any place, `append` writes at the end, whatever the position says.
 *
 * @since 0.1.0
 * @category models
 */
export type DiskMode = "read" | "update" | "append"

/**
 * A disk: calls by path, and open files. Every path is the operating system's, relative ones from the working directory.
 *
 * @since 0.1.0
 * @category models
 */
export interface Disk {
  /**
   * Open until the scope ends. Files that are made are for their owner only (0600). A link in the last place of the path
   * is not followed (`ELOOP`). `ENOENT` if a folder is missing, or, to be read, the file.
   */
  readonly open: (path: string, mode: DiskMode) => Effect.Effect<DiskFile, DiskError, Scope.Scope>
  /** With all folders above it, for its owner only (0700). One that is there stays as it is. See {@link ensureFolder}. */
  readonly makeFolder: (path: string) => Effect.Effect<void, DiskError>
  /** One step, which takes the place of a file that is there (rename(2)). `EXDEV` if it would be another file system. */
  readonly rename: (from: string, to: string) => Effect.Effect<void, DiskError>
  /** Of a file. One that is not there counts as removed. */
  readonly remove: (path: string) => Effect.Effect<void, DiskError>
  /** Of the path itself, not of what a link points to. `undefined` if there is nothing. */
  readonly stat: (path: string) => Effect.Effect<DiskStat | undefined, DiskError>
  /** Names in a folder, in no order; none if there is no such folder. */
  readonly list: (path: string) => Effect.Effect<ReadonlyArray<string>, DiskError>
  /**
   * What was made, renamed or removed in the folder is on the disk: fsync(2) of a file does not include its name. Does
   * nothing where a file system has no such thing (Windows, some network shares).
   */
  readonly syncFolder: (path: string) => Effect.Effect<void, DiskError>
  /** Bytes that this user can still write to the file system of this path, which has to be there (statfs(2)). */
  readonly room: (path: string) => Effect.Effect<number, DiskError>
}

/**
 * The disk that sinks and journals write to. Its default is the operating system's, so that programs need not mention it.
 * Provide another one to try what happens on a disk that is full, fails or loses power (`CrashingDisk` of
 * `@longshore/testkit`).
 *
 * @example
 * ```ts
 * import { Disk } from "@longshore/disk"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const disk = yield* Disk.Disk
 *   const file = yield* disk.open("./greeting.txt", "update")
 *   yield* file.write([Buffer.from("world"), Buffer.from("!")], 7)
 *   yield* file.write([Buffer.from("Hello, ")], 0)
 *   yield* file.sync
 *   return (yield* file.stat).size
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => 13
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export const Disk = Context.Reference<Disk>("@longshore/disk/Disk", { defaultValue: () => node })

/**
 * Makes a folder with all folders above it, and has their names on the disk. Folders that are there are synced as well:
 * the process that made them may have died before it came to that. What this user may pass through and not sync
 * (`EACCES`, `EPERM`, `EROFS`) was made by somebody else and is left alone. Everything else the disk says is the error.
 *
 * @example
 * ```ts
 * import { Disk } from "@longshore/disk"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const disk = yield* Disk.Disk
 *   yield* Disk.ensureFolder(disk, "./data/Reservation")
 *   return yield* disk.list("./data")
 * })
 *
 * await Effect.runPromise(program) // => ["Reservation"]
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const ensureFolder = Effect.fnUntraced(function* (disk: Disk, path: string): Effect.fn.Return<void, DiskError> {
  yield* disk.makeFolder(path)
  for (let at = Path.resolve(path); at !== Path.dirname(at); at = Path.dirname(at)) {
    yield* Effect.catchIf(
      disk.syncFolder(Path.dirname(at)),
      // Who may pass through a folder and not read it cannot sync it either; somebody else made it.
      (error) => ["EACCES", "EPERM", "EROFS"].includes(error.code),
      () => Effect.void
    )
  }
})

/**
 * A call of a disk: what, and where. Calls of an open file have the mode it was opened with. A rename has the path that
 * it leads to.
 *
 * @since 0.1.0
 * @category models
 */
export interface DiskCall {
  readonly name: keyof Disk | keyof DiskFile
  readonly path: string
  readonly mode?: DiskMode
}

/**
 * The same disk, with something around every call: to count, to measure, to slow down, to fail.
 *
 * @example Every sync takes a while
 * ```ts
 * import { Disk } from "@longshore/disk"
 * import { Effect, Layer } from "effect"
 *
 * const slow = (disk: Disk.Disk) =>
 *   Disk.intercept(disk, (call, effect) => (call.name === "sync" ? Effect.delay(effect, "20 millis") : effect))
 *
 * // For whatever it is provided to.
 * const layer = Layer.effect(Disk.Disk, Effect.map(Disk.Disk, slow))
 * ```
 *
 * @example Nothing can be written
 * ```ts
 * import { Disk } from "@longshore/disk"
 * import { Effect } from "effect"
 *
 * const readOnly = (disk: Disk.Disk) =>
 *   Disk.intercept(disk, (call, effect) =>
 *     call.name === "makeFolder" ? Effect.fail({ _tag: "DiskError", code: "EROFS" }) : effect
 *   )
 *
 * const program = Effect.flatMap(Disk.Disk, (disk) => Effect.flip(readOnly(disk).makeFolder("./data")))
 *
 * const error = await Effect.runPromise(program)
 * error.code // => "EROFS"
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const intercept = (
  disk: Disk,
  around: <A>(call: DiskCall, effect: Effect.Effect<A, DiskError>) => Effect.Effect<A, DiskError>
): Disk => ({
  open: (path, mode) =>
    Effect.flatMap(Effect.scope, (scope) =>
      Effect.map(
        around({ name: "open", path, mode }, Scope.provide(disk.open(path, mode), scope)),
        (file): DiskFile => ({
          write: (chunks, position) => around({ name: "write", path, mode }, file.write(chunks, position)),
          read: (into, position) => around({ name: "read", path, mode }, file.read(into, position)),
          truncate: (length) => around({ name: "truncate", path, mode }, file.truncate(length)),
          sync: around({ name: "sync", path, mode }, file.sync),
          stat: around({ name: "stat", path, mode }, file.stat)
        })
      )
    ),
  makeFolder: (path) => around({ name: "makeFolder", path }, disk.makeFolder(path)),
  rename: (from, to) => around({ name: "rename", path: to }, disk.rename(from, to)),
  remove: (path) => around({ name: "remove", path }, disk.remove(path)),
  stat: (path) => around({ name: "stat", path }, disk.stat(path)),
  list: (path) => around({ name: "list", path }, disk.list(path)),
  syncFolder: (path) => around({ name: "syncFolder", path }, disk.syncFolder(path)),
  room: (path) => around({ name: "room", path }, disk.room(path))
})
