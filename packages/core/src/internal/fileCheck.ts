/** A file as it is in the target beside what its manifest says of it. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Crc32 from "../Crc32.ts"
import { SinkError } from "../ExportError.ts"
import type { ManifestFile } from "../Manifest.ts"
import { ObjectSink, type ObjectKey, type Part, parts } from "../ObjectSink.ts"
import type { Difference, Explanation } from "../Verification.ts"
import { addedBytes, type Backwards, changedByte, missingByte, most } from "./crcSearch.ts"

/** Bytes of one request, and of what is held in memory. */
const pieceSize = 8 * 1024 * 1024

/** Bytes that are searched for one change: a second or so of work. */
const maxSearch = 64 * 1024 * 1024

/** Bytes that were added and are looked at. */
const maxAdded = 1024 * 1024

/** About 6 seconds: what passes by itself is borne. */
const patience = { schedule: Schedule.exponential("200 millis"), times: 5 }

export interface Expected extends ManifestFile {
  readonly key: ObjectKey
}

export interface CheckOptions {
  readonly quick: boolean
  readonly concurrency: number
  readonly onBytes: (bytes: number) => Effect.Effect<void>
}

/** A check of files that reads so many pieces at a time, of all files together. `undefined`: it is as it was delivered. */
export const make = Effect.fnUntraced(function* ({ concurrency, onBytes, quick }: CheckOptions) {
  const sink = yield* ObjectSink
  const crc32 = yield* Crc32.Crc32
  const turns = yield* Semaphore.make(concurrency)

  /** The bytes of a piece, as they come. One that breaks off is read again. */
  const read = <A>(key: ObjectKey, { length, offset }: Range, begin: () => Reader<A>) =>
    Effect.suspend(() => {
      const { give, take } = begin()
      let received = 0
      const taking = Stream.runForEachArray(sink.read(key, { offset, length }), (chunks) => {
        for (const chunk of chunks) {
          take(chunk)
          received += chunk.length
        }
        return Effect.void
      })
      return Effect.flatMap(taking, () =>
        received === length ? Effect.sync(give) : Effect.fail(changing(sink.locate(key)))
      )
    }).pipe(
      Effect.retry({ ...patience, while: (error) => error.retryable }),
      (reading) => turns.withPermit(reading),
      Effect.tap(() => onBytes(length))
    )

  const checksum = Effect.fnUntraced(function* (key: ObjectKey, { length, offset }: Range) {
    let sum = 0
    for (let done = 0; done < length; done += pieceSize) {
      const piece = { offset: offset + done, length: Math.min(pieceSize, length - done) }
      const seed = sum
      sum = yield* read(key, piece, () => {
        let crc = seed
        return { take: (chunk) => (crc = crc32(chunk, crc)), give: () => crc }
      })
    }
    return sum
  })

  const bytes = (key: ObjectKey, range: Range) =>
    read(key, range, () => {
      const whole = new Uint8Array(range.length)
      let at = 0
      return {
        // More than was asked for is told by its length.
        take: (chunk) => {
          whole.set(chunk.subarray(0, range.length - at), at)
          at = Math.min(at + chunk.length, range.length)
        },
        give: () => whole
      }
    })

  /** Gives a search the bytes of a range, from the last to the first. */
  const backwards = Effect.fnUntraced(function* (key: ObjectKey, { length, offset }: Range, search: Backwards) {
    for (let left = length; left > 0;) {
      const size = Math.min(maxAdded, left)
      left -= size
      search.take(yield* bytes(key, { offset: offset + left, length: size }))
    }
    return search.found()
  })

  /** Bytes that should not be there: how many lines, where they are whole ones. */
  const added = Effect.fnUntraced(function* (key: ObjectKey, offset: number, length: number) {
    const plain: Explanation = { _tag: "BytesAdded", offset, length }
    if (length > maxAdded) return plain
    const before = Math.min(offset, 1)
    const found = yield* bytes(key, { offset: offset - before, length: length + before })
    const isLine = (before === 0 || found[0] === lineFeed) && found.at(-1) === lineFeed
    return isLine ? { ...plain, lines: found.subarray(before).filter((byte) => byte === lineFeed).length } : plain
  })

  /** Whose content it has, if it is another file's. */
  const mistaken = Effect.fnUntraced(function* (file: Expected, size: number, all: ReadonlyArray<Expected>) {
    const others = all.filter((other) => other.size === size && other.crc32 !== file.crc32)
    if (others.length === 0) return undefined
    const sum = Crc32.toHex(yield* checksum(file.key, { offset: 0, length: size }))
    const other = others.find(({ crc32 }) => crc32 === sum)
    return other === undefined ? undefined : ({ _tag: "OtherFile", name: other.name } satisfies Explanation)
  })

  /** Of the size that it should have. */
  const compare = Effect.fnUntraced(function* (file: Expected, all: ReadonlyArray<Expected>) {
    const { key, size } = file
    const wrong: Array<SummedPart & { readonly actual: number }> = []
    yield* Effect.forEach(
      partsOf(file),
      (part) =>
        Effect.map(checksum(key, part), (actual) => {
          if (actual !== part.crc32) wrong.push({ ...part, actual })
        }),
      { concurrency, discard: true }
    )
    const [first, ...more] = wrong.sort((a, b) => a.offset - b.offset)
    if (first === undefined) return undefined
    const explanation = (yield* mistaken(file, size, all)) ?? (more.length === 0 ? oneByte(first) : undefined)
    return differs(file, size, joined([first, ...more]), explanation)
  })

  /**
   * Longer or shorter. What is right in front stands in its place, and what is right at the end is moved by the difference:
   * in between something was added, or is missing.
   */
  const align = Effect.fnUntraced(function* (file: Expected, found: number, all: ReadonlyArray<Expected>) {
    const { key, size } = file
    const other = yield* mistaken(file, found, all)
    if (other !== undefined) return differs(file, found, [{ from: 0, to: size }], other)
    const whole = partsOf(file)
    const moved = found - size
    const shorter = Math.min(size, found)
    const isRight = (part: SummedPart, by: number) =>
      part.offset + by < 0 || part.offset + part.length + by > found
        ? Effect.succeed(false)
        : Effect.map(checksum(key, { ...part, offset: part.offset + by }), (sum) => sum === part.crc32)
    let front = 0
    for (const part of whole) {
      if (!(yield* isRight(part, 0))) break
      front += part.length
    }
    let back = 0
    for (const part of whole.toReversed()) {
      if (front + back >= shorter || !(yield* isRight(part, moved))) break
      back += part.length
    }
    const tell = (to: number, explanation?: Explanation) =>
      differs(file, found, front < to ? [{ from: front, to }] : [], explanation)
    if (front + back >= shorter) {
      return moved > 0
        ? tell(front, yield* added(key, front, moved))
        : tell(front - moved, { _tag: "BytesMissing", offset: front, length: -moved })
    }
    const between = { offset: front, length: found - back - front }
    const to = size - back
    if (between.length > maxSearch || moved < -1 || moved > maxAdded) return tell(to)
    const wanted = whole
      .filter((part) => part.offset >= front && part.offset < to)
      .reduce((sum, part) => Crc32.combine(sum, part.crc32, part.length), 0)
    const actual = yield* checksum(key, between)
    const search =
      moved > 0 ? addedBytes(actual, wanted, between.length, moved) : missingByte(actual, wanted, between.length)
    const places = yield* backwards(key, between, search)
    const [first, ...others] = offsets(front, places)
    if (first === undefined) return tell(to)
    if (moved < 0) return tell(to, { _tag: "ByteMissing", offsets: [first, ...others] })
    return others.length > 0 ? tell(to) : tell(to, yield* added(key, first, moved))
  })

  return Effect.fnUntraced(
    function* (file: Expected, all: ReadonlyArray<Expected>) {
      const found = yield* sink.stat(file.key)
      if (found._tag === "None") return { _tag: "Missing" } satisfies Difference
      const { size } = found.value
      // What is stored in another form can be neither measured nor read as it came.
      if (size === undefined)
        return { _tag: "Unreadable", problem: "the target cannot tell its size" } satisfies Difference
      if (quick) return size === file.size ? undefined : differs(file, size)
      return yield* size === file.size ? compare(file, all) : align(file, size, all)
    },
    Effect.catch(({ problem, reason }) =>
      Effect.succeed<Difference>({ _tag: reason === "InvalidKey" ? "NotAFile" : "Unreadable", problem })
    )
  )
})

type Range = Pick<Part, "offset" | "length">

interface Reader<A> {
  readonly take: (chunk: Uint8Array) => void
  readonly give: () => A
}

interface SummedPart extends Part {
  readonly crc32: number
}

const lineFeed = 10

const changing = (location: string): SinkError =>
  new SinkError({ reason: "Conflict", location, problem: "it changed while it was read" })

/** The parts that the manifest has checksums of: those of the transfer, or one. */
const partsOf = ({ crc32, parts: cut, size }: ManifestFile): ReadonlyArray<SummedPart> => {
  const checksums = cut?.crc32.split(" ") ?? [crc32]
  return parts({ size, partSize: cut?.size ?? size }).map((part, i) => ({
    ...part,
    crc32: Number.parseInt(checksums[i] ?? "", 16)
  }))
}

const oneByte = ({ actual, crc32, length, offset }: SummedPart & { readonly actual: number }) => {
  const [first, ...others] = offsets(offset, changedByte(actual, crc32, length))
  return first === undefined ? undefined : ({ _tag: "ByteChanged", offsets: [first, ...others] } satisfies Explanation)
}

/** In the file, if they are few. */
const offsets = (from: number, places: ReadonlyArray<number>): ReadonlyArray<number> =>
  places.length > most ? [] : places.map((place) => from + place)

/** Neighbouring parts as one range. */
const joined = (wrong: ReadonlyArray<Part>) => {
  const ranges: Array<{ readonly from: number; to: number }> = []
  for (const { length, offset } of wrong) {
    const last = ranges.at(-1)
    if (last?.to === offset) last.to += length
    else ranges.push({ from: offset, to: offset + length })
  }
  return ranges
}

const differs = (
  { size: expected }: ManifestFile,
  size: number,
  ranges?: ReadonlyArray<{ readonly from: number; readonly to: number }>,
  explanation?: Explanation
): Difference => ({
  _tag: "Differs",
  size,
  expected,
  ...(ranges === undefined ? {} : { ranges }),
  ...(explanation === undefined ? {} : { explanation })
})
