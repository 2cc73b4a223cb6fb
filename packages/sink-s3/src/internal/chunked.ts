/**
 * A body in S3's chunks, whose trailer tells the CRC-32 of what came before it: the only way to give a server a checksum
 * that is known when the last byte is. Only for servers that said they know checksums.
 */
import type { UploadPartCommand } from "@aws-sdk/client-s3"
import { toBase64 } from "./crc.ts"

/** Every chunk but the last; servers want 8 KiB at least. */
const chunkSize = 1024 * 1024
const ascii = (text: string): Uint8Array => Buffer.from(text, "latin1")

/** Before the byte at this position, where a chunk begins. */
const head = (position: number, length: number): string =>
  `${position === 0 ? "" : "\r\n"}${Math.min(chunkSize, length - position).toString(16)}\r\n`
const end = (crc: number): string => `\r\n0\r\nx-amz-checksum-crc32:${toBase64(crc)}\r\n\r\n`

export const trailer = (length: number) => {
  let contentLength = length + end(0).length
  for (let position = 0; position < length; position += chunkSize) contentLength += head(position, length).length
  const headers = {
    "content-encoding": "aws-chunked",
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": String(length),
    "x-amz-trailer": "x-amz-checksum-crc32"
  }
  return {
    contentLength,
    /** Before the request is signed. */
    announce: (stack: UploadPartCommand["middlewareStack"]): void =>
      stack.add(
        (next) => (args) => {
          const { request } = args
          if (typeof request === "object" && request !== null && "headers" in request) {
            Object.assign(request.headers ?? {}, headers)
          }
          return next(args)
        },
        { step: "build", name: "longshoreTrailer" }
      ),
    /** The bytes of a part from `position` on, with the heads of the chunks that begin among them. */
    frames: (bytes: Uint8Array, position: number): ReadonlyArray<Uint8Array> => {
      const pieces: Array<Uint8Array> = []
      for (let at = 0; at < bytes.length;) {
        const into = (position + at) % chunkSize
        if (into === 0) pieces.push(ascii(head(position + at, length)))
        const piece = bytes.subarray(at, at + chunkSize - into)
        pieces.push(piece)
        at += piece.length
      }
      return pieces
    },
    end: (crc: number): Uint8Array => ascii(end(crc))
  }
}
