/**
 * The S3 server of the tests: a real one where the environment says so, else an imitation in this process.
 *
 *     node scripts/ceph.mjs pnpm exec vitest run --project @longshore/sink-s3
 */
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  NoSuchKey,
  paginateListObjectsV2,
  S3Client
} from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { S3Sink } from "../src/index.ts"
import { startImitation } from "./imitation.ts"
import { startProxy } from "./proxy.ts"

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, LONGSHORE_TEST_S3_ENDPOINT } = process.env

/** What the tests' names say they ran against. */
export const isReal = LONGSHORE_TEST_S3_ENDPOINT !== undefined
export const server = isReal ? "a real server" : "an imitation: LONGSHORE_TEST_S3_ENDPOINT names no real server"

const endpoint = LONGSHORE_TEST_S3_ENDPOINT ?? (await startImitation())
const accessKeyId = AWS_ACCESS_KEY_ID ?? "imitation"
const secretAccessKey = AWS_SECRET_ACCESS_KEY ?? "imitation"

/** A client that knows nothing of the sink. */
export const client = new S3Client({
  endpoint,
  region: "us-east-1",
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED"
})

export const bucket = `longshore-${process.pid}-${Date.now()}`
await client.send(new CreateBucketCommand({ Bucket: bucket }))

/** How a program is pointed at it. */
export const environment = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_REGION: "us-east-1"
}

/** The bytes of an object. */
export const read = async (key: string): Promise<Uint8Array> => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  return (await Body?.transformToByteArray()) ?? new Uint8Array()
}

/** What is below a prefix: objects with what tells that somebody wrote them again, and uploads that nobody ended. */
export const below = async (prefix: string) => {
  const objects: Record<string, string> = {}
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) {
    for (const { ETag, Key = "", LastModified, Size } of Contents) {
      objects[Key] = `${Size} ${ETag} ${LastModified?.toISOString()}`
    }
  }
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }))
  return { objects, uploads: Uploads.map(({ Key, UploadId }) => `${Key} ${UploadId}`) }
}

let places = 0

/** A prefix of its own in the tests' bucket. */
export const fresh = Effect.sync(() => {
  const prefix = `place-${++places}`
  const options: S3Sink.S3SinkOptions = {
    bucket,
    prefix,
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId, secretAccessKey: Redacted.make(secretAccessKey) }
  }
  const read = (key: string) =>
    Effect.promise(async () => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: `${prefix}/${key}` }))
        return await Body?.transformToByteArray()
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined
        throw error
      }
    })
  return { options, prefix, read }
})

/** The same, through a proxy that can be told to spoil requests. */
export const spoilable = Effect.gen(function* () {
  const place = yield* fresh
  const proxy = yield* Effect.promise(() => startProxy(endpoint))
  return { ...place, proxy, options: { ...place.options, endpoint: proxy.endpoint } }
})
