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
 * How a stored part is compared with what was received. `auto`: by CRC-32 where the server keeps one
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html), else by the MD5 that
 * most servers give as a part's ETag (1.4 s of processor time per GiB). `crc32`: by CRC-32 where the server keeps one, else
 * not. `none`: not, for servers that stumble over the wish for a checksum.
 *
 * @since 0.1.0
 * @category models
 */
export type Checksum = "auto" | "crc32" | "none"

/**
 * Which bucket, and how it is reached. Whatever is not given is looked for where AWS's own tools look.
 *
 * @since 0.1.0
 * @category models
 */
export interface S3SinkOptions {
  /** Its name alone. It has to exist: no bucket is made. */
  readonly bucket: string
  /** Keys begin with it and a slash. Slashes at its own ends count for nothing. Default: none. */
  readonly prefix?: string | undefined
  /** Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile; with an endpoint also `us-east-1`. */
  readonly region?: string | undefined
  /** The address of a server that is not AWS, with its scheme. Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, AWS. */
  readonly endpoint?: string | undefined
  /** The bucket in the path and not in the host's name. Default: `true` with an endpoint, else `false`. */
  readonly forcePathStyle?: boolean | undefined
  /** A profile of `~/.aws`. Default: `AWS_PROFILE`. */
  readonly profile?: string | undefined
  /** Default: where AWS users expect them: environment, profile, single sign-on, web identity, container, machine. */
  readonly credentials?: S3Credentials | undefined
  /** Default `auto`. */
  readonly checksum?: Checksum | undefined
  /**
   * Only to look at what is there, with credentials that need no more: nothing can be written (`PermissionDenied`).
   * Default `false`.
   */
  readonly readOnly?: boolean | undefined
}

/**
 * Keys of an account, for a program that has its own way to them. Leave them out to have them found, and renewed when they
 * expire.
 *
 * @since 0.1.0
 * @category models
 */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Redacted.Redacted
  /** Of temporary credentials. They are not renewed: a run that outlives them ends with `PermissionDenied`. */
  readonly sessionToken?: Redacted.Redacted | undefined
}

/**
 * Objects in a bucket, below a prefix. Building it lists the prefix, and puts and removes an empty object
 * (`<prefix>/.longshore/probe`), so that a bucket that cannot be used is told before the first byte; one that is
 * `readOnly` asks nothing before it is asked.
 *
 * The parts of a file are the parts of a multipart upload: at least 5 MiB each but for the last, and at most 10,000
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). What may pass by itself is tried again a few times, for
 * about 6 seconds; parts are not, as that is `Transfer`'s to decide. Building and all operations fail with a `SinkError` of reason
 *
 * - `PermissionDenied`: no credentials, expired ones, or ones that may not; also a clock that is wrong by 15 minutes;
 * - `InvalidKey`: no such bucket, another region, an endpoint that does not fit; nothing follows a redirect;
 * - `NoSpace`: a quota or the server's disks are full;
 * - `Conflict`: another writer was here first, or an upload or a part is gone;
 * - `Corrupt`: the bytes arrived changed and were not taken, or are stored with another checksum;
 * - `Unavailable`: the server cannot be reached, does not answer in time or asks to slow down;
 * - `Unknown`: everything else.
 *
 * @example
 * ```ts
 * import { S3Sink } from "@longshore/sink-s3"
 *
 * // Credentials and region as AWS's own tools find them.
 * const layer = S3Sink.layer({ bucket: "exports", prefix: "mews" })
 * ```
 *
 * @example A server that is not AWS
 * ```ts
 * import { S3Sink } from "@longshore/sink-s3"
 * import { Redacted } from "effect"
 *
 * const layer = S3Sink.layer({
 *   bucket: "exports",
 *   endpoint: "https://s3.example.com",
 *   credentials: {
 *     accessKeyId: process.env.CEPH_ACCESS_KEY_ID ?? "",
 *     secretAccessKey: Redacted.make(process.env.CEPH_SECRET_ACCESS_KEY ?? "")
 *   }
 * })
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
  /** The server's id of it; `undefined`: it is over, and its notes are left. */
  readonly uploadId: string | undefined
  /** When it was begun, by the server's clock, if that says so. */
  readonly initiated: Date | undefined
  /** Bytes of the parts that are stored, which the bucket's owner pays for. */
  readonly size: number
}

/**
 * Our uploads in progress below the prefix. Those of other programs are not ours, whatever their key: ours are noted.
 * Notes hold digests of keys, so those that outlived their upload are told of only for keys that are given.
 *
 * `within` is a folder (`Reservation/3fa85f64-…`): only what would be below it. Default: all.
 *
 * Touches nothing. Whether somebody is at work on one of them is not told: ask the journals, or be sure that no run is under way.
 * Fails with a `SinkError` as {@link layer} does.
 *
 * @example Abort what no run will go on with
 * ```ts
 * import { S3Sink } from "@longshore/sink-s3"
 * import { Effect } from "effect"
 *
 * const sink = { bucket: "exports", prefix: "mews" }
 * const tidy = Effect.gen(function* () {
 *   const uploads = yield* S3Sink.abandoned(sink)
 *   yield* Effect.forEach(uploads, (upload) => S3Sink.abort(sink, upload), { discard: true })
 *   return uploads.reduce((sum, { size }) => sum + size, 0)
 * })
 * ```
 *
 * @since 0.1.0
 * @category maintenance
 */
export const abandoned = (
  options: S3SinkOptions & { readonly within?: string },
  keys: Iterable<ObjectSink.ObjectKey> = []
): Effect.Effect<ReadonlyArray<OpenUpload>, SinkError> =>
  Effect.scoped(Effect.flatMap(makeClient(options), (s3) => about(locationOf(s3))(listOpen(s3, keys, options.within))))

const listOpen = Effect.fnUntraced(function* (
  s3: S3,
  keys: Iterable<ObjectSink.ObjectKey>,
  within: string | undefined
) {
  const notes = yield* Notes.list(s3)
  const uploads = yield* Effect.forEach(
    yield* Notes.uploads(s3, notes, `${s3.prefix}${within === undefined ? "" : `${within}/`}`),
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
 * Aborts an upload, frees its parts and removes the notes about it; what is gone already counts as removed, and what was
 * published under the key stays. An upload that is not noted as ours is left alone. Do not do this to a run that is still at
 * work: it has to start its file again. Fails with a `SinkError` as {@link layer} does.
 *
 * @example What is older than a week
 * ```ts
 * import { S3Sink } from "@longshore/sink-s3"
 * import { Effect } from "effect"
 *
 * const sink = { bucket: "exports", prefix: "mews" }
 * const older = (since: Date | undefined) => since !== undefined && Date.now() - since.getTime() > 7 * 86_400_000
 *
 * const tidy = Effect.flatMap(S3Sink.abandoned(sink), (uploads) =>
 *   Effect.forEach(
 *     uploads.filter(({ initiated }) => older(initiated)),
 *     (upload) => S3Sink.abort(sink, upload)
 *   )
 * )
 * ```
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
 * What of a bucket is tried, in this order: a region is known, credentials are found, the prefix can be listed, an upload of a
 * part works, an object can be put, read and removed.
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
  /** The region that requests are signed for. */
  readonly region?: string
  /** The end of the key's id, never more, and where it is from, in words. */
  readonly credentials?: { readonly id: string; readonly source: string }
  /** The server's clock in an answer, and ours when it was asked for and when it came. Milliseconds since 1970. */
  readonly clock?: { readonly sent: number; readonly received: number; readonly date: number }
  /** Whether the server keeps a CRC-32 of each part. Else parts are compared by their MD5. */
  readonly checksums?: boolean
  /** Whether the server refuses to put an object in another's place if it is told so (`If-None-Match: *`). */
  readonly conditions?: boolean
  /** What went wrong first, if something did. */
  readonly problem?: { readonly step: ProbeStep; readonly error: SinkError }
}

/**
 * Tries what a run would ask of the bucket, each once: an upload of a part, which it aborts, and a small object, which it
 * removes. Both are below `<prefix>/.longshore/probe/`, where it also clears away what probes left that were killed.
 *
 * It never fails: what went wrong is the `problem`. No answer is waited for longer than 10 seconds. For a program's own "does
 * it work here?", before hours of transfer depend on it.
 *
 * @example
 * ```ts
 * import { S3Sink } from "@longshore/sink-s3"
 * import { Effect, Redacted } from "effect"
 *
 * const credentials = { accessKeyId: "AKIDEXAMPLE12345", secretAccessKey: Redacted.make("secret") }
 * // Nobody listens there.
 * const probe = S3Sink.probe({ bucket: "exports", endpoint: "http://127.0.0.1:9", credentials })
 * const { credentials: found, problem } = await Effect.runPromise(probe)
 *
 * found?.id // => "…2345"
 * problem?.step // => "list"
 * problem?.error.reason // => "Unavailable"
 * ```
 *
 * @since 0.1.0
 * @category maintenance
 */
export const probe = (options: S3SinkOptions): Effect.Effect<BucketProbe> =>
  Effect.scoped(Effect.flatMap(makeClient(options), makeProbe))
