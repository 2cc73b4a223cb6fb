/** What a run asks of a bucket, on a small scale: a list, an upload in parts, an object; and all of it taken away again. */
import {
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand
} from "@aws-sdk/client-s3"
import { SinkError } from "@longshore/core/ExportError"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { crc32 } from "node:zlib"
import type { BucketProbe, ProbeStep } from "../S3Sink.ts"
import { inTime, type S3 } from "./client.ts"
import { type S3Failure, sinkError, toSinkError } from "./failure.ts"
import { abort } from "./notes.ts"
import { list, look, read } from "./object.ts"
import { uploadPart } from "./part.ts"
import { locationOf } from "./sink.ts"
import { begin, listParts, type Place } from "./writer.ts"

const bytes = Buffer.from("longshore probe\n")
const folder = (s3: S3): string => `${s3.prefix}.longshore/probe/`

/** A probe takes seconds: what is older was left by one that was killed. */
const abandoned = (since: Date | undefined): boolean => since === undefined || Date.now() - since.getTime() > 600_000

export const probe = Effect.fnUntraced(function* (patient: S3): Effect.fn.Return<BucketProbe> {
  // What does not come at once is what there is to tell.
  const s3: S3 = { ...patient, patiently: (call) => inTime(patient.once(call), "10 seconds") }
  const found: { -readonly [K in keyof BucketProbe]: BucketProbe[K] } = {}
  const place = (key: string): Place => ({ key, location: locationOf(s3, key.slice(s3.prefix.length)) })
  const step = <A, R>(name: ProbeStep, effect: Effect.Effect<A, S3Failure | SinkError, R>) =>
    Effect.mapError(effect, (error) => ({
      step: name,
      error: error instanceof SinkError ? error : toSinkError(locationOf(s3), error)
    }))
  yield* Effect.gen(function* () {
    yield* step(
      "settings",
      s3.once(async (client) => watchClock(client, (reading) => (found.clock ??= reading)))
    )
    found.region = yield* step(
      "settings",
      s3.patiently((client) => client.config.region())
    )
    found.credentials = yield* step("credentials", s3.patiently(credentials))
    yield* step("list", list(s3))
    yield* Effect.ignore(clear(s3))
    const key = `${folder(s3)}${randomUUID()}`
    found.checksums = yield* step("upload", upload(s3, place(key)))
    found.conditions = yield* step("object", object(s3, place(key)))
  }).pipe(Effect.catch((problem) => Effect.sync(() => void (found.problem = problem))))
  return found
})

/** An upload of one part, which the server lists. Whether it keeps a CRC-32 of it. */
const upload = Effect.fnUntraced(function* (s3: S3, place: Place) {
  const begun = yield* Effect.acquireRelease(begin(s3, place, {}, "auto"), ({ id }) =>
    Effect.ignore(abort(s3, place.key, id))
  )
  const part = { number: 1, offset: 0, length: bytes.length }
  yield* uploadPart(s3, place.location, begun, part, Stream.succeed(bytes), Effect.succeed(crc32(bytes)), true)
  const there = yield* listParts(s3, place.key, begun.id)
  if (there?.parts.get(1)?.size !== bytes.length) {
    return yield* sinkError(place.location, "Unknown", "the server does not list a part that was uploaded")
  }
  yield* abort(s3, place.key, begun.id)
  return begun.crc
}, Effect.scoped)

/** An object that is put, looked at, read and removed. Whether the server refuses to put another in its place. */
const object = Effect.fnUntraced(function* (s3: S3, { key, location }: Place) {
  const remove = s3.patiently((client, options) =>
    client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: key }), options)
  )
  const put = (condition: { readonly IfNoneMatch?: "*" }) =>
    s3.patiently((client, options) =>
      client.send(
        new PutObjectCommand({ Bucket: s3.bucket, Key: key, Body: bytes, ContentLength: bytes.length, ...condition }),
        options
      )
    )
  /** Whether the server did what the condition asks for, or knows none. */
  const isNew = Effect.as(put({ IfNoneMatch: "*" }), true).pipe(
    Effect.catchIf(
      ({ status }) => status === 409 || status === 412 || status === 501,
      ({ status }) => Effect.succeed(status === 501 ? undefined : false)
    )
  )
  yield* Effect.addFinalizer(() => Effect.ignore(remove))
  if ((yield* isNew) === undefined) yield* put({})
  const again = yield* isNew
  const there = yield* look(s3, key)
  const back = yield* Stream.runCollect(read(s3, location, key, { offset: 0, length: bytes.length }))
  if (there?.size !== bytes.length || !Buffer.concat(back).equals(bytes)) {
    return yield* sinkError(location, "Corrupt", "the server does not give back what was put")
  }
  yield* remove
  return again === false
}, Effect.scoped)

/** What probes left that were killed. */
const clear = Effect.fnUntraced(function* (s3: S3) {
  const where = { Bucket: s3.bucket, Prefix: folder(s3) }
  const objects = yield* s3.patiently((client, options) => client.send(new ListObjectsV2Command(where), options))
  for (const { Key, LastModified } of objects.Contents ?? []) {
    if (Key === undefined || !abandoned(LastModified)) continue
    yield* s3.patiently((client, options) => client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key }), options))
  }
  const uploads = yield* s3.patiently((client, options) => client.send(new ListMultipartUploadsCommand(where), options))
  for (const { Initiated, Key, UploadId } of uploads.Uploads ?? []) {
    if (Key === undefined || UploadId === undefined || !abandoned(Initiated)) continue
    yield* abort(s3, Key, UploadId)
  }
})

type Client = Parameters<Parameters<S3["once"]>[0]>[0]

const credentials = async (client: Client): Promise<NonNullable<BucketProbe["credentials"]>> => {
  const found = await client.config.credentials()
  const marks = "$source" in found && typeof found.$source === "object" ? Object.keys(found.$source ?? {}) : []
  const { accessKeyId } = found
  return {
    // As much as tells two of one person apart.
    id: accessKeyId.length < 16 ? "…" : `…${accessKeyId.slice(-4)}`,
    source: sources.find(([pattern]) => marks.some((mark) => pattern.test(mark)))?.[1] ?? "the program"
  }
}

/** By the SDK's own marks, the most telling first. */
const sources: ReadonlyArray<readonly [pattern: RegExp, words: string]> = [
  [/SSO|LOGIN/, "single sign-on"],
  [/WEB_ID/, "a web identity"],
  [/ASSUME_ROLE/, "a role"],
  [/PROCESS/, "the profile's program"],
  [/PROFILE/, "the profile"],
  [/ENV_VARS/, "the environment (AWS_ACCESS_KEY_ID)"],
  [/HTTP/, "the container's metadata service"],
  [/IMDS/, "the machine's metadata service"]
]

/** Every answer says what time it is, refusals too. */
const watchClock = (client: Client, tell: (reading: NonNullable<BucketProbe["clock"]>) => void): void =>
  client.middlewareStack.add(
    (next) => async (args) => {
      const sent = Date.now()
      const result = await next(args)
      const { response } = result
      const headers = typeof response === "object" && response !== null && "headers" in response && response.headers
      const date =
        typeof headers === "object" && headers !== null && "date" in headers
          ? Date.parse(String(headers.date))
          : Number.NaN
      if (!Number.isNaN(date)) tell({ sent, received: Date.now(), date })
      return result
    },
    { step: "deserialize", priority: "low", name: "longshoreClock" }
  )
