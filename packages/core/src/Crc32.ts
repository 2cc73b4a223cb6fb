/**
 * CRC-32 (ISO-HDLC, the one of zip, gzip and PNG): how Longshore proves that the bytes which were stored are the bytes
 * which were received. Checksums of neighbouring parts combine into the checksum of the whole without reading it again.
 *
 * It guards against accidents, not against an adversary. For reading a manifest's checksums anew use `Verification`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import { tables } from "./internal/crcTables.ts"

const portable = (bytes: Uint8Array, seed = 0): number => {
  const [t0, t1, t2, t3] = tables
  let crc = ~seed
  let i = 0
  for (const end = bytes.length - 3; i < end; i += 4) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    crc = t3[crc & 0xff]! ^ t2[(crc >>> 8) & 0xff]! ^ t1[(crc >>> 16) & 0xff]! ^ t0[crc >>> 24]!
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]!) & 0xff]!
  return ~crc >>> 0
}

/**
 * The checksum of `bytes`, an unsigned number of 32 bits; with `seed`, that of what `seed` is the checksum of followed
 * by `bytes`. The default runs everywhere; on Node.js provide `zlib.crc32`, which is eight times as fast
 * (`@longshore/source-node` does so by itself).
 *
 * @example On Node.js
 * ```ts
 * import { Crc32 } from "@longshore/core"
 * import { Effect, Layer } from "effect"
 * import { crc32 } from "node:zlib"
 *
 * const fast = Layer.succeed(Crc32.Crc32, crc32)
 *
 * const sum = Crc32.Crc32.use((crc32) => Effect.succeed(crc32(new TextEncoder().encode("123456789"))))
 * await Effect.runPromise(Effect.provide(sum, fast)) // => 0xcbf43926
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export const Crc32 = Context.Reference<(bytes: Uint8Array, seed?: number) => number>("@longshore/core/Crc32", {
  defaultValue: () => portable
})

const multiply = (matrix: Uint32Array, vector: number): number => {
  let sum = 0
  for (let i = 0, v = vector; v !== 0; i++, v >>>= 1) if (v & 1) sum ^= matrix[i]!
  return sum >>> 0
}

const square = (matrix: Uint32Array): Uint32Array => matrix.map((column) => multiply(matrix, column))

/**
 * The checksum of a block followed by another, from their checksums and the second one's length in bytes, in time that
 * grows with the logarithm of the length (zlib's `crc32_combine`: appending a zero bit is a linear map over GF(2), and
 * squaring it appends twice as many).
 *
 * @example
 * ```ts
 * import { Crc32 } from "@longshore/core"
 * import { crc32 } from "node:zlib"
 *
 * Crc32.combine(crc32("12345"), crc32("6789"), 4) === crc32("123456789") // => true
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const combine = (first: number, second: number, secondLength: number): number => {
  // Nothing in front, or as good as nothing: zero stays zero.
  if (first === 0) return second
  let crc = first
  let zeros: Uint32Array = new Uint32Array(32)
  zeros[0] = 0xedb88320
  for (let n = 1; n < 32; n++) zeros[n] = 2 ** (n - 1)
  // One zero bit, squared three times: one zero byte.
  zeros = square(square(square(zeros)))
  for (let length = secondLength; length > 0; length = Math.floor(length / 2)) {
    if (length % 2 === 1) crc = multiply(zeros, crc)
    zeros = square(zeros)
  }
  return (crc ^ second) >>> 0
}

/**
 * The usual spelling of a checksum, as manifests have it: eight hexadecimal digits.
 *
 * @example
 * ```ts
 * import { Crc32 } from "@longshore/core"
 *
 * Crc32.toHex(0xcbf43926) // => "cbf43926"
 * ```
 *
 * @since 0.1.0
 * @category codecs
 */
export const toHex = (crc: number): string => crc.toString(16).padStart(8, "0")
