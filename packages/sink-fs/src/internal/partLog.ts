/**
 * The log beside a partial file: which of its parts were written, and their CRC-32. Append-only JSON lines, synced by
 * nobody: a part counts only once its bytes were read back and are what its line says, so neither a line nor the bytes
 * that a power cut took away can do harm.
 */
import type { Part, SinkObject } from "@longshore/core/ObjectSink"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const Header = Schema.Struct({
  format: Schema.Literal("longshore-parts/1"),
  key: Schema.String,
  size: Schema.Finite,
  partSize: Schema.Finite,
  version: Schema.String
})

const PartLine = Schema.Struct({ part: Schema.Int, length: Schema.Finite, crc32: Schema.Int })

/** Written before the rename: how to know the file again that this object became. */
const CommitLine = Schema.Struct({ committed: Schema.Struct({ mtimeNs: Schema.String, ino: Schema.String }) })
export type Commit = (typeof CommitLine.Type)["committed"]

const Line = Schema.fromJsonString(Schema.Union([PartLine, CommitLine, Header]))
const decodeHeader = Schema.decodeUnknownOption(Schema.fromJsonString(Header))
const decodeLine = Schema.decodeUnknownOption(Line)
const line = (value: object): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`)

export const header = ({ key, partSize, size, version }: SinkObject): Uint8Array =>
  line({ format: "longshore-parts/1", key, size, partSize, version })
export const part = ({ crc32, length, number }: Part & { readonly crc32: number }): Uint8Array =>
  line({ part: number, length, crc32 })
export const commit = ({ ino, mtimeNs }: Commit): Uint8Array => line({ committed: { mtimeNs, ino } })

export interface PartLog {
  /** CRC-32 by number. */
  readonly parts: ReadonlyMap<number, { readonly length: number; readonly crc32: number }>
  readonly committed: Commit | undefined
  /** Bytes up to the last line that is whole: what follows was torn. */
  readonly length: number
}

export const empty: PartLog = { parts: new Map(), committed: undefined, length: 0 }

/** Reads a log. `undefined` if it is not the log of this object (of any, if none is given), or not readable as one. */
export const read = (bytes: Uint8Array, object?: SinkObject): PartLog | undefined => {
  const text = new TextDecoder().decode(bytes)
  const lines = text.split("\n").slice(0, -1)
  const first = decodeHeader(lines[0] ?? "")
  if (Option.isNone(first)) return undefined
  const { key, partSize, size, version } = first.value
  if (
    object !== undefined &&
    (key !== object.key || size !== object.size || partSize !== object.partSize || version !== object.version)
  ) {
    return undefined
  }
  const parts = new Map<number, { readonly length: number; readonly crc32: number }>()
  let committed: Commit | undefined
  let length = Buffer.byteLength(lines[0] ?? "") + 1
  for (const text of lines.slice(1)) {
    const found = decodeLine(text)
    if (Option.isNone(found)) break
    length += Buffer.byteLength(text) + 1
    // Two writers that began together wrote two headers.
    if ("format" in found.value) continue
    if ("committed" in found.value) committed = found.value.committed
    else parts.set(found.value.part, { length: found.value.length, crc32: found.value.crc32 })
  }
  return { parts, committed, length }
}
