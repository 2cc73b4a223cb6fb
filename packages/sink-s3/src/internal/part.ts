/** One attempt at one part: the stream's arrays go to the socket as they come, and the server's word is compared. */
import { UploadPartCommand, type UploadPartCommandOutput } from "@aws-sdk/client-s3"
import type { SinkError } from "@longshore/core/ExportError"
import { type Part, wrongLength } from "@longshore/core/ObjectSink"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import type { ClientRequest } from "node:http"
import { trailer } from "./chunked.ts"
import { toBase64 } from "./crc.ts"
import { inTime, type S3 } from "./client.ts"
import { type S3Failure, sinkError } from "./failure.ts"
import { PartBody } from "./http.ts"

export interface Upload {
  readonly key: string
  readonly id: string
  /** The server keeps a CRC-32 of each part, and refuses bytes that have another one. */
  readonly crc: boolean
  /** It also makes one of the whole object. Older servers know checksums of checksums alone. */
  readonly wholeCrc: boolean
}

/** What the server knows a part by when the upload is completed. */
export interface Receipt {
  readonly etag: string
  readonly crc32: number | undefined
}

/** Done when the kernel has the bytes, or will not take them: then it gives `false`. */
const write = (request: ClientRequest, pieces: ReadonlyArray<Uint8Array>): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    request.cork()
    pieces.forEach((piece, index) => {
      if (index < pieces.length - 1) request.write(piece)
      else request.write(piece, (error) => resume(Effect.succeed(!error)))
    })
    request.uncork()
  })

export const uploadPart = Effect.fnUntraced(function* <E, R>(
  s3: S3,
  location: string,
  upload: Upload,
  part: Part,
  bytes: Stream.Stream<Uint8Array, E, R>,
  crc32: Effect.Effect<number>,
  withMd5: boolean
): Effect.fn.Return<Receipt, S3Failure | SinkError | E, R | Scope.Scope> {
  // Opened first, so that it is closed last: its arrays are lent until the request is gone.
  const pull = yield* Stream.toPull(bytes)
  const opened = yield* Deferred.make<ClientRequest>()
  let request: ClientRequest | undefined
  yield* Effect.addFinalizer(() => Effect.sync(() => request?.destroy()))
  const body = new PartBody((outgoing) => {
    request = outgoing
    Deferred.doneUnsafe(opened, Effect.succeed(outgoing))
  })
  const frame = upload.crc ? trailer(part.length) : undefined
  const command = new UploadPartCommand({
    Bucket: s3.bucket,
    Key: upload.key,
    UploadId: upload.id,
    PartNumber: part.number,
    Body: body,
    ContentLength: frame?.contentLength ?? part.length
  })
  if (frame !== undefined) frame.announce(command.middlewareStack)
  const answer = yield* Effect.forkScoped(s3.once((client, options) => client.send(command, options)))

  const answered = inTime(Fiber.join(answer))
  const give = Effect.fnUntraced(function* (outgoing: ClientRequest, pieces: ReadonlyArray<Uint8Array>) {
    if (yield* write(outgoing, pieces)) return
    // The answer knows better why. If there is a good one, it is a lie.
    yield* answered
    return yield* sinkError(location, "Unavailable", "the server hung up before it had all of a part")
  })

  const md5 = withMd5 && !upload.crc ? createHash("md5") : undefined
  const pump = Effect.gen(function* () {
    const outgoing = yield* Deferred.await(opened)
    let received = 0
    // The last byte waits until the stream has ended well: without it the server takes nothing.
    let last: Uint8Array | undefined
    for (;;) {
      const chunks = yield* Pull.catchDone(pull, () => Effect.undefined)
      if (chunks === undefined) break
      const pieces: Array<Uint8Array> = []
      for (const chunk of chunks) {
        if (chunk.length === 0) continue
        if (received + chunk.length > part.length) {
          return yield* wrongLength(part, received + chunk.length, location)
        }
        md5?.update(chunk)
        const ends = received + chunk.length === part.length
        if (ends) last = chunk.slice(-1)
        const now = ends ? chunk.subarray(0, -1) : chunk
        if (now.length > 0) pieces.push(...(frame?.frames(now, received) ?? [now]))
        received += chunk.length
      }
      if (pieces.length > 0) yield* give(outgoing, pieces)
    }
    if (last === undefined) return yield* wrongLength(part, received, location)
    const crc = yield* crc32
    const end = frame === undefined ? [last] : [...frame.frames(last, part.length - 1), frame.end(crc)]
    yield* give(outgoing, end)
    outgoing.end()
    return crc
  })

  // A server may refuse before it has read everything: then nobody waits for the rest.
  const refused = Effect.andThen(Fiber.join(answer), Effect.never)
  const crc = yield* Effect.raceFirst(refused, pump)
  const stored = yield* answered
  const problem = differs(stored, crc, md5?.digest("hex"))
  if (problem !== undefined) {
    return yield* sinkError(location, "Corrupt", `part ${part.number} was stored wrong: ${problem}`)
  }
  if (stored.ETag === undefined) {
    return yield* sinkError(location, "Unknown", `the server gave part ${part.number} no ETag`)
  }
  return { etag: stored.ETag, crc32: crc }
}, Effect.scoped)

/** What the server says it stored, against what was received. A server that says nothing says nothing wrong. */
const differs = (stored: UploadPartCommandOutput, crc: number, md5: string | undefined): string | undefined => {
  if (stored.ChecksumCRC32 !== undefined && stored.ChecksumCRC32 !== toBase64(crc)) {
    return `its CRC-32 is ${stored.ChecksumCRC32} and not ${toBase64(crc)}`
  }
  const etag = /^"?([0-9a-f]{32})"?$/.exec(stored.ETag ?? "")?.[1]
  // With keys of KMS or of the customer an ETag is no MD5, and some servers never make it one.
  const encrypted =
    stored.SSECustomerAlgorithm !== undefined || stored.ServerSideEncryption?.startsWith("aws:kms") === true
  return md5 === undefined || etag === undefined || encrypted || etag === md5
    ? undefined
    : `its ETag is ${etag}, its MD5 ${md5} (where ETags are no MD5, choose the checksum "crc32")`
}
