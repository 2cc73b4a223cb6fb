import { assert, describe, it } from "@effect/vitest"
import { ExportId } from "@longshore/core/Export"
import { SourceError } from "@longshore/core/ExportError"
import { type ExportEvent, ExportEvents } from "@longshore/core/ExportEvent"
import * as Exports from "@longshore/core/Exports"
import * as FileLinks from "@longshore/core/FileLinks"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Source from "@longshore/core/Source"
import * as Transfer from "@longshore/core/Transfer"
import { MemorySink } from "@longshore/testkit"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { different, patiently } from "./world.ts"

const key = ObjectSink.ObjectKey.make("Reservation/x/Reservation-00001.jsonl")
const partSize = 1000

/** A file of so many parts, from a source that does as told. */
const deliver = Effect.fnUntraced(function* (options: {
  readonly parts: number
  readonly part: (part: ObjectSink.Part, link: string) => Stream.Stream<Uint8Array, SourceError>
  readonly links?: FileLinks.FileLinks
  readonly transfer?: Transfer.TransferOptions
  readonly sink?: Layer.Layer<ObjectSink.ObjectSink>
}) {
  const size = options.parts * partSize
  const events: Array<ExportEvent> = []
  const source = Layer.succeed(
    Source.Source,
    Source.Source.of({
      probe: () => Effect.succeed({ size, etag: '"1"', ranges: true }),
      part: (link, _file, part) => options.part(part, Redacted.value(link)),
      whole: () => Stream.die("nobody asks for the whole")
    })
  )
  const links = options.links ?? {
    get: () => Effect.succeed({ url: Redacted.make("https://files.test/a?sig=1"), generation: 1 }),
    offer: () => Effect.void
  }
  const result = yield* Transfer.Transfer.use((transfer) =>
    Effect.flatMap(transfer.plan(key, { index: 0, path: "/a", size }, partSize, links), (plan) =>
      transfer.deliver(key, plan, links)
    )
  ).pipe(
    Effect.provide([
      Transfer.layer(options.transfer).pipe(Layer.provide(source)),
      options.sink ?? Layer.fresh(MemorySink.layer())
    ]),
    Effect.provideService(ExportEvents, (event) => Effect.sync(() => void events.push(event))),
    Effect.result,
    (effect) => patiently(effect, "1 second")
  )
  return { result, events }
})

const bytes = (part: ObjectSink.Part) => new Uint8Array(part.length).fill(part.number)

describe("the budget", () => {
  it.effect(
    "F71 F16 an overloaded host gets half as many parts at a time, and all of them again when it recovers",
    () =>
      Effect.gen(function* () {
        let now = 0
        let overloaded = 8
        const together: Array<number> = []
        const part = (part: ObjectSink.Part) =>
          Stream.unwrap(
            Effect.gen(function* () {
              now += 1
              together.push(now)
              yield* Effect.sleep("10 seconds")
              now -= 1
              if (overloaded-- > 0) return yield* new SourceError({ reason: "Unavailable", problem: "x", status: 503 })
              return Stream.make(bytes(part))
            })
          )
        const { result } = yield* deliver({ parts: 80, part })
        assert.strictEqual(result._tag, "Success")
        assert.strictEqual(Math.max(...together.slice(0, 8)), 8)
        // The eight that failed together tell of one congestion, not of eight. A round of arrivals earns a place back.
        assert.deepStrictEqual(together.slice(8, 12), [1, 2, 3, 4])
        assert.strictEqual(Math.max(...together.slice(8, 15)), 4)
        assert.isAtMost(Math.max(...together.slice(8, 20)), 5)
        assert.strictEqual(Math.max(...together.slice(60)), 8)
      })
  )

  it.effect("other failures do not make it smaller", () =>
    Effect.gen(function* () {
      let now = 0
      let failures = 8
      const together: Array<number> = []
      const part = (part: ObjectSink.Part) =>
        Stream.unwrap(
          Effect.gen(function* () {
            together.push(++now)
            yield* Effect.sleep("10 seconds")
            now -= 1
            if (failures-- > 0) return yield* new SourceError({ reason: "Truncated", problem: "x" })
            return Stream.make(bytes(part))
          })
        )
      yield* deliver({ parts: 40, part })
      assert.strictEqual(Math.max(...together.slice(16)), 8)
    })
  )
})

describe("a host that is silent", () => {
  const stalled = (events: ReadonlyArray<ExportEvent>) =>
    events.flatMap((event) => (event._tag === "PartRetried" ? [event.problem] : []))

  for (const [what, drip] of [
    ["says nothing", Stream.never],
    ["F47 drips", Stream.fromEffectRepeat(Effect.delay(Effect.succeed(new Uint8Array(1)), "1 second"))]
  ] as const) {
    it.effect(`that ${what} is cut off, and the part comes on another connection`, () =>
      Effect.gen(function* () {
        let first = true
        const part = (part: ObjectSink.Part) => {
          if (part.number !== 2 || !first) return Stream.make(bytes(part))
          first = false
          return drip
        }
        const { events, result } = yield* deliver({ parts: 3, part })
        assert.strictEqual(result._tag, "Success")
        assert.strictEqual(stalled(events).length, 1)
        assert.match(stalled(events)[0] ?? "", /nothing for 30s/)
      })
    )
  }

  it.effect("is not one that waits for a slow sink", () =>
    Effect.gen(function* () {
      const slow = different(MemorySink.makeStore(), (writer) => ({
        write: (part, bytes, crc32) =>
          writer.write(
            part,
            Stream.mapArrayEffect(bytes, (chunks) => Effect.delay(Effect.succeed(chunks), "44 seconds")),
            crc32
          )
      }))
      const { events, result } = yield* deliver({
        parts: 2,
        // Never more than five seconds late, whenever anybody looks.
        part: (part) =>
          Stream.rechunk(Stream.fromIterable(Array.from({ length: 10 }, () => bytes(part).subarray(0, 100))), 1).pipe(
            Stream.mapEffect((chunk) => Effect.delay(Effect.succeed(chunk), "5 seconds"))
          ),
        sink: slow
      })
      assert.strictEqual(result._tag, "Success")
      assert.deepStrictEqual(stalled(events), [])
    })
  )
})

describe("parts", () => {
  it.effect("F57 that come in any order, and some of them twice, make the same file", () =>
    Effect.gen(function* () {
      const store = MemorySink.makeStore()
      const asked = new Map<number, number>()
      const part = (part: ObjectSink.Part) => {
        const times = (asked.get(part.number) ?? 0) + 1
        asked.set(part.number, times)
        // The last come first; every third breaks off near its end, and comes again.
        const breaks = part.number % 3 === 0 && times === 1
        return Stream.make(bytes(part).subarray(0, breaks ? 900 : undefined)).pipe(
          Stream.mapEffect((chunk) => Effect.delay(Effect.succeed(chunk), `${100 - part.number} seconds`)),
          Stream.concat(breaks ? Stream.fail(new SourceError({ reason: "Truncated", problem: "ended" })) : Stream.empty)
        )
      }
      const { result } = yield* deliver({
        parts: 20,
        part,
        transfer: { concurrency: 20, stallTimeout: "10 minutes" },
        sink: MemorySink.layer(store)
      })
      assert.strictEqual(result._tag, "Success")
      assert.deepStrictEqual(
        store.objects.get(key)?.bytes,
        Uint8Array.from({ length: 20 * partSize }, (_, at) => 1 + Math.floor(at / partSize))
      )
      for (const [number, times] of asked) assert.strictEqual(times, number % 3 === 0 ? 2 : 1)
    })
  )

  it.effect("F58 of which one is slow do not wait for it", () =>
    Effect.gen(function* () {
      const { events, result } = yield* deliver({
        parts: 40,
        transfer: { concurrency: 4, stallTimeout: "1 hour" },
        part: (part) =>
          Stream.fromEffect(Effect.delay(Effect.succeed(bytes(part)), part.number === 2 ? "10 minutes" : "10 seconds"))
      })
      assert.strictEqual(result._tag, "Success")
      const began = events.find((event) => event._tag === "FileStarted")?.at ?? 0
      const stored = events.flatMap((event) => (event._tag === "PartStored" ? [[event.part, event.at - began]] : []))
      assert.strictEqual(stored.at(-1)?.[0], 2)
      // Three at a time, ten seconds each.
      assert.isAtMost(stored.at(-2)?.[1] ?? Infinity, 130_000)
      assert.isAtMost(stored.at(-1)?.[1] ?? Infinity, 600_000)
    })
  )
})

describe("a link", () => {
  const exportId = ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")

  it.effect("F37 that ends while parts are on their way is renewed by one getAll, however many they are", () =>
    Effect.gen(function* () {
      let looks = 0
      const api = Layer.succeed(Exports.Exports, {
        add: () => Effect.die("nobody asks"),
        getAll: () => Effect.die("nobody asks"),
        get: () =>
          Effect.delay(
            Effect.sync(() => ({
              id: exportId,
              status: "Success",
              entityType: "Reservation",
              scope: undefined,
              filters: undefined,
              files: [{ url: Redacted.make(`https://files.test/a?sig=${++looks}`), sizeInBytes: 16 * partSize }],
              expiresUtc: undefined
            })),
            "3 seconds"
          )
      })
      const links = yield* Effect.provide(FileLinks.make(exportId), api)
      let rejected = 0
      const { result } = yield* deliver({
        parts: 16,
        links,
        // The host answers after a second: all that are on their way have the old link.
        part: (part, link) =>
          Stream.fromEffect(
            Effect.gen(function* () {
              yield* Effect.sleep("1 second")
              if (!link.endsWith("sig=1")) return bytes(part)
              rejected += 1
              return yield* new SourceError({ reason: "LinkRejected", problem: "x", status: 403 })
            })
          )
      })
      assert.strictEqual(result._tag, "Success")
      assert.strictEqual(rejected, 8)
      assert.strictEqual(looks, 2, "the first link, and one for all that were refused")
    })
  )

  it.effect("F33 is renewed before it ends by the time that parts take", () =>
    Effect.gen(function* () {
      const looks: Array<number> = []
      const ages: Array<number> = []
      let fetched = 0
      const api = Layer.succeed(Exports.Exports, {
        add: () => Effect.die("nobody asks"),
        getAll: () => Effect.die("nobody asks"),
        get: () =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            looks.push(now)
            return {
              id: exportId,
              status: "Success",
              entityType: "Reservation",
              scope: undefined,
              filters: undefined,
              files: [{ url: Redacted.make(`https://files.test/a?sig=${now}`), sizeInBytes: 8 * partSize }],
              expiresUtc: undefined
            }
          })
      })
      const links = yield* Effect.provide(FileLinks.make(exportId), api)
      const { result } = yield* deliver({
        parts: 8,
        links,
        transfer: { concurrency: 1, stallTimeout: "1 hour" },
        part: (part) =>
          Stream.fromEffect(
            Effect.gen(function* () {
              ages.push((yield* Clock.currentTimeMillis) - (looks.at(-1) ?? 0))
              fetched += 1
              yield* Effect.sleep("3 minutes")
              return bytes(part)
            })
          )
      })
      assert.strictEqual(result._tag, "Success")
      assert.strictEqual(fetched, 8)
      // Ten minutes, less twice three: no part begins with a link that is older than four.
      assert.isAtMost(Math.max(...ages), 4 * 60_000)
      assert.isAtLeast(looks.length, 4)
    })
  )
})

describe("content without an ETag", () => {
  it.effect("F54 is never mixed with what an earlier process stored, although it has the same size", () =>
    Effect.gen(function* () {
      const store = MemorySink.makeStore()
      const size = 4 * partSize
      const links: FileLinks.FileLinks = {
        get: () => Effect.succeed({ url: Redacted.make("https://files.test/a?sig=1"), generation: 1 }),
        offer: () => Effect.void
      }
      /** One process: the host sends so many bytes of one value, and then breaks off or ends. */
      const process = (value: number, sent: number) => {
        const pieces = Stream.fromIterable(Array.from({ length: sent / 500 }, () => new Uint8Array(500).fill(value)))
        const source = Layer.succeed(
          Source.Source,
          Source.Source.of({
            probe: () => Effect.succeed({ size, etag: undefined, ranges: false }),
            part: () => Stream.die("nobody asks for a part"),
            whole: () =>
              sent === size
                ? pieces
                : Stream.concat(pieces, Stream.fail(new SourceError({ reason: "Refused", problem: "ended" })))
          })
        )
        // As S3 is where it keeps no checksums: nothing of a stored part can be compared.
        const sink = different(store, (writer) => ({
          stored: writer.stored.map((part) => ({ ...part, crc32: undefined }))
        }))
        return Transfer.Transfer.use((transfer) =>
          Effect.flatMap(transfer.plan(key, { index: 0, path: "/a", size }, partSize, links), (plan) =>
            transfer.deliver(key, plan, links)
          )
        ).pipe(Effect.provide([Transfer.layer().pipe(Layer.provide(source)), sink]), Effect.result, (effect) =>
          patiently(effect, "1 second")
        )
      }
      // The second one ends where the first one's last part begins: together they would be a whole file.
      assert.strictEqual((yield* process(1, 3 * partSize))._tag, "Failure")
      assert.strictEqual((yield* process(2, 2 * partSize))._tag, "Failure")
      assert.strictEqual((yield* process(3, size))._tag, "Success")
      assert.deepStrictEqual(store.objects.get(key)?.bytes, new Uint8Array(size).fill(3))
    })
  )
})
