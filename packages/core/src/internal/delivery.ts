/** The second half of a run: plan and deliver each file, then the manifest, written last. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Crc32 from "../Crc32.ts"
import type { ExportId } from "../Export.ts"
import { ExportError, IntegrityError, SinkError } from "../ExportError.ts"
import { publish } from "../ExportEvent.ts"
import type { ExportRunOptions, ExportRunResult } from "../ExportRun.ts"
import type * as FileLinks from "../FileLinks.ts"
import { Journal } from "../Journal.ts"
import * as Manifest from "../Manifest.ts"
import { type ObjectKey, ObjectSink, StoredObject } from "../ObjectSink.ts"
import { FilePlan, Transfer } from "../Transfer.ts"
import { Complete, Delivery, stepName } from "./steps.ts"
import { span } from "./tracing.ts"

/** Content that changes more often than this during one process will not settle. */
const maxRestarts = 3

export const deliver = Effect.fnUntraced(function* (
  options: ExportRunOptions,
  renewal: number,
  exportId: ExportId,
  files: ReadonlyArray<FileLinks.FileIdentity>,
  links: FileLinks.FileLinks
) {
  const sink = yield* ObjectSink
  const transfer = yield* Transfer
  const journal = yield* Journal
  const { request } = options
  const { entityType } = request

  const delivered = yield* Effect.forEach(
    files,
    (file) => deliverFile(options, renewal, Manifest.fileKey(entityType, exportId, file.index), file, links),
    // More files than parts: while some are being published, others are on their way.
    { concurrency: sink.capabilities.parallel ? 2 * transfer.concurrency : 1 }
  )

  // A file that was delivered again may differ: then the manifest is written again, too.
  const revision = delivered.reduce((sum, file) => sum + file.again, 0)
  let fresh = delivered.some((file) => file.fresh)
  const manifest = yield* journal.step({
    name: stepName(renewal, "manifest", revision),
    success: Manifest.Manifest,
    error: ExportError,
    execute: Effect.map(DateTime.now, (now): Manifest.Manifest => {
      fresh = true
      return {
        format: "longshore-manifest/1",
        request,
        exportId,
        entityType,
        completedUtc: DateTime.formatIso(now),
        verified: "size+etag+crc32",
        size: delivered.reduce((sum, file) => sum + file.size, 0),
        files: delivered.map(({ crc32, etag, key, partSize, parts, size }) => ({
          name: key.slice(key.lastIndexOf("/") + 1),
          size,
          crc32: Crc32.toHex(crc32),
          etag,
          ...Manifest.fileParts(partSize, parts)
        }))
      }
    })
  })
  const key = Manifest.key(entityType, exportId)
  if (sink.capabilities.durable) {
    for (let again = 0; ; again++) {
      let written = false
      const stored = yield* journal.step({
        // Each revision of the manifest is published on its own, and again if the sink lost it.
        name: stepName(renewal, revision === 0 ? "publish" : `publish ${revision + 1}`, again),
        success: StoredObject,
        error: ExportError,
        execute: Effect.tap(publishManifest(key, manifest), () => Effect.sync(() => (written = true)))
      })
      fresh ||= written
      if (written || (yield* isThere(stored))) break
    }
    // Complete: what was kept beside the files to survive a crash has done its work.
    yield* Effect.forEach([...delivered.map((file) => file.key), key], sink.settle, {
      concurrency: sink.capabilities.parallel ? transfer.concurrency : 1,
      discard: true
    })
  }
  const { completedUtc } = manifest
  yield* journal.step({
    name: stepName(renewal, "complete", revision),
    success: Complete,
    error: ExportError,
    execute: Effect.succeed({ completedUtc })
  })
  const location = sink.locate(key)
  yield* publish({
    _tag: "RunCompleted",
    exportId,
    files: files.length,
    bytes: manifest.size,
    location,
    completedUtc,
    earlier: !fresh
  })
  const result: ExportRunResult = {
    entityType,
    exportId,
    manifest,
    location,
    files: delivered.map(({ crc32, key, size }) => ({
      key,
      size,
      location: sink.locate(key),
      crc32: Crc32.toHex(crc32)
    })),
    completedUtc,
    earlier: !fresh
  }
  return result
})

/** Delivers a file unless that is done and the sink still has it. Each new delivery is a step of its own. */
const deliverFile = Effect.fnUntraced(function* (
  options: ExportRunOptions,
  renewal: number,
  key: ObjectKey,
  file: FileLinks.FileIdentity,
  links: FileLinks.FileLinks
) {
  const journal = yield* Journal
  const sink = yield* ObjectSink
  const transfer = yield* Transfer
  const name = key.slice(key.lastIndexOf("/") + 1).replace(/\.jsonl$/, "")
  let restarts = 0
  for (let again = 0; ; again++) {
    const plan = yield* journal.step({
      name: stepName(renewal, `plan ${name}`, again),
      success: FilePlan,
      error: ExportError,
      execute: transfer.plan(key, file, options.partSize ?? 8 * 1024 * 1024, links)
    })
    let fresh = false
    const execute = transfer.deliver(key, plan, links).pipe(
      Effect.map((delivered): typeof Delivery.Type => ({ _tag: "Delivered", ...delivered })),
      // Remembered as well, or every resume would try the old plan first.
      Effect.catchTag("SourceError", (error) =>
        error.reason === "ContentChanged"
          ? Effect.succeed<typeof Delivery.Type>({ _tag: "Changed", problem: error.problem })
          : Effect.fail(error)
      ),
      Effect.tap(() => Effect.sync(() => (fresh = true)))
    )
    // A delivery that outlives nothing is not worth remembering.
    const delivery = yield* sink.capabilities.durable
      ? journal.step({
          name: stepName(renewal, `deliver ${name}`, again),
          success: Delivery,
          error: ExportError,
          execute
        })
      : execute
    if (delivery._tag === "Changed") {
      if (!fresh) continue
      yield* publish({ _tag: "FileRestarted", key, problem: delivery.problem })
      if (!sink.capabilities.rewindable) {
        return yield* new SinkError({
          reason: "NotRewindable",
          location: sink.locate(key),
          problem: `${key} changed at its source while it was on its way: it ${delivery.problem}`
        })
      }
      if (++restarts > maxRestarts) {
        return yield* new IntegrityError({ key, problem: `its content keeps changing: it ${delivery.problem}` })
      }
      continue
    }
    if (fresh || (yield* isThere(delivery.stored))) {
      if (!fresh) yield* publish({ _tag: "FileConfirmed", key, size: plan.size, location: sink.locate(key) })
      const { etag, partSize, size } = plan
      return { key, size, partSize, crc32: delivery.crc32, parts: delivery.parts ?? [], etag, again, fresh }
    }
    yield* publish({
      _tag: "FileRestarted",
      key,
      problem: "is missing in the target, or is no longer what was delivered"
    })
  }
})

/** A receipt is a hint: the sink says whether the object is still the one that was delivered. */
const isThere = Effect.fnUntraced(function* (receipt: StoredObject) {
  const sink = yield* ObjectSink
  const found = Option.getOrUndefined(yield* sink.stat(receipt.key))
  return found !== undefined && (found.size ?? receipt.size) === receipt.size && found.version === receipt.version
})

const publishManifest = Effect.fnUntraced(
  function* (key: ObjectKey, manifest: Manifest.Manifest) {
    const sink = yield* ObjectSink
    const crc32 = yield* Crc32.Crc32
    const bytes = Manifest.encode(manifest)
    const crc = crc32(bytes)
    const partSize = Math.max(bytes.length, sink.capabilities.minPartSize)
    const writer = yield* sink.open({ key, size: bytes.length, partSize, version: `crc32 ${Crc32.toHex(crc)}` })
    const [held] = writer.stored
    if (held === undefined || (writer.confirm !== undefined && !(yield* writer.confirm(held)))) {
      yield* writer.write({ number: 1, offset: 0, length: bytes.length }, Stream.make(bytes), Effect.succeed(crc))
    }
    return yield* writer.commit
  },
  Effect.scoped,
  span("longshore.publish")
)
