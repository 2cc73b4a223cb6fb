/** Writes one object: parts into an upload, or, if it is small, bytes into memory; then one request that publishes it. */
import { CreateMultipartUploadCommand, ListPartsCommand, type ListPartsCommandOutput } from "@aws-sdk/client-s3"
import type { SinkError } from "@longshore/core/ExportError"
import {
  collect,
  type ObjectKey,
  type ObjectWriter,
  parts,
  type SinkObject,
  type StoredObject,
  type StoredPart
} from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { crc32 as crc32Of } from "node:zlib"
import type { Checksum } from "../S3Sink.ts"
import { patience, type S3 } from "./client.ts"
import { fromBase64 } from "./crc.ts"
import { about, isGone, type S3Failure, sinkError, toSinkError } from "./failure.ts"
import * as Notes from "./notes.ts"
import { complete, type Found, isOf, look, metadata, put } from "./object.ts"
import { whole } from "./pages.ts"
import { type Receipt, type Upload, uploadPart } from "./part.ts"

export const minPartSize = 5 * 1024 * 1024
export const maxParts = 10_000

/** Where an object is: its place in words, and its key in the bucket. */
export interface Place {
  readonly location: string
  readonly key: string
}

export const storedObject = (key: ObjectKey, { etag, size }: Found): StoredObject => ({ key, size, version: etag })

export const open = Effect.fnUntraced(function* (
  s3: S3,
  place: Place,
  object: SinkObject,
  checksum: Checksum
): Effect.fn.Return<ObjectWriter, SinkError> {
  const all = parts(object)
  if (all.length > maxParts || (all.length > 1 && object.partSize < minPartSize)) {
    return yield* sinkError(
      place.location,
      "InvalidKey",
      `${all.length} parts of ${object.partSize} bytes cannot be stored: S3 takes ${maxParts} of at least ${minPartSize}`
    )
  }
  const before = yield* about(place.location)(look(s3, place.key))
  // Published, and then the process died before anyone else could note it.
  if (isOf(before, object)) return published(place, storedObject(object.key, before), all)
  return object.size <= minPartSize
    ? inMemory(s3, place, object, before)
    : yield* inParts(s3, place, object, checksum, before)
})

const published = ({ location }: Place, stored: StoredObject, all: ReadonlyArray<Part>): ObjectWriter => ({
  stored: all.map((part) => ({ ...part, crc32: undefined })),
  write: () => Effect.fail(sinkError(location, "Conflict", "it is published already")),
  commit: Effect.succeed(stored),
  discard: Effect.void
})

type Part = ReturnType<typeof parts>[number]

/** Whatever the server answered, or did not: what is there now decides. */
const commit = Effect.fnUntraced(function* (
  s3: S3,
  { key, location }: Place,
  object: SinkObject,
  publish: Effect.Effect<unknown, S3Failure>,
  onFound: Effect.Effect<void>
) {
  const answer = yield* Effect.result(publish)
  // Some servers show what they published a little later.
  const until = (found: Found | undefined) => found !== undefined || answer._tag === "Failure"
  const looked = yield* Effect.result(Effect.repeat(look(s3, key), { ...patience, until }))
  const found = looked._tag === "Success" ? looked.success : undefined
  if (isOf(found, object)) {
    // A twin was faster, or the answer was lost: our upload has no more use.
    if (answer._tag === "Failure") yield* onFound
    return storedObject(object.key, found)
  }
  // Why it was not published says more than why that cannot be seen.
  if (answer._tag === "Failure") return yield* toSinkError(location, answer.failure)
  if (looked._tag === "Failure") return yield* toSinkError(location, looked.failure)
  return yield* found === undefined
    ? sinkError(location, "Unavailable", "the server published it, and does not show it")
    : sinkError(location, "Conflict", "another writer replaced it at once")
})

const inMemory = (s3: S3, place: Place, object: SinkObject, before: Found | undefined): ObjectWriter => {
  let held = object.size === 0 ? new Uint8Array() : undefined
  let done: StoredObject | undefined
  return {
    stored: [],
    write: Effect.fnUntraced(function* (part, bytes) {
      held = yield* collect(part, bytes, place.location)
      return crc32Of(held)
    }),
    commit: Effect.gen(function* () {
      if (done !== undefined) return done
      if (held === undefined) return yield* sinkError(place.location, "Unknown", "its only part is missing")
      done = yield* commit(s3, place, object, put(s3, place.key, object, held, before), Effect.void)
      held = undefined
      return done
    }),
    discard: Effect.sync(() => {
      held = undefined
    })
  }
}

const inParts = Effect.fnUntraced(function* (
  s3: S3,
  place: Place,
  object: SinkObject,
  checksum: Checksum,
  before: Found | undefined
) {
  const { key, location } = place
  const all = parts(object)
  const plan = Notes.planOf(object)
  const receipts = new Map<number, Receipt>()
  const stored: Array<StoredPart> = []
  let upload: Upload | undefined
  let done: StoredObject | undefined

  for (const note of yield* about(location)(Notes.list(s3, key))) {
    if (upload !== undefined || note.plan !== plan || note.uploadId === undefined) continue
    const found = yield* about(location)(listParts(s3, key, note.uploadId))
    if (found === undefined) continue
    upload = { key, id: note.uploadId, crc: found.crc, wholeCrc: found.wholeCrc }
    for (const part of all) {
      const one = found.parts.get(part.number)
      if (one === undefined || one.size !== part.length) continue
      receipts.set(part.number, one)
      stored.push({ ...part, crc32: one.crc32 })
    }
  }

  const turn = yield* Semaphore.make(1)
  const ensured = Semaphore.withPermit(
    turn,
    Effect.suspend(() => (upload === undefined ? create(s3, place, object, checksum) : Effect.succeed(upload))).pipe(
      Effect.tap((ready) => Effect.sync(() => (upload = ready)))
    )
  )

  const writer: ObjectWriter = {
    stored,
    write: (part, bytes, crc32) =>
      about(location)(
        Effect.flatMap(ensured, (upload) =>
          uploadPart(s3, location, upload, part, bytes, crc32, checksum === "auto").pipe(
            Effect.map((receipt) => void receipts.set(part.number, receipt))
          )
        )
      ),
    commit: Effect.gen(function* () {
      if (done !== undefined) return done
      const missing = all.filter(({ number }) => !receipts.has(number)).length
      if (missing > 0 || upload === undefined) {
        return yield* sinkError(location, "Unknown", `${missing} of ${all.length} parts are missing`)
      }
      const drop = Effect.ignore(Notes.abort(s3, key, upload.id))
      done = yield* commit(s3, place, object, complete(s3, upload, object, receipts, before), drop)
      return done
    }),
    discard: about(location)(
      Effect.suspend(() => (upload === undefined ? Effect.void : Notes.abort(s3, key, upload.id))).pipe(
        Effect.andThen(
          Effect.sync(() => {
            upload = undefined
            receipts.clear()
          })
        )
      )
    )
  }
  return writer
})

/** Nothing of the same plan is in progress: a new upload, noted before anyone sends a part into it. */
const create = Effect.fnUntraced(function* (s3: S3, { key, location }: Place, object: SinkObject, checksum: Checksum) {
  const plan = Notes.planOf(object)
  yield* Notes.announce(s3, key, plan)
  const upload = yield* begin(s3, { key, location }, metadata(object), checksum)
  yield* Notes.note(s3, key, plan, upload.id)
  return upload
})

/** A new upload, with checksums where the server knows them. */
export const begin = Effect.fnUntraced(function* (
  s3: S3,
  { key, location }: Place,
  Metadata: Record<string, string>,
  checksum: Checksum
) {
  const ask = (more: { ChecksumAlgorithm?: "CRC32"; ChecksumType?: "FULL_OBJECT" }) =>
    s3.patiently((client, options) =>
      client.send(new CreateMultipartUploadCommand({ Bucket: s3.bucket, Key: key, Metadata, ...more }), options)
    )
  const created = yield* checksum === "none"
    ? ask({})
    : // A server without checksums ignores the wish, or refuses it.
      Effect.catchIf(
        ask({ ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" }),
        ({ code, status }) => status === 501 || (status === 400 && /^Invalid(Argument|Request)$/.test(code)),
        () => ask({})
      )
  const id = created.UploadId
  // Without an id a part would be put in the place of the object.
  if (id === undefined || id === "") return yield* sinkError(location, "Unknown", "the server gave the upload no id")
  const upload: Upload = { key, id, ...checksums(created) }
  return upload
})

const checksums = (said: Pick<ListPartsCommandOutput, "ChecksumAlgorithm" | "ChecksumType">) => {
  const crc = said.ChecksumAlgorithm === "CRC32"
  return { crc, wholeCrc: crc && said.ChecksumType === "FULL_OBJECT" }
}

/** What the server holds of an upload; `undefined` if it does not know it. */
export const listParts = (s3: S3, key: string, uploadId: string) =>
  whole(s3, {
    ask: (client, options, after: ListPartsCommandOutput | undefined) =>
      client.send(
        new ListPartsCommand({
          Bucket: s3.bucket,
          Key: key,
          UploadId: uploadId,
          PartNumberMarker: after?.NextPartNumberMarker
        }),
        options
      ),
    next: (page) => (page.IsTruncated === true ? (page.NextPartNumberMarker ?? "") : undefined),
    items: (page) =>
      (page.Parts ?? []).flatMap(({ ChecksumCRC32, ETag: etag, PartNumber: number, Size: size }) =>
        number === undefined || size === undefined || etag === undefined
          ? []
          : [{ number, size, etag, crc32: fromBase64(ChecksumCRC32) }]
      )
  }).pipe(
    Effect.map(({ items, last }) => ({ ...checksums(last), parts: new Map(items.map((part) => [part.number, part])) })),
    Effect.catchIf(isGone, () => Effect.undefined)
  )
