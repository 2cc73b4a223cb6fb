/** Objects as they are published: looked at, put, and read. */
import {
  CompleteMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand
} from "@aws-sdk/client-s3"
import * as Crc32 from "@longshore/core/Crc32"
import type { SinkError } from "@longshore/core/ExportError"
import { type Part, parts, type SinkObject } from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { S3 } from "./client.ts"
import { toBase64 } from "./crc.ts"
import { failure, isMissing, type S3Failure, sinkError, toSinkError } from "./failure.ts"
import { planOf } from "./notes.ts"
import type { Receipt, Upload } from "./part.ts"

/** By this metadata an object is known again as the one that a plan led to, also after a lost answer. */
const planKey = "longshore-plan"
export const metadata = (object: SinkObject) => ({ [planKey]: planOf(object) })

export interface Found {
  readonly size: number
  readonly etag: string
  readonly plan: string | undefined
}

export const isOf = (found: Found | undefined, object: SinkObject): found is Found =>
  found !== undefined && found.size === object.size && found.plan === planOf(object)

/** Asks for what has a body, which names what is wrong; the answer to a HEAD has none. */
export const list = (s3: S3) =>
  s3.patiently((client, options) =>
    client.send(new ListObjectsV2Command({ Bucket: s3.bucket, Prefix: s3.prefix, MaxKeys: 1 }), options)
  )

export const look = (s3: S3, key: string): Effect.Effect<Found | undefined, S3Failure> =>
  s3
    .patiently((client, options) => client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key: key }), options))
    .pipe(
      Effect.map(({ ContentLength: size = 0, ETag: etag = "", Metadata }) => ({
        size,
        etag,
        plan: Metadata?.[planKey]
      })),
      Effect.catchIf(isMissing, () => Effect.undefined),
      Effect.catchIf(
        ({ status }) => status === 400 || status === 403,
        (unexplained) => Effect.andThen(list(s3), Effect.fail(unexplained))
      )
    )

interface Condition {
  readonly IfMatch?: string
  readonly IfNoneMatch?: "*"
}

/** Many bytes on a slow line, many parts to make one of: that may take a while. */
const long = "30 minutes"

/** Only in place of what was there at first. A server that does not know conditions is asked without. */
const onlyAfter = <A>(before: Found | undefined, ask: (condition: Condition) => Effect.Effect<A, S3Failure>) =>
  Effect.catchIf(
    ask(before === undefined ? { IfNoneMatch: "*" } : { IfMatch: before.etag }),
    ({ status }) => status === 501,
    () => ask({})
  )

/** Signed, so that the server refuses other bytes. */
export const put = (s3: S3, key: string, object: SinkObject, body: Uint8Array, before: Found | undefined) =>
  onlyAfter(before, (condition) =>
    s3.patiently(
      (client, options) =>
        client.send(
          new PutObjectCommand({
            Bucket: s3.bucket,
            Key: key,
            Body: body,
            ContentLength: body.length,
            Metadata: metadata(object),
            ...condition
          }),
          options
        ),
      long
    )
  )

/** Makes one object of the parts. Where the server knows checksums, it must come to our own of the whole. */
export const complete = (
  s3: S3,
  upload: Upload,
  object: SinkObject,
  receipts: ReadonlyMap<number, Receipt>,
  before: Found | undefined
) => {
  let whole: number | undefined = 0
  const list = parts(object).map(({ length, number }) => {
    const { crc32, etag } = receipts.get(number) ?? { crc32: undefined, etag: "" }
    whole = whole === undefined || crc32 === undefined ? undefined : Crc32.combine(whole, crc32, length)
    const ChecksumCRC32 = upload.crc && crc32 !== undefined ? toBase64(crc32) : undefined
    return { PartNumber: number, ETag: etag, ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) }
  })
  return onlyAfter(before, (condition) =>
    s3.patiently(
      (client, options) =>
        client.send(
          new CompleteMultipartUploadCommand({
            Bucket: s3.bucket,
            Key: upload.key,
            UploadId: upload.id,
            MultipartUpload: { Parts: list },
            ...(upload.wholeCrc && whole !== undefined
              ? { ChecksumCRC32: toBase64(whole), ChecksumType: "FULL_OBJECT" }
              : {}),
            ...condition
          }),
          { ...options, requestTimeout: 300_000 }
        ),
      long
    )
  )
}

export const read = (
  s3: S3,
  location: string,
  key: string,
  { length, offset }: Pick<Part, "offset" | "length">
): Stream.Stream<Uint8Array, SinkError> => {
  if (length === 0) return Stream.empty
  const fails = Effect.fail(sinkError(location, "Conflict", `it does not hold ${length} bytes from ${offset} on`))
  const Range = `bytes=${offset}-${offset + length - 1}`
  return s3
    .patiently((client, options) => client.send(new GetObjectCommand({ Bucket: s3.bucket, Key: key, Range }), options))
    .pipe(
      Effect.mapError((error) => toSinkError(location, error)),
      Effect.flatMap(({ Body, ContentLength }) => {
        if (Body === undefined || !(Symbol.asyncIterator in Body)) return fails
        if (ContentLength !== length) {
          // Unread, it would keep its connection.
          if ("destroy" in Body) Body.destroy()
          return fails
        }
        return Effect.succeed(
          Stream.fromAsyncIterable<Uint8Array, SinkError>(Body, (cause) => toSinkError(location, failure(cause)))
        )
      }),
      Stream.unwrap
    )
}
