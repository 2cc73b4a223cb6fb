/**
 * A sink that keeps objects in a bucket of S3, or of a server that speaks it: Ceph, MinIO, R2, Garage.
 *
 * Parts of the transfer are parts of a multipart upload, so that what was uploaded survives the process and `ListParts`
 * tells it. A small note in the bucket, `<prefix>/.longshore/uploads/…`, ties an upload to the plan it was made for: parts of
 * different content are never mixed. Objects of up to 5 MiB are put in one request. Either way nothing is visible before
 * `commit`, and a published object carries its plan as metadata, by which it is known again when an answer was lost.
 *
 * @since 0.1.0
 */
import type { SinkError } from "@longshore/core/ExportError"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { make as makeClient, type S3 } from "./internal/client.ts"
import { about } from "./internal/failure.ts"
import * as Notes from "./internal/notes.ts"
import { probe as makeProbe } from "./internal/probe.ts"
import { locationOf, make } from "./internal/sink.ts"
import { listParts } from "./internal/writer.ts"

/**
 * How a stored part is compared with what was received. `auto`: by CRC-32 where the server keeps one, else by the MD5 that
 * most servers give as a part's ETag (1.4 s of processor time per GiB). `crc32`: by CRC-32 where the server keeps one, else
 * not. `none`: not, for servers that stumble over the wish for a checksum.
 *
 * @since 0.1.0
 * @category models
 */
export type Checksum = "auto" | "crc32" | "none"

/**
 * @since 0.1.0
 * @category models
 */
export interface S3SinkOptions {
  readonly bucket: string
  /** Keys begin with it and a slash. */
  readonly prefix?: string | undefined
  /** Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile; with an endpoint also `us-east-1`. */
  readonly region?: string | undefined
  /** The address of a server that is not AWS. Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, AWS. */
  readonly endpoint?: string | undefined
  /** The bucket in the path and not in the host's name. Default: with an endpoint. */
  readonly forcePathStyle?: boolean | undefined
  /** A profile of `~/.aws`. Default: `AWS_PROFILE`. */
  readonly profile?: string | undefined
  /** Default: where AWS users expect them: environment, profile, single sign-on, web identity, container, machine. */
  readonly credentials?: S3Credentials | undefined
  /** Default `auto`. */
  readonly checksum?: Checksum | undefined
  /** Only to look at what is there, with credentials that need no more: nothing can be written. */
  readonly readOnly?: boolean | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Redacted.Redacted
  readonly sessionToken?: Redacted.Redacted | undefined
}

/**
 * Objects in a bucket, below a prefix. Fails early if the bucket cannot be listed or written; one that is
 * `readOnly` asks nothing before it is asked.
 *
 * ```ts
 * import { S3Sink } from "@longshore/sink-s3"
 *
 * export const layer = S3Sink.layer({ bucket: "exports", prefix: "mews" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: S3SinkOptions): Layer.Layer<ObjectSink.ObjectSink, SinkError> =>
  Layer.effect(ObjectSink.ObjectSink, make(options))

/**
 * An upload that was begun below the prefix and neither completed nor aborted: of a run that died and was not resumed,
 * or of one that is still at work. Or only the notes about it.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenUpload {
  /** With the prefix. */
  readonly key: string
  /** `undefined`: it is over, and its notes are left. */
  readonly uploadId: string | undefined
  readonly initiated: Date | undefined
  /** Bytes of the parts that are stored. */
  readonly size: number
}

/**
 * Our uploads in progress below the prefix. Those of other programs are not ours, whatever their key: ours are noted.
 * Notes hold digests of keys, so those that outlived their upload are told of only for keys that are given.
 *
 * @since 0.1.0
 * @category maintenance
 */
export const abandoned = (
  options: S3SinkOptions,
  keys: Iterable<ObjectSink.ObjectKey> = []
): Effect.Effect<ReadonlyArray<OpenUpload>, SinkError> =>
  Effect.scoped(Effect.flatMap(makeClient(options), (s3) => about(locationOf(s3))(listOpen(s3, keys))))

const listOpen = Effect.fnUntraced(function* (s3: S3, keys: Iterable<ObjectSink.ObjectKey>) {
  const notes = yield* Notes.list(s3)
  const uploads = yield* Effect.forEach(
    yield* Notes.uploads(s3, notes, s3.prefix),
    (upload) =>
      Effect.map(listParts(s3, upload.key, upload.uploadId), (held): OpenUpload | undefined =>
        held === undefined
          ? undefined
          : { ...upload, size: [...held.parts.values()].reduce((sum, part) => sum + part.size, 0) }
      ),
    { concurrency: 4 }
  )
  const open = uploads.filter((upload) => upload !== undefined)
  const busy = new Set(open.map(({ key }) => key))
  const over = Notes.about(s3, notes, keys).filter((key) => !busy.has(key))
  return [...open, ...over.map((key): OpenUpload => ({ key, uploadId: undefined, initiated: undefined, size: 0 }))]
})

/**
 * Aborts an upload and frees its parts. Do not do this to a run that is still at work: it has to start its file again.
 *
 * @since 0.1.0
 * @category maintenance
 */
export const abort = (
  options: S3SinkOptions,
  upload: Pick<OpenUpload, "key" | "uploadId">
): Effect.Effect<void, SinkError> =>
  Effect.scoped(
    Effect.flatMap(makeClient(options), (s3) => about(locationOf(s3))(Notes.drop(s3, upload.key, upload.uploadId)))
  )

/**
 * What of a bucket is tried, in this order.
 *
 * @since 0.1.0
 * @category models
 */
export type ProbeStep = "settings" | "credentials" | "list" | "upload" | "object"

/**
 * What a probe found out. What comes after a problem was not tried.
 *
 * @since 0.1.0
 * @category models
 */
export interface BucketProbe {
  /** That requests are signed for. */
  readonly region?: string
  /** The end of the key's id, and where it is from. */
  readonly credentials?: { readonly id: string; readonly source: string }
  /** The server's clock in an answer, and ours when it was asked for and when it came. Milliseconds since 1970. */
  readonly clock?: { readonly sent: number; readonly received: number; readonly date: number }
  /** Whether the server keeps a CRC-32 of each part. Else parts are compared by their MD5. */
  readonly checksums?: boolean
  /** Whether the server refuses to put an object in another's place if it is told so. */
  readonly conditions?: boolean
  readonly problem?: { readonly step: ProbeStep; readonly error: SinkError }
}

/**
 * Tries what a run would ask of the bucket, each once: an upload of a part, which it aborts, and a small object, which it
 * removes. Both are below `<prefix>/.longshore/probe/`, where it also clears away what probes left that were killed.
 *
 * @since 0.1.0
 * @category maintenance
 */
export const probe = (options: S3SinkOptions): Effect.Effect<BucketProbe> =>
  Effect.scoped(Effect.flatMap(makeClient(options), makeProbe))
