/** How the tests deliver, and what they find afterwards. */
import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3"
import { assert } from "@effect/vitest"
import type { SinkError } from "@longshore/core/ExportError"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { randomFillSync } from "node:crypto"
import { crc32 } from "node:zlib"
import { S3Sink } from "../src/index.ts"
import { type Fault, xml } from "./proxy.ts"
import { bucket, client } from "./server.ts"

export const partSize = 5 * 2 ** 20
export const key = ObjectSink.ObjectKey.make("Reservation/1/Reservation-00001.jsonl")
export const large = randomFillSync(Buffer.alloc(2 * partSize + 77))
export const small = large.subarray(0, 1234)
export const objectOf = (bytes: Uint8Array, version = "1"): ObjectSink.SinkObject => ({
  key,
  size: bytes.length,
  partSize,
  version
})

export type Sink = ObjectSink.ObjectSink["Service"]
/** A process of its own. */
export const within = <A, E>(options: S3Sink.S3SinkOptions, body: (sink: Sink) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.provide(Effect.flatMap(ObjectSink.ObjectSink, body), S3Sink.layer(options)))

export const write = (writer: ObjectSink.ObjectWriter, bytes: Uint8Array, part: ObjectSink.Part) => {
  const piece = bytes.subarray(part.offset, part.offset + part.length)
  return writer.write(
    part,
    Stream.rechunk(Stream.make(piece), 1),
    Effect.sync(() => crc32(piece))
  )
}
/** As `Transfer` does: only the parts that are missing, each until it is stored, while that may help. */
export const deliver = (sink: Sink, object: ObjectSink.SinkObject, bytes: Uint8Array) =>
  Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* sink.open(object)
      for (const part of ObjectSink.parts(object)) {
        if (writer.stored.some(({ number }) => number === part.number)) continue
        yield* Effect.retry(write(writer, bytes, part), { times: 3, while: ({ retryable }: SinkError) => retryable })
      }
      return yield* writer.commit
    })
  )

/** Compared by hand: 10 MiB element by element take an assertion a second. */
export const equal = (found: Uint8Array | undefined, expected: Uint8Array) =>
  assert.isTrue(found !== undefined && Buffer.compare(found, expected) === 0, "the object's bytes")
export const uploadsBelow = (prefix: string) =>
  Effect.promise(async () => {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }))
    return Uploads.length
  })
export const refuse = (status: number, code: string, more = ""): Fault =>
  xml(status, `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message>${more}</Error>`)

/** What Longshore keeps in the bucket for itself while it works. */
export const notesBelow = (prefix: string) =>
  Effect.promise(async () => {
    const found = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}/.longshore/` }))
    return (found.Contents ?? []).length
  })
