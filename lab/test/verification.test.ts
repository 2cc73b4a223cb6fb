/** Whatever single thing happens to a delivered file, it is found, and what is said about it is true. */
import { assert, describe, it } from "@effect/vitest"
import * as Crc32 from "@longshore/core/Crc32"
import { ExportId } from "@longshore/core/Export"
import * as Manifest from "@longshore/core/Manifest"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Verification from "@longshore/core/Verification"
import { MemorySink } from "@longshore/testkit"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { crc32 } from "node:zlib"

const exportId = ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
const nameOf = (index: number) => `Bill-0000${index + 1}.jsonl`
const keyOf = (index: number) => Manifest.fileKey("Bill", exportId, index)

/** A target with these files, as `ExportRun` leaves it. `partSize` 0: as versions did that kept no checksums of parts. */
const deliver = (files: ReadonlyArray<Buffer>, partSize: number): MemorySink.MemoryStore => {
  const store = MemorySink.makeStore()
  const put = (key: string, bytes: Uint8Array) => store.objects.set(key, { bytes, version: "1", plan: "" })
  files.forEach((bytes, index) => put(keyOf(index), bytes))
  const manifest: Manifest.Manifest = {
    format: "longshore-manifest/1",
    request: { entityType: "Bill" },
    exportId,
    entityType: "Bill",
    completedUtc: "2026-11-24T03:00:00.000Z",
    verified: "size+etag+crc32",
    size: files.reduce((sum, { length }) => sum + length, 0),
    files: files.map((bytes, index) => ({
      name: nameOf(index),
      size: bytes.length,
      crc32: Crc32.toHex(crc32(bytes)),
      etag: null,
      ...(partSize === 0
        ? {}
        : Manifest.fileParts(
            partSize,
            ObjectSink.parts({ size: bytes.length, partSize }).map(({ length, offset }) =>
              crc32(bytes.subarray(offset, offset + length))
            )
          ))
    }))
  }
  put(Manifest.key("Bill", exportId), Manifest.encode(manifest))
  return store
}

const verify = (store: MemorySink.MemoryStore, options?: Verification.VerifyOptions) =>
  Verification.verify(options).pipe(
    Effect.provide(MemorySink.layer(store)),
    Effect.provideService(Crc32.Crc32, (bytes, seed) => crc32(bytes, seed)),
    // What is told is fit to be written down.
    Effect.tap(Schema.encodeEffect(Verification.Verification))
  )

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
const without = (bytes: Buffer, at: number, length: number) =>
  Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
const lines = (bytes: Buffer) => bytes.filter((byte) => byte === 10).length

/** Checks what is said of a file against the file. */
const isTrue = (difference: Verification.Difference, was: Buffer, is: Buffer | undefined): void => {
  if (is === undefined) return assert.strictEqual(difference._tag, "Missing")
  if (difference._tag !== "Differs") return assert.fail(difference._tag)
  const { expected, explanation, ranges = [], size } = difference
  assert.deepStrictEqual([expected, size], [was.length, is.length])
  if (is.length === was.length) {
    const rest = [...was].filter((byte, at) => !ranges.some(({ from, to }) => at >= from && at < to) && byte !== is[at])
    assert.lengthOf(rest, 0, "what is outside of the ranges is right")
  } else if (explanation?._tag !== "BytesAdded" || ranges.length > 0) {
    const [range] = ranges
    assert.lengthOf(ranges, 1)
    assert.isTrue(same(was.subarray(0, range?.from), is.subarray(0, range?.from)), "right in front")
    const back = was.length - (range?.to ?? 0)
    if (explanation?._tag !== "BytesMissing")
      assert.isTrue(same(was.subarray(was.length - back), is.subarray(is.length - back)), "right behind")
  }
  switch (explanation?._tag) {
    case "ByteChanged": {
      const places = explanation.offsets.filter((at) => was[at] !== is[at])
      return assert.isTrue(places.some((at) => same(without(was, at, 1), without(is, at, 1))))
    }
    case "ByteMissing":
      return assert.isTrue(explanation.offsets.some((at) => same(without(was, at, 1), is)))
    case "BytesMissing":
      return assert.isTrue(same(without(was, explanation.offset, explanation.length), is))
    case "BytesAdded": {
      const { length, offset } = explanation
      assert.isTrue(same(without(is, offset, length), was))
      if (explanation.lines !== undefined) {
        assert.strictEqual(explanation.lines, lines(is.subarray(offset, offset + length)))
        assert.isTrue(offset === 0 || is[offset - 1] === 10)
      }
      return
    }
    default:
  }
}

const text = fc
  .array(fc.record({ Id: fc.uuid(), Name: fc.string({ maxLength: 40 }), Amount: fc.integer() }), {
    minLength: 1,
    maxLength: 60
  })
  .map((rows) => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join("")))
const zeros = fc.integer({ min: 1, max: 4000 }).map((length) => Buffer.alloc(length))
const content = fc.oneof({ weight: 4, arbitrary: text }, { weight: 1, arbitrary: zeros })

type Mutation = (bytes: Buffer, at: (most: number) => number) => Buffer | undefined
const inserted = (bytes: Buffer, at: number, what: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at)])
const row = Buffer.from('{"Id":"one more","Name":"","Amount":1}\n')

const mutations: Record<string, Mutation> = {
  "a byte is another": (bytes, at) => {
    const changed = Buffer.from(bytes)
    changed[at(bytes.length - 1)]! ^= 1 + at(254)
    return changed
  },
  "a byte is missing": (bytes, at) => without(bytes, at(bytes.length - 1), 1),
  "bytes are missing": (bytes, at) => without(bytes, at(bytes.length - 1), 1 + at(100)),
  "the end is missing": (bytes, at) => bytes.subarray(0, at(bytes.length - 1)),
  "bytes are added": (bytes, at) => inserted(bytes, at(bytes.length), row.subarray(0, 1 + at(row.length - 1))),
  "a line is added": (bytes, at) => {
    const ends = [0, ...[...bytes.entries()].filter(([, byte]) => byte === 10).map(([i]) => i + 1)]
    return inserted(bytes, ends[at(ends.length - 1)] ?? 0, row)
  },
  "bytes are others": (bytes, at) => {
    const from = at(bytes.length - 1)
    return Buffer.from(bytes).fill(0xff, from, Math.min(from + 1 + at(50), bytes.length))
  },
  "it is missing": () => undefined
}

const explanationOf = (difference: Verification.Difference) =>
  difference._tag === "Differs" ? difference.explanation : undefined

/** In files as small as these, checksums leave one explanation. */
const expected: Record<string, RegExp> = {
  "a byte is another": /^ByteChanged$/,
  "a byte is missing": /^Bytes?Missing$/,
  "bytes are added": /^BytesAdded$/,
  "a line is added": /^BytesAdded$/
}

describe("Verification", () => {
  for (const [title, mutate] of Object.entries(mutations)) {
    it(`finds that ${title}, and says nothing that is not true`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(content, { minLength: 1, maxLength: 3 }),
          fc.constantFrom(0, 64, 1000, 1_000_000),
          fc.nat(),
          fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
          async (files, partSize, index, numbers) => {
            const store = deliver(files, partSize)
            const healthy = await Effect.runPromise(verify(store))
            assert.deepStrictEqual(healthy.exports[0]?.differences, [])
            assert.isUndefined(healthy.exports[0]?.problem)

            const which = index % files.length
            const was = files[which] ?? Buffer.alloc(0)
            let turn = 0
            const is = mutate(was, (most) => (numbers[turn++ % numbers.length] ?? 0) % (most + 1))
            const stored = store.objects.get(keyOf(which))
            if (is === undefined || stored === undefined) store.objects.delete(keyOf(which))
            else store.objects.set(keyOf(which), { ...stored, bytes: is })

            const { exports } = await Effect.runPromise(verify(store))
            assert.lengthOf(exports[0]?.differences ?? [], is !== undefined && same(was, is) ? 0 : 1)
            for (const { difference, name } of exports[0]?.differences ?? []) {
              assert.strictEqual(name, nameOf(which))
              isTrue(difference, was, is)
              const said = explanationOf(difference)?._tag ?? difference._tag
              const explanation = explanationOf(difference)
              // At the edge of a part the line before may begin like the one that was added: either explains it.
              if (
                title === "a line is added" &&
                explanation?._tag === "BytesAdded" &&
                explanation.offset % partSize !== 0
              )
                assert.strictEqual(explanation.lines, 1)
              if (expected[title] !== undefined) assert.match(said, expected[title])
            }
          }
        ),
        { seed: 20261124, numRuns: 60 }
      ))
  }
})
