import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { ExportId } from "../src/Export.ts"
import { Exports, FileLinks } from "../src/index.ts"

const exportId = ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")

/** Files as one answer lists them: their addresses and sizes. */
type Listing = ReadonlyArray<readonly [url: string, size: number]>

const exported = (listing: Listing, status = "Success") => ({
  id: exportId,
  status,
  entityType: "Reservation",
  scope: undefined,
  filters: undefined,
  files: listing.map(([url, sizeInBytes]) => ({ url: Redacted.make(url), sizeInBytes })),
  expiresUtc: undefined
})

/** Links of files that were planned by a first answer, after a second one. Gives the address of each, or the error. */
const renewed = Effect.fnUntraced(function* (first: Listing, second: Listing, status?: string) {
  const nobody = () => Effect.die("nobody asks")
  const api = Exports.Exports.of({ add: nobody, getAll: nobody, get: () => Effect.succeed(exported(second, status)) })
  const links = yield* Effect.provideService(FileLinks.make(exportId), Exports.Exports, api)
  const before = exported(first)
  yield* links.offer(before)
  return yield* Effect.forEach(before.files, (file, index) =>
    links.get({ index, path: FileLinks.path(file), size: file.sizeInBytes }, { rejected: 1 }).pipe(
      Effect.map(({ url }) => Redacted.value(url)),
      Effect.catch((error) => Effect.succeed(error._tag))
    )
  )
})

describe("the new links of files", () => {
  const planned: Listing = [
    ["https://a.test/1.jsonl?sig=1", 10],
    ["https://a.test/2.jsonl?sig=1", 10],
    ["https://a.test/3.jsonl?sig=1", 30]
  ]
  const table: ReadonlyArray<readonly [string, Listing, Listing, ReadonlyArray<string>]> = [
    [
      "F29 F40 go by their paths when order and host change",
      planned,
      [
        ["https://b.test/3.jsonl?sig=2", 30],
        ["https://b.test/1.jsonl?sig=2", 10],
        ["https://b.test/2.jsonl?sig=2", 10]
      ],
      ["https://b.test/1.jsonl?sig=2", "https://b.test/2.jsonl?sig=2", "https://b.test/3.jsonl?sig=2"]
    ],
    [
      "F40 go by their places when the paths change",
      planned,
      [
        ["https://a.test/new/1.jsonl?sig=2", 10],
        ["https://a.test/new/2.jsonl?sig=2", 10],
        ["https://a.test/new/3.jsonl?sig=2", 30]
      ],
      ["https://a.test/new/1.jsonl?sig=2", "https://a.test/new/2.jsonl?sig=2", "https://a.test/new/3.jsonl?sig=2"]
    ],
    [
      "F40 go by their places when all have one path and differ in the query",
      [
        ["https://a.test/file?n=1&sig=1", 10],
        ["https://a.test/file?n=2&sig=1", 10]
      ],
      [
        ["https://a.test/file?n=1&sig=2", 10],
        ["https://a.test/file?n=2&sig=2", 10]
      ],
      ["https://a.test/file?n=1&sig=2", "https://a.test/file?n=2&sig=2"]
    ],
    [
      "F29 are none of a file that is no longer listed, or has another size under another path",
      planned,
      [
        ["https://a.test/1.jsonl?sig=2", 10],
        ["https://a.test/new/2.jsonl?sig=2", 11]
      ],
      ["https://a.test/1.jsonl?sig=2", "IntegrityError", "IntegrityError"]
    ]
  ]
  for (const [what, first, second, expected] of table) {
    it.effect(what, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* renewed(first, second), expected)
      })
    )
  }

  for (const [status, expected] of [
    ["Failed", "ExportFailed"],
    ["Expired", "ExportExpired"]
  ] as const) {
    it.effect(`F39 are none when the export is ${status} meanwhile`, () =>
      Effect.gen(function* () {
        const found = yield* renewed(planned.slice(0, 1), [], status)
        assert.deepStrictEqual(found, [expected])
      })
    )
  }

  it.effect("F43 are asked for when the clock leapt over the end of the old ones, and not when it leapt back", () =>
    Effect.gen(function* () {
      let looks = 0
      const nobody = () => Effect.die("nobody asks")
      const get = () => Effect.sync(() => exported([[`https://a.test/1.jsonl?sig=${++looks}`, 10]]))
      const api = Exports.Exports.of({ add: nobody, getAll: nobody, get })
      const links = yield* Effect.provideService(FileLinks.make(exportId), Exports.Exports, api)
      const file = { index: 0, path: "/1.jsonl", size: 10 }
      for (const [at, expected] of [
        [10_000_000, 1],
        [10_500_000, 1],
        [18_000_000, 2],
        [1_000_000, 2]
      ] as const) {
        yield* TestClock.setTime(at)
        yield* links.get(file)
        assert.strictEqual(looks, expected, `at ${at}`)
      }
    })
  )
})
