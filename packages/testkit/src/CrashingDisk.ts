/**
 * A disk in memory that remembers what was synced and what was not. A power cut keeps, loses or tears each change that was
 * not, in data and in names alike, as POSIX allows and file systems do; a process that merely dies loses nothing.
 *
 * After a sync that failed, what it should have brought to the disk reads well until the power goes, and may be gone
 * then, however often a later sync succeeds: so do Linux's page caches (https://wiki.postgresql.org/wiki/Fsync_Errors).
 *
 * @since 0.1.0
 */
import type { Disk, DiskCall, DiskError, DiskFile, DiskMode, DiskStat } from "@longshore/disk/Disk"
import * as Effect from "effect/Effect"
import * as Path from "node:path"

/**
 * What decides what a disk does. With a `random` from a seed and a clock of the test's, the same calls have the same end.
 *
 * @since 0.1.0
 * @category models
 */
export interface CrashingDiskOptions {
  /** From 0 to 1, as `Math.random`: what becomes of each change at a power cut. */
  readonly random: () => number
  /** Milliseconds since 1970, for times of change. */
  readonly now: () => number
  /**
   * Asked before each call. A code of errno(3) makes it fail: a write after a part of its bytes, a sync with some of them
   * lost. Default: none fails.
   */
  readonly fault?: (call: DiskCall) => string | undefined
  /** Bytes that fit on the disk in all, then `ENOSPC`. Default: no end. */
  readonly capacity?: () => number
}

/**
 * The disk, and what a test does to it from outside.
 *
 * @since 0.1.0
 * @category models
 */
export interface CrashingDisk {
  /** For `Layer.succeed(Disk.Disk, …)`. */
  readonly disk: Disk
  /** What was not synced is kept, lost or torn. Files that were open must not be used any more. */
  readonly cutPower: () => void
  /** Every file as a reader finds it now, by its absolute path. */
  readonly files: () => ReadonlyMap<string, Uint8Array>
  /** Somebody else writes a file, or (`undefined`) removes it, and syncs it. */
  readonly put: (path: string, bytes: Uint8Array | undefined) => void
}

type Change =
  | { readonly kind: "write"; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly length: number }

interface Content {
  readonly bytes: Uint8Array
  readonly mtimeNs: bigint
}

interface FileNode {
  readonly kind: "file"
  readonly ino: bigint
  now: Content
  /** On the disk. */
  durable: Content
  /** Not synced. */
  pending: Array<Change>
}

/** A change of names. `order` is that of all folders: a file system's own journal keeps it. */
interface Naming {
  readonly order: number
  readonly apply: (names: Map<string, FileNode | FolderNode>) => void
}

interface FolderNode {
  readonly kind: "directory"
  readonly ino: bigint
  now: Map<string, FileNode | FolderNode>
  durable: Map<string, FileNode | FolderNode>
  pending: Array<Naming>
}

/** What a disk writes as one. */
const sector = 512

/**
 * An empty disk.
 *
 * @example What was not synced may be gone
 * ```ts
 * import { Disk } from "@longshore/disk"
 * import { CrashingDisk } from "@longshore/testkit"
 * import { Effect } from "effect"
 *
 * const machine = CrashingDisk.make({ random: Math.random, now: Date.now })
 *
 * const program = Effect.gen(function* () {
 *   const disk = yield* Disk.Disk
 *   yield* Disk.ensureFolder(disk, "/data")
 *   const file = yield* disk.open("/data/a.txt", "update")
 *   yield* file.write([Buffer.from("safe")], 0)
 *   yield* file.sync
 *   yield* disk.syncFolder("/data")
 *   yield* file.write([Buffer.from(", or is it?")], 4)
 * })
 * await Effect.runPromise(Effect.scoped(Effect.provideService(program, Disk.Disk, machine.disk)))
 *
 * machine.cutPower()
 * const found = Buffer.from(machine.files().get("/data/a.txt") ?? []).toString()
 * found.startsWith("safe") // => true
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: CrashingDiskOptions): CrashingDisk => {
  const { random } = options
  let inodes = 1n
  let order = 0
  let ticks = 0n
  const makeFolderNode = (): FolderNode => ({
    kind: "directory",
    ino: inodes++,
    now: new Map(),
    durable: new Map(),
    pending: []
  })
  const root = makeFolderNode()

  /** A clock of a disk: no two changes have the same time. */
  const mtime = (): bigint => BigInt(Math.floor(options.now())) * 1_000_000n + (++ticks % 1_000_000n)

  const find = (path: string): FileNode | FolderNode | undefined => {
    let at: FileNode | FolderNode | undefined = root
    for (const name of Path.resolve(path).split("/").slice(1)) {
      if (name === "") continue
      if (at?.kind !== "directory") return undefined
      at = at.now.get(name)
    }
    return at
  }
  const folderOf = (path: string): FolderNode => {
    const found = find(Path.dirname(path))
    if (found === undefined) throw errno("ENOENT")
    if (found.kind !== "directory") throw errno("ENOTDIR")
    return found
  }
  const rename = (folder: FolderNode, apply: Naming["apply"]) => {
    apply(folder.now)
    folder.pending.push({ order: order++, apply })
  }
  const used = (): number => [...walk(root, "")].reduce((sum, [, bytes]) => sum + bytes.length, 0)

  const change = (node: FileNode, one: Change) => {
    node.now = { bytes: applied(node.now.bytes, one), mtimeNs: mtime() }
    node.pending.push(one)
  }
  /** What a power cut leaves of changes that were not synced. */
  const survivors = (changes: ReadonlyArray<Change>): ReadonlyArray<Change> =>
    changes.flatMap((one): ReadonlyArray<Change> => {
      const luck = random()
      if (luck < 0.4) return [one]
      if (luck < 0.7 || one.kind === "truncate") return []
      if (luck < 0.85) return [{ ...one, bytes: one.bytes.subarray(0, Math.floor(random() * (one.bytes.length + 1))) }]
      // The length came through, and not all of the sectors: zeros are in their places.
      const torn = Uint8Array.from(one.bytes)
      for (let at = 0; at < torn.length;) {
        const end = Math.min(torn.length, (Math.floor((one.position + at) / sector) + 1) * sector - one.position)
        if (random() < 0.5) torn.fill(0, at, end)
        at = end
      }
      return [{ ...one, bytes: torn }]
    })
  const leave = (content: Content, changes: ReadonlyArray<Change>, mtimeNs: bigint): Content =>
    changes.length === 0 ? content : { bytes: changes.reduce(applied, content.bytes), mtimeNs }

  const attempt = <A>(call: DiskCall, run: () => A, failing?: (code: string) => void): Effect.Effect<A, DiskError> =>
    Effect.suspend(() => {
      try {
        const code = options.fault?.(call)
        if (code === undefined) return Effect.succeed(run())
        failing?.(code)
        return Effect.fail(errno(code))
      } catch (error) {
        return isDiskError(error) ? Effect.fail(error) : Effect.die(error)
      }
    })

  const write = (node: FileNode, chunks: ReadonlyArray<Uint8Array>, position: number) => {
    const bytes = Buffer.concat(chunks)
    const grows = Math.max(0, position + bytes.length - node.now.bytes.length)
    const fits = grows === 0 ? bytes.length : Math.max(0, bytes.length - Math.max(0, grows - room()))
    if (fits > 0) change(node, { kind: "write", position, bytes: Uint8Array.from(bytes.subarray(0, fits)) })
    if (fits < bytes.length) throw errno("ENOSPC")
  }
  const room = () => (options.capacity === undefined ? 2 ** 50 : Math.max(0, options.capacity() - used()))

  const file = (node: FileNode, path: string, mode: DiskMode): DiskFile => {
    const at = (position: number) => (mode === "append" ? node.now.bytes.length : position)
    return {
      write: (chunks, position) =>
        attempt(
          { name: "write", path, mode },
          () => write(node, chunks, at(position)),
          () => {
            const bytes = Buffer.concat(chunks)
            write(node, [bytes.subarray(0, Math.floor(random() * bytes.length))], at(position))
          }
        ),
      read: (into, position) =>
        attempt({ name: "read", path, mode }, () => {
          const found = node.now.bytes.subarray(position, position + into.length)
          into.set(found)
          return found.length
        }),
      truncate: (length) => attempt({ name: "truncate", path, mode }, () => change(node, { kind: "truncate", length })),
      sync: attempt(
        { name: "sync", path, mode },
        () => {
          node.durable = leave(node.durable, node.pending, node.now.mtimeNs)
          node.pending = []
        },
        () => {
          node.durable = leave(node.durable, survivors(node.pending), node.now.mtimeNs)
          node.pending = []
        }
      ),
      stat: attempt({ name: "stat", path, mode }, () => statOf(node))
    }
  }

  const makeFolders = (path: string) => {
    let at = root
    for (const name of Path.resolve(path).split("/").slice(1)) {
      if (name === "") continue
      const found = at.now.get(name)
      if (found?.kind === "file") throw errno("ENOTDIR")
      const next = found ?? makeFolderNode()
      if (found === undefined) rename(at, (names) => void names.set(name, next))
      at = next
    }
  }

  const disk: Disk = {
    open: (path, mode) =>
      attempt({ name: "open", path, mode }, () => {
        const folder = folderOf(path)
        const name = Path.basename(path)
        const found = folder.now.get(name)
        if (found?.kind === "directory") throw errno("EISDIR")
        if (found !== undefined) return file(found, path, mode)
        if (mode === "read") throw errno("ENOENT")
        const empty = { bytes: new Uint8Array(0), mtimeNs: mtime() }
        const made: FileNode = { kind: "file", ino: inodes++, now: empty, durable: empty, pending: [] }
        rename(folder, (names) => void names.set(name, made))
        return file(made, path, mode)
      }),
    makeFolder: (path) => attempt({ name: "makeFolder", path }, () => makeFolders(path)),
    rename: (from, to) =>
      attempt({ name: "rename", path: to }, () => {
        // Within a folder, which is where it can be one step.
        if (Path.dirname(from) !== Path.dirname(to)) throw errno("EXDEV")
        const folder = folderOf(from)
        const node = folder.now.get(Path.basename(from))
        if (node === undefined) throw errno("ENOENT")
        if (folder.now.get(Path.basename(to))?.kind === "directory") throw errno("EISDIR")
        rename(folder, (names) => {
          names.delete(Path.basename(from))
          names.set(Path.basename(to), node)
        })
      }),
    remove: (path) =>
      attempt({ name: "remove", path }, () => {
        const found = find(path)
        if (found === undefined) return
        if (found.kind === "directory") throw errno("EISDIR")
        rename(folderOf(path), (names) => void names.delete(Path.basename(path)))
      }),
    stat: (path) =>
      attempt({ name: "stat", path }, () => {
        const found = find(path)
        return found === undefined ? undefined : statOf(found)
      }),
    list: (path) =>
      attempt({ name: "list", path }, () => {
        const found = find(path)
        if (found?.kind === "file") throw errno("ENOTDIR")
        return found === undefined ? [] : [...found.now.keys()]
      }),
    syncFolder: (path) =>
      attempt({ name: "syncFolder", path }, () => {
        const found = find(path)
        if (found === undefined) throw errno("ENOENT")
        if (found.kind === "file") throw errno("ENOTDIR")
        for (const { apply } of found.pending) apply(found.durable)
        found.pending = []
      }),
    room: (path) => attempt({ name: "room", path }, room)
  }

  const cutPower = () => {
    // File systems with a journal of their own lose the end of it. Others promise nothing about order.
    const last = random() < 0.5 ? random() * order : undefined
    const settle = (node: FileNode | FolderNode) => {
      if (node.kind === "file") {
        const kept = leave(node.durable, survivors(node.pending), node.now.mtimeNs)
        node.now = kept
        node.durable = kept
      } else {
        for (const { apply, order } of node.pending) {
          if (last === undefined ? random() < 0.5 : order < last) apply(node.durable)
        }
        node.now = new Map(node.durable)
        for (const inside of node.now.values()) settle(inside)
      }
      node.pending = []
    }
    settle(root)
  }

  return {
    disk,
    cutPower,
    files: () => new Map(walk(root, "")),
    put: (path, bytes) => {
      const folder = folderOf(path)
      const name = Path.basename(path)
      const content = bytes === undefined ? undefined : { bytes: Uint8Array.from(bytes), mtimeNs: mtime() }
      const found = folder.now.get(name)
      if (content === undefined) {
        for (const names of [folder.now, folder.durable]) names.delete(name)
      } else if (found?.kind === "file") {
        Object.assign(found, { now: content, durable: content, pending: [] })
      } else {
        const made: FileNode = { kind: "file", ino: inodes++, now: content, durable: content, pending: [] }
        for (const names of [folder.now, folder.durable]) names.set(name, made)
      }
    }
  }
}

const errno = (code: string): DiskError => ({ _tag: "DiskError", code })
const isDiskError = (error: unknown): error is DiskError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "DiskError"

const statOf = (node: FileNode | FolderNode): DiskStat =>
  node.kind === "file"
    ? { kind: "file", size: node.now.bytes.length, mtimeNs: node.now.mtimeNs, ino: node.ino }
    : { kind: "directory", size: 0, mtimeNs: 0n, ino: node.ino }

const applied = (bytes: Uint8Array, one: Change): Uint8Array => {
  const length = one.kind === "truncate" ? one.length : Math.max(bytes.length, one.position + one.bytes.length)
  const next = new Uint8Array(length)
  next.set(bytes.subarray(0, length))
  if (one.kind === "write") next.set(one.bytes, one.position)
  return next
}

const walk = function* (folder: FolderNode, path: string): Generator<[string, Uint8Array]> {
  for (const [name, node] of folder.now) {
    if (node.kind === "file") yield [`${path}/${name}`, node.now.bytes]
    else yield* walk(node, `${path}/${name}`)
  }
}
