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
 * What the operating system said.
 *
 * @since 0.1.0
 * @category errors
 */
export interface DiskError {
  readonly _tag: "DiskError"
  /** As in errno(3): `ENOSPC`, `EACCES`, … */
  readonly code: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface DiskStat {
  readonly kind: "file" | "directory" | "other"
  /** Bytes. */
  readonly size: number
  /** Nanoseconds since 1970. Changes whenever the content does. */
  readonly mtimeNs: bigint
  readonly ino: bigint
}

/**
 * An open file. Writes and reads name their place, so that parts can move side by side.
 *
 * @since 0.1.0
 * @category models
 */
export interface DiskFile {
  /** All of it, or an error; then some of it may have been written. */
  readonly write: (chunks: ReadonlyArray<Uint8Array>, position: number) => Effect.Effect<void, DiskError>
  /** Fills the array, or less of it at the end of the file, and tells how much. */
  readonly read: (into: Uint8Array, position: number) => Effect.Effect<number, DiskError>
  readonly truncate: (length: number) => Effect.Effect<void, DiskError>
  /** Data, size and times are on the disk. */
  readonly sync: Effect.Effect<void, DiskError>
  readonly stat: Effect.Effect<DiskStat, DiskError>
}

/**
 * `read` opens what is there; the others make it if it is missing. `append` writes at the end, whatever the position.
 *
 * @since 0.1.0
 * @category models
 */
export type DiskMode = "read" | "update" | "append"

/**
 * @since 0.1.0
 * @category models
 */
export interface Disk {
  /** Files that are made are for their owner only (0600). A link in the last place of the path is not followed. */
  readonly open: (path: string, mode: DiskMode) => Effect.Effect<DiskFile, DiskError, Scope.Scope>
  /** With all folders above it; only for its owner (0700). */
  readonly makeFolder: (path: string) => Effect.Effect<void, DiskError>
  readonly rename: (from: string, to: string) => Effect.Effect<void, DiskError>
  /** A file that is not there is removed. */
  readonly remove: (path: string) => Effect.Effect<void, DiskError>
  /** Of the path itself, not of what a link points to. `undefined` if there is nothing. */
  readonly stat: (path: string) => Effect.Effect<DiskStat | undefined, DiskError>
  /** Names in a folder; none if there is no such folder. */
  readonly list: (path: string) => Effect.Effect<ReadonlyArray<string>, DiskError>
  /** Names in the folder are on the disk, where a file system has such a thing. */
  readonly syncFolder: (path: string) => Effect.Effect<void, DiskError>
  /** Bytes that this user can still write. */
  readonly room: (path: string) => Effect.Effect<number, DiskError>
}

/**
 * @since 0.1.0
 * @category services
 */
export const Disk = Context.Reference<Disk>("@longshore/disk/Disk", { defaultValue: () => node })

/**
 * Makes a folder with all folders above it, and has their names on the disk. Folders that are there are synced as well:
 * the process that made them may have died before it came to that.
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
 * A call of a disk: what, and where. Calls of an open file have the mode it was opened with.
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
 * The same disk, with something around every call: to count, to measure, to fail.
 *
 * ```ts
 * import { Disk } from "@longshore/disk"
 * import { Effect } from "effect"
 *
 * export const readOnly = (disk: Disk.Disk) =>
 *   Disk.intercept(disk, (call, effect) =>
 *     call.name === "write" ? Effect.fail({ _tag: "DiskError", code: "EROFS" }) : effect
 *   )
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
