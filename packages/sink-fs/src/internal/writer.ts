/** Writes one object: partial file and part log, then the rename. */
import type { SinkError } from "@longshore/core/ExportError"
import {
  type ObjectKey,
  type ObjectWriter,
  type Part,
  parts,
  type SinkObject,
  type StoredObject,
  wrongLength
} from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import { crc32 } from "node:zlib"
import type { Disk, DiskFile, DiskStat } from "@longshore/disk/Disk"
import type { Folders } from "./folders.ts"
import * as PartLog from "./partLog.ts"
import { about, sinkError } from "./problem.ts"
import * as Syncing from "./syncing.ts"

/** Bytes that are read back at once. */
const pieceSize = 2 * 1024 * 1024

/** Which plan a name beside `name` belongs to, if it is one of ours. */
export const plan = (candidate: string, name: string): string | undefined =>
  candidate.startsWith(`${name}.`)
    ? /^([0-9a-f]{8})\.(?:partial|parts)$/.exec(candidate.slice(name.length + 1))?.[1]
    : undefined

/** Whether it is what `open` makes beside any name. */
export const isPartial = (candidate: string): boolean => /.\.[0-9a-f]{8}\.(?:partial|parts)$/.test(candidate)

/** A receipt names the file by size and time of its last change: whoever edits it changes one of them. */
export const storedObject = (key: ObjectKey, stat: DiskStat): StoredObject => ({
  key,
  size: stat.size,
  version: `${stat.mtimeNs}-${stat.size}`
})

const fingerprint = ({ partSize, size, version }: SinkObject): string =>
  createHash("sha256")
    .update(JSON.stringify([version, size, partSize]))
    .digest("hex")
    .slice(0, 8)

export const open = Effect.fnUntraced(function* (
  disk: Disk,
  folders: Folders,
  root: string,
  path: string,
  object: SinkObject
): Effect.fn.Return<ObjectWriter, SinkError, Scope.Scope> {
  const folder = Path.dirname(path)
  const name = Path.basename(path)
  const print = fingerprint(object)
  const partialPath = `${path}.${print}.partial`
  const logPath = `${path}.${print}.parts`
  const names = yield* about(folder)(folders.enter(folder))
  // Another plan means other content or other parts: nothing of it can be used again.
  for (const other of names) {
    const found = plan(other, name)
    if (found === undefined || found === print) continue
    yield* about(folder)(disk.remove(Path.join(folder, other)))
    names.delete(other)
  }

  const final = yield* about(path)(disk.stat(path))
  if (final !== undefined && final.kind !== "file") {
    return yield* sinkError(path, "InvalidKey", "there is a folder or a link where the file should be")
  }
  const hadPartial = (yield* about(partialPath)(disk.stat(partialPath))) !== undefined
  // An object of one part has no use for a log: it is there, or it is written again.
  const all = parts(object)
  const log = all.length > 1 ? yield* about(logPath)(openLog(disk, logPath, object)) : undefined
  if (log !== undefined) names.add(Path.basename(logPath))

  // Renamed, and then the process died before anyone else could note it: the log knows the file again.
  const committed = log?.content.committed
  if (
    !hadPartial &&
    final !== undefined &&
    final.size === object.size &&
    committed?.ino === String(final.ino) &&
    committed.mtimeNs === String(final.mtimeNs)
  ) {
    const stored = noted(all, log?.content)
    if (stored.length === all.length) {
      // The process that renamed it may have died before the name was on the disk.
      const commit = Effect.as(about(folder)(folders.sync(folder)), storedObject(object.key, final))
      return { stored, write: () => Effect.fail(published(path)), commit, discard: Effect.void }
    }
  }

  const file = yield* about(partialPath)(disk.open(partialPath, "update"))
  names.add(Path.basename(partialPath))
  const stored = hadPartial ? noted(all, log?.content) : []
  const present = stored.reduce((sum, part) => sum + part.length, 0)
  const room = yield* about(root)(disk.room(folder))
  if (room < object.size - present) {
    return yield* sinkError(
      path,
      "NoSpace",
      `${object.size - present} more bytes are needed, and the disk has room for ${room}`
    )
  }

  const done = new Map<number, Part>(stored.map((part) => [part.number, part]))
  const drop = Effect.andThen(disk.remove(logPath), disk.remove(partialPath)).pipe(
    Effect.andThen(
      Effect.sync(() => {
        done.clear()
        names.delete(Path.basename(logPath))
        names.delete(Path.basename(partialPath))
      })
    )
  )
  const checksum = makeChecksum(file)
  const syncing = yield* Syncing.make(file, Effect.ignore(drop))

  return {
    stored,
    // Whatever became of a stored part, a power cut or somebody's edit, its bytes tell.
    confirm: Effect.fnUntraced(function* (part) {
      const isIntact = (yield* about(partialPath)(checksum(part))) === part.crc32
      if (!isIntact) done.delete(part.number)
      return isIntact
    }),
    write: Effect.fnUntraced(function* (part, bytes, crc32) {
      let received = 0
      const pull = yield* Stream.toPull(bytes)
      for (;;) {
        const chunks = yield* Pull.catchDone(pull, () => Effect.undefined)
        if (chunks === undefined) break
        const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
        if (received + size > part.length) return yield* wrongLength(part, received + size, pathToFileURL(path).href)
        yield* about(partialPath)(file.write(chunks, part.offset + received))
        received += size
      }
      if (received !== part.length) return yield* wrongLength(part, received, pathToFileURL(path).href)
      if (log !== undefined) yield* about(logPath)(log.file.write([PartLog.part({ ...part, crc32: yield* crc32 })], 0))
      yield* about(partialPath)(syncing.wrote(part.length))
      done.set(part.number, part)
      return undefined
    }, Effect.scoped),

    commit: Effect.gen(function* () {
      const missing = all.filter((part) => done.get(part.number)?.length !== part.length)
      if (missing.length > 0) {
        return yield* sinkError(path, "Unknown", `${missing.length} of ${all.length} parts are missing`)
      }
      const written = yield* about(partialPath)(Effect.andThen(syncing.sync, file.stat))
      const isOurs = (stat: DiskStat | undefined) => stat?.ino === written.ino
      const atPath = yield* about(path)(disk.stat(path))
      // Committed before, by this writer or by another of the same plan: it is the very same file.
      if (!isOurs(atPath)) {
        if (written.size !== object.size) {
          return yield* sinkError(path, "Conflict", `the partial file has ${written.size} of ${object.size} bytes`)
        }
        // Never rename what somebody else put in the partial file's place over a good file.
        if (!isOurs(yield* about(partialPath)(disk.stat(partialPath)))) {
          return yield* sinkError(path, "Conflict", "the partial file was removed or replaced by somebody else")
        }
        const { ino, mtimeNs } = written
        if (log !== undefined) {
          const line = PartLog.commit({ ino: String(ino), mtimeNs: String(mtimeNs) })
          yield* about(logPath)(log.file.write([line], 0))
        }
        yield* about(path)(disk.rename(partialPath, path)).pipe(
          Effect.catchIf(
            (error) => error.reason === "Conflict",
            // Another writer of the same plan was first.
            (error) =>
              Effect.flatMap(about(path)(disk.stat(path)), (now) => (isOurs(now) ? Effect.void : Effect.fail(error)))
          )
        )
      }
      names.delete(Path.basename(partialPath))
      yield* about(folder)(folders.sync(folder))
      return storedObject(object.key, written)
    }),

    discard: about(folder)(Effect.andThen(drop, disk.syncFolder(folder)))
  }
})

/** The log of an object, begun anew if it is not one of this object, without a last line that was torn. */
const openLog = Effect.fnUntraced(function* (disk: Disk, path: string, object: SinkObject) {
  const file = yield* disk.open(path, "append")
  const { size } = yield* file.stat
  const bytes = new Uint8Array(size)
  const content = PartLog.read(bytes.subarray(0, yield* file.read(bytes, 0)), object)
  if (content === undefined) {
    yield* file.truncate(0)
    yield* file.write([PartLog.header(object)], 0)
  } else if (content.length < size) yield* file.truncate(content.length)
  return { file, content: content ?? PartLog.empty }
})

/** The parts that a log speaks of. */
const noted = (all: ReadonlyArray<Part>, log: PartLog.PartLog | undefined) =>
  all.flatMap((part) => {
    const line = log?.parts.get(part.number)
    return line?.length === part.length ? [{ ...part, crc32: line.crc32 }] : []
  })

/**
 * The CRC-32 of a part as it is in the file now; `undefined` if it is not all there. The disk reads a piece while the one
 * before it is summed.
 */
const makeChecksum = (file: DiskFile) => {
  const pieces = [0, 1].map(() => new Uint8Array(0))
  return Effect.fnUntraced(function* (part: Part) {
    const size = Math.min(part.length, pieceSize)
    let held = 0
    let crc = 0
    for (let read = 0, turn = 0; read < part.length || held > 0; turn = 1 - turn) {
      const sum = Effect.sync(() => (crc = crc32(pieces[1 - turn]!.subarray(0, held), crc)))
      if (pieces[turn]!.length < size) pieces[turn] = new Uint8Array(size)
      const into = pieces[turn]!.subarray(0, Math.min(size, part.length - read))
      const [count] = yield* Effect.all([file.read(into, part.offset + read), sum], { concurrency: 2 })
      if (count < into.length) return undefined
      read += count
      held = count
    }
    return crc
  })
}

const published = (path: string): SinkError => sinkError(path, "Conflict", "it is published already")
