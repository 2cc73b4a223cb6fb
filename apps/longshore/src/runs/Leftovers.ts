/** What runs left in a target beside whole files: partial files in a folder, multipart uploads in a bucket. */
import { EntityType, ExportId } from "@longshore/core/Export"
import type { SinkError } from "@longshore/core/ExportError"
import type { ObjectKey } from "@longshore/core/ObjectSink"
import * as FsSink from "@longshore/sink-fs/FsSink"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { join } from "node:path"
import type { Target } from "./Target.ts"

export interface Leftover {
  /** Of the object that it would have become, below the target. */
  readonly key: string
  /** For people; of a partial file and its log, which may be without each other, both. */
  readonly location: string
  /** `notes`: an upload is over, and what was noted about it is left. */
  readonly kind: "partial" | "upload" | "notes"
  /** Bytes of the parts that are stored. */
  readonly size: number
  /** Whether a run of the same plan goes on with it. */
  readonly resumable: boolean
  /** What is not there is removed. */
  readonly remove: Effect.Effect<void, SinkError>
}

/**
 * All of them, whoever left them there; touches nothing. `keys`: those whose notes are wanted, too. `within`: only of one
 * export, `Reservation/3fa85f64-…`.
 */
export const find = (
  target: Target,
  keys: Iterable<ObjectKey>,
  within?: string
): Effect.Effect<ReadonlyArray<Leftover>, SinkError> => {
  switch (target._tag) {
    case "Folder":
      return inFolder(target, within)
    case "S3":
      return inBucket(target, keys, within)
    case "Stdout":
      return Effect.succeed([])
  }
}

const inFolder = Effect.fnUntraced(function* (target: Extract<Target, { _tag: "Folder" }>, within: string | undefined) {
  const found = yield* FsSink.abandoned({
    directory: target.directory,
    within: within === undefined ? isOfExports : (folder) => `${within}/`.startsWith(`${folder}/`)
  })
  return found.map((partial): Leftover => {
    const { key, plan, resumable, size } = partial
    const location = join(target.directory, `${key}.${plan}.*`)
    return { key, location, size, resumable, kind: "partial", remove: FsSink.abort(target, partial) }
  })
})

const isEntityType = Schema.is(EntityType)
const isExportId = Schema.is(ExportId)

/** A target may be a home with whatever else is in it: only folders that can be an export's are looked into. */
const isOfExports = (folder: string): boolean => {
  const [entityType, exportId, ...more] = folder.split("/")
  return isEntityType(entityType) && (exportId === undefined || isExportId(exportId)) && more.length === 0
}

const inBucket = Effect.fnUntraced(function* (
  target: Extract<Target, { _tag: "S3" }>,
  keys: Iterable<ObjectKey>,
  within: string | undefined
): Effect.fn.Return<ReadonlyArray<Leftover>, SinkError> {
  // Larger than all the rest together, and only some need it.
  const S3Sink = yield* Effect.promise(() => import("@longshore/sink-s3/S3Sink"))
  const found = yield* S3Sink.abandoned(within === undefined ? target : { ...target, within }, keys)
  return found.map((upload) => ({
    key: target.prefix === "" ? upload.key : upload.key.slice(target.prefix.length + 1),
    location: `s3://${target.bucket}/${upload.key}`,
    kind: upload.uploadId === undefined ? "notes" : "upload",
    size: upload.size,
    resumable: upload.uploadId !== undefined,
    remove: S3Sink.abort(target, upload)
  }))
})
