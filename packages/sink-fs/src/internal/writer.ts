/** Writes one object: partial file and part log, then the rename. */
import type { SinkError } from "@longshore/core/ExportError"
import {
  type ObjectKey,
  type ObjectWriter,
  parts,
  type SinkObject,
  type StoredObject,
  type StoredPart
} from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as Path from "node:path"
import { crc32 } from "node:zlib"
import type { Disk, DiskFile, DiskStat } from "./disk.ts"
import * as PartLog from "./partLog.ts"
import { about, sinkError } from "./problem.ts"

/** Which plan a name beside `name` belongs to, if it is one of ours. */
export const plan = (candidate: string, name: string): string | undefined =>
  candidate.startsWith(`${name}.`)
    ? /^([0-9a-f]{8})\.(?:partial|parts)$/.exec(candidate.slice(name.length + 1))?.[1]
    : undefined

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
  disk: Disk["Service"],
  root: string,
  path: string,
  object: SinkObject
): Effect.fn.Return<ObjectWriter, SinkError, Scope.Scope> {
  const folder = Path.dirname(path)
  const name = Path.basename(path)
  const print = fingerprint(object)
  const partialPath = `${path}.${print}.partial`
  const logPath = `${path}.${print}.parts`
  yield* about(folder)(makeFolders(disk, folder))

  // Another plan means other content or other parts: nothing of it can be used again.
  for (const other of yield* about(folder)(disk.list(folder))) {
    const found = plan(other, name)
    if (found !== undefined && found !== print) yield* about(folder)(disk.remove(Path.join(folder, other)))
  }

  const final = yield* about(path)(disk.stat(path))
  if (final !== undefined && final.kind !== "file") {
    return yield* sinkError(path, "InvalidKey", "there is a folder or a link where the file should be")
  }
  const hadPartial = (yield* about(partialPath)(disk.stat(partialPath))) !== undefined
  const log = yield* about(logPath)(disk.open(logPath, "append"))
  const logBytes = yield* about(logPath)(Effect.flatMap(log.stat, ({ size }) => log.read(size, 0)))
  const remembered = PartLog.read(logBytes, object)

  // Renamed, and then the process died before anyone else could note it: the log knows the file again.
  const committed = remembered?.committed
  if (
    !hadPartial &&
    final !== undefined &&
    final.size === object.size &&
    committed?.ino === String(final.ino) &&
    committed.mtimeNs === String(final.mtimeNs)
  ) {
    const stored = parts(object).map((part) => ({ ...part, crc32: remembered?.parts.get(part.number)?.crc32 ?? 0 }))
    if (stored.every((part) => remembered?.parts.get(part.number)?.length === part.length)) {
      return finished(storedObject(object.key, final), path, stored)
    }
  }

  const file = yield* about(partialPath)(disk.open(partialPath, "update"))
  const stored =
    hadPartial && remembered !== undefined ? yield* about(partialPath)(intact(file, object, remembered)) : []
  // A log that is not one begins anew; a torn last line is cut off. Lines about parts that are gone may stay: each line is
  // checked against the file whenever it is read, and a later line about the same part counts.
  if (remembered === undefined) {
    yield* about(logPath)(
      log
        .truncate(0)
        .pipe(
          Effect.andThen(log.write([PartLog.header(object)], 0)),
          Effect.andThen(log.sync),
          Effect.andThen(disk.syncFolder(folder))
        )
    )
  } else if (remembered.length < logBytes.length) {
    yield* about(logPath)(Effect.andThen(log.truncate(remembered.length), log.sync))
  }

  const present = stored.reduce((sum, part) => sum + part.length, 0)
  const room = yield* about(root)(disk.room(folder))
  if (room < object.size - present) {
    return yield* sinkError(
      path,
      "NoSpace",
      `${object.size - present} more bytes are needed, and the disk has room for ${room}`
    )
  }

  const done = new Map(stored.map((part) => [part.number, part]))
  const turn = yield* Semaphore.make(1)
  const note = (part: StoredPart) =>
    Semaphore.withPermit(turn, Effect.andThen(log.write([PartLog.part(part)], 0), log.sync))

  return {
    stored,
    write: Effect.fnUntraced(function* (part, bytes) {
      let crc = 0
      let received = 0
      const pull = yield* Stream.toPull(bytes)
      for (;;) {
        const chunks = yield* Pull.catchDone(pull, () => Effect.undefined)
        if (chunks === undefined) break
        let size = 0
        for (const chunk of chunks) {
          size += chunk.length
          crc = crc32(chunk, crc)
        }
        if (received + size > part.length) {
          return yield* sinkError(path, "Unknown", `part ${part.number} got more than its ${part.length} bytes`)
        }
        yield* about(partialPath)(file.write(chunks, part.offset + received))
        received += size
      }
      if (received !== part.length) {
        return yield* sinkError(path, "Unknown", `part ${part.number} got ${received} of its ${part.length} bytes`)
      }
      const result: StoredPart = { ...part, crc32: crc }
      // First the bytes, then the line that speaks of them.
      yield* about(partialPath)(file.sync)
      yield* about(logPath)(note(result))
      done.set(part.number, result)
      return result
    }, Effect.scoped),

    commit: Effect.gen(function* () {
      const all = parts(object)
      const missing = all.filter((part) => done.get(part.number)?.length !== part.length)
      if (missing.length > 0) {
        return yield* sinkError(path, "Unknown", `${missing.length} of ${all.length} parts are missing`)
      }
      const written = yield* about(partialPath)(Effect.andThen(file.sync, file.stat))
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
        yield* about(logPath)(
          Effect.andThen(log.write([PartLog.commit({ ino: String(ino), mtimeNs: String(mtimeNs) })], 0), log.sync)
        )
        yield* about(path)(disk.rename(partialPath, path)).pipe(
          Effect.catchIf(
            (error) => error.reason === "Conflict",
            // Another writer of the same plan was first.
            (error) =>
              Effect.flatMap(about(path)(disk.stat(path)), (now) => (isOurs(now) ? Effect.void : Effect.fail(error)))
          )
        )
      }
      yield* about(folder)(disk.syncFolder(folder))
      return storedObject(object.key, written)
    }),

    discard: about(folder)(
      Effect.andThen(disk.remove(logPath), disk.remove(partialPath)).pipe(
        Effect.andThen(Effect.sync(() => done.clear())),
        Effect.andThen(disk.syncFolder(folder))
      )
    )
  }
})

const finished = (object: StoredObject, path: string, stored: ReadonlyArray<StoredPart>): ObjectWriter => ({
  stored,
  write: () => Effect.fail(sinkError(path, "Conflict", "it is published already")),
  commit: Effect.succeed(object),
  discard: Effect.void
})

/** Folders that are made are on the disk before anything in them is relied on. */
const makeFolders = Effect.fnUntraced(function* (disk: Disk["Service"], folder: string) {
  const first = yield* disk.makeFolder(folder)
  if (first === undefined) return
  const top = Path.dirname(Path.resolve(first))
  for (let at = folder; at.length > top.length; at = Path.dirname(at)) yield* disk.syncFolder(at)
  yield* disk.syncFolder(top)
})

/** The parts of the log whose bytes are still what the log says: the file may have been cut or edited since. */
const intact = Effect.fnUntraced(function* (file: DiskFile, object: SinkObject, log: PartLog.PartLog) {
  const found: Array<StoredPart> = []
  const piece = 1024 * 1024
  for (const part of parts(object)) {
    const noted = log.parts.get(part.number)
    if (noted?.length !== part.length) continue
    let crc = 0
    let read = 0
    while (read < part.length) {
      const bytes = yield* file.read(Math.min(piece, part.length - read), part.offset + read)
      if (bytes.length === 0) break
      crc = crc32(bytes, crc)
      read += bytes.length
    }
    if (read === part.length && crc === noted.crc32) found.push({ ...part, crc32: crc })
  }
  return found
})
