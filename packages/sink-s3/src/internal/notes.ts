/**
 * What is remembered about uploads, in the bucket itself: S3 lists uploads without their metadata, so nothing else ties
 * an upload to its plan. A note is an empty object whose name says everything:
 *
 *     <prefix>/.longshore/uploads/<key>/<plan>             before an upload is created: uploads of this key are ours
 *     <prefix>/.longshore/uploads/<key>/<plan>.<upload>    before its first part: this upload has this plan
 *
 * `<key>` and `<plan>` are digests, `<upload>` is the upload's id in base64url. No key of ours begins with a dot.
 */
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  PutObjectCommand
} from "@aws-sdk/client-s3"
import type { ObjectKey, SinkObject } from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import type { S3 } from "./client.ts"
import { isGone, type S3Failure } from "./failure.ts"
import { objects, whole } from "./pages.ts"

export interface Note {
  /** Its own key. */
  readonly name: string
  /** The key it is about, digested. */
  readonly key: string
  readonly plan: string
  readonly uploadId: string | undefined
}

const digest = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 32)

/** The content and its cut: parts of different plans are never mixed. */
export const planOf = ({ partSize, size, version }: SinkObject): string => digest([version, size, partSize])
const keyOf = (s3: S3, key: string): string => digest(key.slice(s3.prefix.length))

const folder = (s3: S3): string => `${s3.prefix}.longshore/uploads/`
const nameOf = (s3: S3, key: string, plan: string, uploadId?: string): string =>
  `${folder(s3)}${keyOf(s3, key)}/${plan}${uploadId === undefined ? "" : `.${Buffer.from(uploadId).toString("base64url")}`}`

const put = (s3: S3, name: string) =>
  s3.patiently((client, options) =>
    client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: name, Body: "", ContentLength: 0 }), options)
  )
const remove = (s3: S3, name: string) =>
  s3.patiently((client, options) => client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: name }), options))

export const announce = (s3: S3, key: string, plan: string) => put(s3, nameOf(s3, key, plan))
export const note = (s3: S3, key: string, plan: string, uploadId: string) => put(s3, nameOf(s3, key, plan, uploadId))

/** Notes about one key, or about all. */
export const list = Effect.fnUntraced(function* (s3: S3, key?: string) {
  const Prefix = key === undefined ? folder(s3) : `${folder(s3)}${keyOf(s3, key)}/`
  return (yield* objects(s3, Prefix)).flatMap(({ Key: name = "" }) => noteOf(name))
})

const noteOf = (name: string): ReadonlyArray<Note> => {
  const [, key, plan, id] = /\/([0-9a-f]{32})\/([0-9a-f]{32})(?:\.([\w-]+))?$/.exec(name) ?? []
  if (key === undefined || plan === undefined) return []
  return [{ name, key, plan, uploadId: id === undefined ? undefined : Buffer.from(id, "base64url").toString() }]
}

/** Which of these keys are noted; with the prefix. */
export const about = (s3: S3, notes: ReadonlyArray<Note>, keys: Iterable<ObjectKey>): ReadonlyArray<string> => {
  const noted = new Set(notes.map(({ key }) => key))
  return [...keys].map((key) => `${s3.prefix}${key}`).filter((key) => noted.has(keyOf(s3, key)))
}

/** Uploads in progress whose key is noted as ours; `prefix` is the beginning of whole keys. */
export const uploads = Effect.fnUntraced(function* (s3: S3, notes: ReadonlyArray<Note>, prefix: string) {
  const ours = new Set(notes.map(({ key }) => key))
  const { items } = yield* whole(s3, {
    ask: (client, options, after: ListMultipartUploadsCommandOutput | undefined) =>
      client.send(
        new ListMultipartUploadsCommand({
          Bucket: s3.bucket,
          Prefix: prefix,
          KeyMarker: after?.NextKeyMarker,
          UploadIdMarker: after?.NextUploadIdMarker
        }),
        options
      ),
    next: (page) => (page.IsTruncated === true ? `${page.NextUploadIdMarker} ${page.NextKeyMarker}` : undefined),
    items: (page) =>
      (page.Uploads ?? []).flatMap(({ Initiated: initiated, Key: key = "", UploadId: uploadId = "" }) =>
        ours.has(keyOf(s3, key)) ? [{ key, uploadId, initiated }] : []
      )
  })
  return items
})

/** An upload that is not there is aborted. */
export const abort = (s3: S3, key: string, uploadId: string): Effect.Effect<void, S3Failure> =>
  s3
    .patiently((client, options) =>
      client.send(new AbortMultipartUploadCommand({ Bucket: s3.bucket, Key: key, UploadId: uploadId }), options)
    )
    .pipe(
      Effect.asVoid,
      Effect.catchIf(isGone, () => Effect.void)
    )

const forget = (s3: S3, notes: ReadonlyArray<Note>): Effect.Effect<void, S3Failure> =>
  Effect.forEach(notes, ({ name }) => remove(s3, name), { concurrency: 4, discard: true })

/** Ends what is left of uploads of a key. */
export const settle = Effect.fnUntraced(function* (s3: S3, key: string) {
  const notes = yield* list(s3, key)
  if (notes.length === 0) return
  const left = (yield* uploads(s3, notes, key)).filter((upload) => upload.key === key)
  yield* Effect.forEach(left, ({ uploadId }) => abort(s3, key, uploadId), { discard: true })
  // Last, so that a crash in between leaves something to know them by.
  yield* forget(s3, notes)
})

/** Aborts one upload, or none: then notes are removed that outlived theirs. Once none of its key is left, neither is a note. */
export const drop = Effect.fnUntraced(function* (s3: S3, key: string, uploadId: string | undefined) {
  const notes = yield* list(s3, key)
  if (notes.length === 0) return
  const open = (yield* uploads(s3, notes, key)).filter((upload) => upload.key === key)
  const isOpen = open.some((upload) => upload.uploadId === uploadId)
  if (uploadId !== undefined && isOpen) yield* abort(s3, key, uploadId)
  const others = open.filter((upload) => upload.uploadId !== uploadId)
  // Last, so that a crash in between leaves something to know them by.
  yield* forget(s3, others.length === 0 ? notes : notes.filter((note) => note.uploadId === uploadId && isOpen))
})
