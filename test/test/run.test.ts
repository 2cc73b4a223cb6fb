import { assert, describe, it } from "@effect/vitest"
import { ExportId } from "@longshore/core/Export"
import { MemorySink } from "@longshore/testkit"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import {
  delivered,
  different,
  failure,
  makeWorld,
  meanwhile,
  patiently,
  tokens,
  truth,
  type World,
  type WorldOptions
} from "./world.ts"
import { crc32 } from "node:zlib"

const addRetries = (world: World) =>
  world.events.flatMap((event) =>
    event._tag === "AddRetried" ? [[event.attempt, event.retryIn, event.problem] as const] : []
  )

const small: WorldOptions["simulator"] = { files: 2, fileSize: 300_000 }

describe("a run", () => {
  it.effect("asks, waits, fetches and publishes; run again it does nothing", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: small })
      const result = yield* patiently(world.run())
      yield* delivered(world)
      assert.isFalse(result.earlier)
      assert.strictEqual(result.files.length, 2)
      const requests = (yield* world.simulator.requests).length
      const again = yield* patiently(world.run())
      assert.isTrue(again.earlier)
      assert.strictEqual(again.completedUtc, result.completedUtc)
      assert.strictEqual((yield* world.simulator.requests).length, requests, "I10: no request the second time")
    })
  )

  it.effect("of the first documentation's API works as well", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, profile: "seed" } })
      yield* patiently(world.run())
      yield* delivered(world)
    })
  )

  it.effect("F27 F52 takes empty files, one byte, and exports without files", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { fileSizes: [0, 1, 65_536, 65_537] } })
      yield* patiently(world.run())
      yield* delivered(world)
      const none = yield* makeWorld({ simulator: { fileSizes: [] } })
      assert.strictEqual((yield* patiently(none.run())).files.length, 0)
      yield* delivered(none)
    })
  )

  it.effect("with one seed is one story: the same requests, events and bytes at the same times", () =>
    Effect.gen(function* () {
      const story = (seed: number) =>
        Effect.gen(function* () {
          const world = yield* makeWorld({
            simulator: {
              seed,
              files: 4,
              fileSize: 200_000,
              bandwidth: 20_000,
              linkTtl: "2 seconds",
              faults: [{ name: "lose-add-answer" }, { name: "api-503-html", target: "getAll", count: 3 }]
            },
            transfer: { concurrency: 3 }
          })
          const faults = (["reset-file", "file-503", "stall-file", "change-content", "api-429"] as const).map((name) =>
            Effect.delay(world.simulator.addFault({ name, count: 2 }), "20 seconds")
          )
          yield* meanwhile(world, Effect.all(faults, { concurrency: "unbounded" }))
          yield* delivered(world)
          return { requests: yield* world.simulator.requests, events: world.events, objects: world.store.objects }
        }).pipe(Random.withSeed(seed), Effect.provide(TestClock.layer()))
      const first = yield* story(1)
      assert.include(
        first.events.map((event) => event._tag),
        "PartRetried"
      )
      assert.deepStrictEqual(yield* story(1), first)
      assert.notDeepEqual((yield* story(2)).requests, first.requests)
    })
  )

  it.effect("F33 F37 with links that live 3 seconds on a slow host looks for new ones at most every 3 seconds", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({
        simulator: { files: 4, fileSize: 1_500_000, linkTtl: "3 seconds", bandwidth: 20_000, processing: "1 second" }
      })
      yield* patiently(world.run())
      yield* delivered(world)
      const requests = yield* world.simulator.requests
      const ready = world.events.find((event) => event._tag === "ExportReady")?.at ?? 0
      const end = world.events.find((event) => event._tag === "RunCompleted")?.at ?? 0
      const looks = requests.filter((one) => one.kind === "getAll" && Date.parse(one.at) > ready).length
      assert.isAbove(end - ready, 30_000, "the host must be slow enough for this test to mean something")
      assert.isAtLeast(looks, 5)
      assert.isAtMost(looks, (end - ready) / 3000 + 2)
    })
  )

  const passing = [
    ["F44", "reset-file", "PartRetried"],
    ["F45", "truncate-file", "PartRetried"],
    ["F47", "stall-file", "PartRetried"],
    ["F48", "ignore-range", "PartRetried"],
    ["F49", "wrong-range", "PartRetried"],
    ["F71", "file-503", "PartRetried"],
    ["F32", "deny-link", "LinksRenewed"],
    ["F35", "file-400", "LinksRenewed"],
    ["F35", "file-404", "LinksRenewed"],
    ["F35", "file-410", "LinksRenewed"]
  ] as const
  for (const [name, fault, event] of passing) {
    it.effect(`${name} goes on after ${fault}, twice`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ simulator: { ...small, bandwidth: 50_000 }, transfer: { concurrency: 2 } })
        // In the middle of the files, when they are planned.
        const later = Effect.delay(world.simulator.addFault({ name: fault, count: 2 }), "10 seconds")
        yield* patiently(Effect.all([world.run(), later], { concurrency: "unbounded" }))
        yield* delivered(world)
        assert.include(world.tags(), event)
        // What failed attempts had received is taken back: what is left is what was delivered.
        const counted = world.events.reduce((sum, event) => {
          if (event._tag === "BytesReceived") return sum + event.bytes
          return event._tag === "BytesLost" ? sum - event.bytes : sum
        }, 0)
        const ready = world.events.find((event) => event._tag === "ExportReady")
        assert.strictEqual(counted, ready?.bytes)
      })
    )
  }

  it.effect("F54 starts a file again when its content changes, and says so", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({
        simulator: { files: 1, fileSize: 1_000_000, bandwidth: 50_000 },
        transfer: { concurrency: 2 }
      })
      yield* patiently(
        Effect.all([world.run(), Effect.delay(world.simulator.addFault({ name: "change-content" }), "10 seconds")], {
          concurrency: "unbounded"
        })
      )
      yield* delivered(world)
      assert.include(world.tags(), "FileRestarted")
    })
  )

  it.effect("F48 takes a host without ranges, and goes on where it broke", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({
        simulator: {
          files: 1,
          fileSize: 700_000,
          faults: [
            { name: "ignore-range", count: Infinity },
            { name: "no-etag", count: Infinity }
          ]
        }
      })
      yield* patiently(
        Effect.all([world.run(), Effect.delay(world.simulator.addFault({ name: "reset-file" }), "8 seconds")], {
          concurrency: "unbounded"
        })
      )
      yield* delivered(world)
    })
  )

  it.effect("F53 a flipped byte that nobody can tell is stored as it was received, and told by its CRC-32", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({
        simulator: { files: 1, fileSize: 1000, faults: [{ name: "flip-byte", target: "Reservation" }] }
      })
      const { manifest } = yield* patiently(world.run())
      const [right] = (yield* truth(world.simulator))[0]?.files ?? []
      const stored = world.store.objects.get(right?.key ?? "")?.bytes ?? Buffer.alloc(0)
      assert.deepStrictEqual(
        [...stored].flatMap((byte, at) => (byte === right?.bytes[at] ? [] : [at])),
        [0]
      )
      assert.strictEqual(manifest.files[0]?.crc32, crc32(stored).toString(16).padStart(8, "0"))
    })
  )

  it.effect("F67 a file that was edited in the target is delivered again, and only that one", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: small })
      yield* patiently(world.run())
      for (const [key, object] of world.store.objects) {
        if (key.endsWith("00001.jsonl")) world.store.objects.set(key, { ...object, version: "edited" })
      }
      const before = yield* world.count("file", 206)
      const again = yield* patiently(world.run())
      assert.isFalse(again.earlier)
      yield* delivered(world)
      // One probe and five parts of the one file.
      assert.strictEqual((yield* world.count("file", 206)) - before, 6)
      assert.strictEqual(yield* world.count("add"), 1)
    })
  )

  it.effect("F67 only what is missing in the target is delivered again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: small })
      yield* patiently(world.run())
      const key = [...world.store.objects.keys()].find((name) => name.endsWith("00002.jsonl")) ?? ""
      world.store.objects.delete(key)
      yield* patiently(world.run())
      yield* delivered(world)
      world.store.objects.delete([...world.store.objects.keys()].find((name) => name.endsWith("manifest.json")) ?? "")
      const before = (yield* world.simulator.requests).length
      yield* patiently(world.run())
      yield* delivered(world)
      assert.strictEqual((yield* world.simulator.requests).length, before, "a manifest needs no request")
    })
  )

  it.effect("F67 I6 a manifest that was lost once is written again when a file changes after that", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: small })
      const find = (end: string) => [...world.store.objects.keys()].find((name) => name.endsWith(end)) ?? ""
      yield* patiently(world.run())
      world.store.objects.delete(find("manifest.json"))
      yield* patiently(world.run())
      world.store.objects.delete(find("00001.jsonl"))
      yield* world.simulator.addFault({ name: "change-content" })
      const { manifest } = yield* patiently(world.run())
      const written = new TextDecoder().decode(world.store.objects.get(find("manifest.json"))?.bytes)
      assert.deepStrictEqual(JSON.parse(written), JSON.parse(JSON.stringify(manifest)))
      yield* delivered(world)
    })
  )

  it.effect("F52 a size that is not what was announced is an integrity error", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "wrong-size" }] } })
      const result = yield* patiently(Effect.result(world.run()))
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "IntegrityError")
      assert.strictEqual([...world.store.objects.keys()].filter((name) => name.endsWith("manifest.json")).length, 0)
    })
  )

  it.effect(
    "F80 a store that got other bytes than were received is told by its checksum, and the part is sent again",
    () =>
      Effect.gen(function* () {
        const flipping = (times: number) => {
          const store = MemorySink.makeStore()
          let left = times
          const sink = different(store, (writer) => ({
            write: (part, bytes, crc32) =>
              writer.write(
                part,
                part.number === 3 && left-- > 0 ? Stream.map(bytes, (chunk) => chunk.map((byte) => byte ^ 1)) : bytes,
                crc32
              )
          }))
          return { store, sink }
        }
        const once = flipping(1)
        const world = yield* makeWorld({ simulator: { ...small, files: 1 }, sink: once.sink })
        yield* patiently(world.run())
        const [expected] = yield* truth(world.simulator)
        for (const file of expected?.files ?? []) {
          assert.strictEqual(Buffer.compare(once.store.objects.get(file.key)?.bytes ?? Buffer.alloc(0), file.bytes), 0)
        }
        const always = flipping(Infinity)
        const other = yield* makeWorld({ simulator: { ...small, files: 1 }, sink: always.sink })
        const result = yield* patiently(Effect.result(other.run()))
        if (result._tag !== "Failure" || result.failure._tag !== "SinkError")
          return assert.fail("a SinkError is expected")
        assert.strictEqual(result.failure.reason, "Corrupt")
        assert.strictEqual(always.store.objects.size, 0)
      })
  )

  it.effect("F67 a stored part that the sink does not confirm is fetched again, and only that one", () =>
    Effect.gen(function* () {
      const store = MemorySink.makeStore()
      let die = true
      const sink = different(store, (writer) => ({
        commit: die ? Effect.die("the process ends here") : writer.commit,
        confirm: (part) => Effect.succeed(part.number !== 2)
      }))
      const world = yield* makeWorld({ simulator: { ...small, files: 1 }, sink })
      yield* patiently(Effect.exit(world.run()))
      const before = yield* world.count("file", 206)
      die = false
      const { manifest } = yield* patiently(world.run())
      assert.strictEqual((yield* world.count("file", 206)) - before, 1)
      const lost = world.events.flatMap((event) => (event._tag === "PartLost" ? [event.part] : []))
      assert.deepStrictEqual(lost, [2])
      assert.strictEqual(manifest.files.length, 1)
    })
  )

  it.effect("F50 what is stored to the last byte is published without another GET", () =>
    Effect.gen(function* () {
      const store = MemorySink.makeStore()
      let die = true
      const sink = different(store, () => (die ? { commit: Effect.die("the process ends here") } : {}))
      const world = yield* makeWorld({ simulator: { ...small, files: 1 }, sink })
      yield* patiently(Effect.exit(world.run()))
      const before = yield* world.count("file")
      die = false
      yield* patiently(world.run())
      assert.strictEqual(yield* world.count("file"), before)
      const [right] = (yield* truth(world.simulator))[0]?.files ?? []
      assert.strictEqual(
        Buffer.compare(store.objects.get(right?.key ?? "")?.bytes ?? Buffer.alloc(0), right?.bytes ?? Buffer.alloc(0)),
        0
      )
    })
  )

  it.effect("F51 a content coding that nobody asked for ends the run, and nothing is published", () =>
    Effect.gen(function* () {
      for (const fileSize of [1000, 300_000]) {
        const world = yield* makeWorld({
          simulator: { files: 1, fileSize, faults: [{ name: "gzip-file", count: Infinity }] }
        })
        assert.strictEqual(yield* patiently(failure(world.run())), "SourceError")
        assert.strictEqual(world.store.objects.size, 0)
      }
    })
  )

  it.effect("F59 bytes are no text: whatever a file holds, and wherever it is cut, it arrives as it is", () =>
    Effect.gen(function* () {
      const random = Buffer.alloc(70_001)
      for (let i = 0; i < random.length; i++) random[i] = Math.imul(i, 2_654_435_761) >>> 24
      const contents = [
        '{"a":1}\n{"b":2}',
        '{"a":1}\r\n{"b":2}\r\n',
        '\uFEFF{"a":"\u5C0F\u660E \u{1F6A2}"}\n',
        "\n\n\0\n",
        "<html>not JSON</html>",
        `{"long":"${"\u{1F6A2}".repeat(50_000)}"}`
      ].map((text) => Buffer.from(text))
      // Halves of characters, and bytes that are none in UTF-8.
      contents.push(Buffer.from([0xf0, 0x9f, 0x0a, 0x9a, 0xa2, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0xff]), random)
      const world = yield* makeWorld({ simulator: { contents } })
      yield* patiently(world.run({ partSize: 7_001 }))
      yield* delivered(world)
      const pieces = yield* makeWorld({ simulator: { contents: contents.slice(0, 5) } })
      yield* patiently(pieces.run({ partSize: 3 }))
      yield* delivered(pieces)
    })
  )

  it.effect("a part whose CRC-32 the sink cannot tell before the commit is read back after it", () =>
    Effect.gen(function* () {
      const store = MemorySink.makeStore()
      let die = true
      const sink = different(store, (writer) => ({
        stored: writer.stored.map((part) => ({ ...part, crc32: undefined })),
        commit: die ? Effect.die("the process ends here") : writer.commit
      }))
      const world = yield* makeWorld({ simulator: { ...small, files: 1 }, sink })
      yield* patiently(Effect.exit(world.run()))
      die = false
      const { manifest } = yield* patiently(world.run())
      const [expected] = yield* truth(world.simulator)
      const bytes = expected?.files[0]?.bytes ?? Buffer.alloc(0)
      assert.deepStrictEqual(
        manifest.files.map((file) => file.crc32),
        [crc32(bytes).toString(16).padStart(8, "0")]
      )
    })
  )

  it.effect("F34 links that are refused for another reason end in an error, not in a loop", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "deny-link", count: Infinity }] } })
      const result = yield* patiently(Effect.result(world.run()))
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "TransferFailed")
      assert.isBelow(yield* world.count("getAll"), 20)
    })
  )

  it.effect("F25 a failed export is an error, or is renewed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "fail-export" }] } })
      const result = yield* patiently(Effect.result(world.run()))
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "ExportFailed")
      yield* patiently(world.run({ onExpired: "renew" }))
      yield* delivered(world)
      assert.strictEqual(yield* world.count("add", 200), 2)
      // And the renewed one is remembered.
      assert.isTrue((yield* patiently(world.run({ onExpired: "renew" }))).earlier)
      assert.strictEqual(yield* world.count("add", 200), 2)
    })
  )

  it.effect("F26 an export that expires is an error, or is renewed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "expire-export" }] } })
      const result = yield* patiently(Effect.result(world.run()))
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "ExportExpired")
      yield* patiently(world.run({ onExpired: "renew" }))
      yield* delivered(world)
    })
  )

  it.effect("F22 a status that is not known is not finished", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "unknown-status", count: 6 }] } })
      yield* patiently(world.run())
      yield* delivered(world)
      assert.isTrue(world.events.some((event) => event._tag === "ExportPolled" && event.status === "Archiving"))
    })
  )

  it.effect("F31 an outage during a long wait is borne, and one at its beginning is told at once", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, processing: "2 hours" } })
      const outage = Effect.gen(function* () {
        yield* Effect.sleep("1 hour")
        yield* world.simulator.addFault({ name: "api-503-html", target: "getAll", count: Infinity })
        yield* Effect.sleep("30 minutes")
        yield* world.simulator.clearFaults
      })
      yield* patiently(Effect.all([world.run(), outage], { concurrency: "unbounded" }), "5 seconds")
      yield* delivered(world)
      assert.include(world.tags(), "LookFailed")

      const early = yield* makeWorld({
        simulator: { ...small, faults: [{ name: "api-503-html", target: "getAll", count: Infinity }] }
      })
      const result = yield* patiently(Effect.result(early.run()))
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "ApiUnavailable")
    })
  )

  it.effect("F24 waits no longer than it may", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, processing: "1 day" } })
      const result = yield* patiently(Effect.result(world.run({ maxWait: Duration.hours(1) })), "10 seconds")
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "WaitTimedOut")
      assert.isBelow(yield* world.count("getAll"), 25)
      // It was asked for once, and that is remembered.
      yield* patiently(world.run(), "1 minute")
      yield* delivered(world)
      assert.strictEqual(yield* world.count("add"), 1)
    })
  )

  it.effect(
    "F24 a process that comes too late for a wait that others began looks once, and needs no wait for what is done",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ simulator: { ...small, processing: "1 day" } })
        const waitingSince = yield* Clock.currentTimeMillis
        const run = Effect.result(world.run({ maxWait: "1 hour", waitingSince }))
        assert.isTrue(Result.isFailure(yield* patiently(run, "10 seconds")))
        yield* TestClock.adjust("2 hours")
        const late = yield* patiently(run)
        const error = Result.isFailure(late) && late.failure._tag === "WaitTimedOut" ? late.failure : undefined
        assert.approximately(error?.waited ?? 0, 3 * 3_600_000, 60_000)
        yield* TestClock.adjust("1 day")
        assert.isTrue(Result.isSuccess(yield* patiently(run)), "it looks")
        yield* delivered(world)
        assert.isTrue(Result.isSuccess(yield* patiently(run)), "it is done")
      })
  )
})

describe("asking", () => {
  it.effect("F01 a lost answer: says so, waits for the slot, asks again, and finishes", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "lose-add-answer" }] } })
      yield* patiently(world.run())
      yield* delivered(world)
      assert.include(world.tags(), "AnswerLost")
      assert.include(world.tags(), "SlotBusy")
      assert.strictEqual((yield* world.simulator.exports).length, 2)
    })
  )

  it.effect("F01 a lost answer with onBusy fail: an error that says what is known; later --on-busy wait finishes", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "lose-add-answer" }] } })
      const result = yield* patiently(Effect.result(world.run({ onBusy: "fail" })))
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "AddOutcomeUnknown")
      assert.strictEqual(world.store.objects.size, 0)
      yield* patiently(world.run({ onBusy: "wait" }))
      yield* delivered(world)
    })
  )

  it.effect("F01 a process that dies between add and its answer: the next one says so and waits", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: small })
      // What such a process leaves behind: an intent without an outcome, and an export that runs.
      yield* patiently(Effect.result(world.run({ maxWait: Duration.millis(10) })))
      for (const name of world.steps.keys()) if (name !== "intent") world.steps.delete(name)
      const fails = yield* patiently(Effect.result(world.run({ onBusy: "fail" })))
      assert.strictEqual(fails._tag === "Failure" && fails.failure._tag, "AddOutcomeUnknown")
      assert.strictEqual(yield* world.count("add"), 1, "nothing is sent")
      yield* patiently(world.run())
      yield* delivered(world)
      assert.strictEqual((yield* world.simulator.exports).length, 2)
    })
  )

  it.effect("F03 a foreign export in the slot: an error, or a wait", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: small })
      const foreign = yield* patiently(Effect.result(world.run({ maxWait: Duration.millis(10) })))
      assert.strictEqual(foreign._tag === "Failure" && foreign.failure._tag, "WaitTimedOut")
      world.steps.clear()
      const busy = yield* patiently(Effect.result(world.run()))
      assert.strictEqual(busy._tag === "Failure" && busy.failure._tag, "AddRejected")
      // The refusal is remembered: nothing of ours is outstanding, so the next one does not wait either.
      const again = yield* patiently(Effect.result(world.run()))
      assert.strictEqual(again._tag === "Failure" && again.failure._tag, "AddRejected")
      yield* patiently(world.run({ onBusy: "wait" }))
      yield* delivered(world)
    })
  )

  it.effect("F10 F15 an answer that leaves it open is not asked again blindly", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "api-500", target: "add" }] } })
      const result = yield* patiently(Effect.result(world.run({ onBusy: "fail" })))
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "AddOutcomeUnknown")
      assert.strictEqual(yield* world.count("add"), 1)
    })
  )

  it.effect("F16 an API that never answers is told of, whatever the policy", () =>
    Effect.gen(function* () {
      for (const onBusy of ["auto", "wait"] as const) {
        const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "api-500", count: Infinity }] } })
        const result = yield* patiently(Effect.result(world.run({ onBusy })))
        assert.strictEqual(result._tag === "Failure" && result.failure._tag, "AddOutcomeUnknown")
        assert.isAtMost(yield* world.count("add"), 4)
      }
    })
  )

  it.effect("F11 429 on add was certainly not accepted: asked again when the API says", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({
        simulator: { ...small, faults: [{ name: "api-429", target: "add", count: 2 }] }
      })
      yield* patiently(world.run())
      yield* delivered(world)
      assert.notInclude(world.tags(), "AnswerLost")
      assert.deepStrictEqual(addRetries(world), [
        [1, 2_000, "The API limits the requests of this access token (HTTP 429 on exports/add). It asks to wait 2 s."],
        [2, 2_000, "The API limits the requests of this access token (HTTP 429 on exports/add). It asks to wait 2 s."]
      ])
    })
  )

  it.effect(
    "F17 nobody listens: tells of each attempt and of its wait, and finishes when somebody does, or fails",
    () =>
      Effect.gen(function* () {
        const problem = "exports/add could not be reached: nobody listens at that address (ECONNREFUSED)."
        const world = yield* makeWorld({ simulator: small, unreachable: 3 })
        yield* patiently(world.run())
        yield* delivered(world)
        const told = [500, 1_000, 2_000].map((wait, i) => [i + 1, wait, problem] as const)
        assert.deepStrictEqual(addRetries(world), told)
        assert.strictEqual(world.tags().indexOf("ExportRequested"), 3)
        // Each wait is as long as it was told to be.
        const times = world.events.slice(0, 4).map((event) => event.at)
        for (const [i, wait] of [500, 1_000, 2_000].entries())
          assert.strictEqual((times[i + 1] ?? 0) - (times[i] ?? 0), wait)

        const never = yield* makeWorld({ simulator: small, unreachable: Infinity })
        assert.strictEqual(yield* patiently(failure(never.run())), "ApiUnavailable")
        // The last failure is the error, and nothing follows it.
        assert.strictEqual(addRetries(never).length, 6)
        assert.strictEqual(never.tags().at(-1), "RunFailed")
        for (const token of Object.values(tokens)) assert.notInclude(JSON.stringify(never.events), token)
      })
  )

  it.effect("an existing export can be taken up", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: small })
      yield* patiently(Effect.result(world.run({ maxWait: Duration.millis(10) })))
      world.steps.clear()
      const [existing] = yield* world.simulator.exports
      if (existing === undefined) return assert.fail()
      yield* patiently(world.run({ exportId: ExportId.make(existing.id) }))
      yield* delivered(world)
      assert.strictEqual(yield* world.count("add"), 1)
    })
  )

  it.effect("F37 exports that wait in one process share one getAll, however they began", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ simulator: { files: 1, fileSize: 1000, processing: "1 hour" } })
      const types = ["Reservation", "Customer", "OrderItem", "Payment", "Bill"]
      yield* patiently(world.runAll(types, "7 seconds"), "1 second")
      const looks = (yield* world.simulator.requests).filter((one) => one.kind === "getAll").map((one) => one.at)
      const polls = world.events.filter((event) => event._tag === "ExportPolled").length
      assert.isAbove(polls, types.length * 10)
      // Once the intervals are the same, one look serves all of them.
      const late = looks.filter((at) => Date.parse(at) > 20 * 60_000)
      assert.isAtMost(late.length, 10)
      assert.isAtLeast(late.length, 8)
    })
  )
})
