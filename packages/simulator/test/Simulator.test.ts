import { assert, describe, it } from "@effect/vitest"
import { addPath, getAllPath } from "@longshore/core/ConnectorApi"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { Fault, Simulator } from "../src/index.ts"

type Json = Record<string, any>

const call = Effect.fnUntraced(function* (
  path: string,
  body: object | string,
  more: Partial<Simulator.SimulatorRequest> = {}
) {
  const simulator = yield* Simulator.Simulator
  const common = { ClientToken: "client", AccessToken: "access", Client: "Test 1.0" }
  const answer = yield* simulator.handle({
    method: "POST",
    origin: "https://api.test",
    path,
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify({ ...common, ...body }),
    ...more
  })
  const text = Buffer.concat([...answer.body()]).toString()
  yield* answer.sent(text.length)
  // Some answers are no JSON on purpose.
  const isJson = answer.headers["content-type"]?.startsWith("application/json") === true && /^\{.*\}$/s.test(text)
  const json: Json = isJson ? JSON.parse(text) : {}
  return { answer, status: answer.status, headers: answer.headers, text, json }
})
const add = (EntityType = "Reservation", more: object = {}) => call(addPath, { EntityType, ...more })
const look = (...ids: ReadonlyArray<string>) => call(getAllPath, { ExportIds: ids })
const get = (url: string, headers: Record<string, string> = {}) =>
  call(url.replace("https://api.test", ""), "", { method: "GET", headers })
/** An export that is ready, and the link of its first file. */
const ready = Effect.gen(function* () {
  const id: string = (yield* add()).json["Export"].Id
  yield* TestClock.adjust("7 seconds")
  const url: string = (yield* look(id)).json["Exports"][0].Files[0].Url
  return { id, url }
})

const test = (
  title: string,
  body: Effect.Effect<void, unknown, Simulator.Simulator>,
  options?: Simulator.SimulatorOptions
) => it.effect(title, () => Effect.provide(body, Simulator.layer({ fileSize: 5000, ...options })))

describe("exports", () => {
  test(
    "Pending, Processing, Success, Expired, at their times",
    Effect.gen(function* () {
      const id: string = (yield* add()).json["Export"].Id
      const seen: Array<string> = []
      for (const wait of ["0 seconds", "2 seconds", "5 seconds", "6 days", "2 days"] as const) {
        yield* TestClock.adjust(wait)
        const found = (yield* look(id)).json["Exports"][0]
        seen.push(found.Status)
        assert.strictEqual(found.Files.length, found.Status === "Success" ? 2 : 0)
        assert.strictEqual(found.ExpiresUtc === null, !["Success", "Expired"].includes(found.Status))
      }
      assert.deepStrictEqual(seen, ["Pending", "Processing", "Success", "Success", "Expired"])
    })
  )

  test(
    "one at a time of a type and a token",
    Effect.gen(function* () {
      assert.strictEqual((yield* add()).status, 200)
      assert.strictEqual((yield* add()).status, 409)
      assert.strictEqual((yield* add("Customer")).status, 200)
      assert.strictEqual((yield* add("Reservation", { AccessToken: "another" })).status, 200)
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual((yield* add()).status, 200)
    }),
    { conflictStatus: 409 }
  )

  test(
    "refuses what the documentation refuses",
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-06-01T00:00:00Z"))
      const period = (StartUtc: string, EndUtc: string) => ({ Filters: { UpdatedUtc: { StartUtc, EndUtc } } })
      const refusals = [
        [404, yield* call(`${addPath}/`, {})],
        [404, yield* call(addPath, {}, { method: "GET" })],
        [404, yield* call("/api/connector/v1/exports/Add", {})],
        [415, yield* call(addPath, {}, { headers: { "content-type": "text/plain" } })],
        [400, yield* call(addPath, "{,}")],
        [401, yield* add("Reservation", { AccessToken: "" })],
        [401, yield* add("Reservation", { ClientToken: undefined })],
        [400, yield* add("Nothing")],
        [400, yield* add("LedgerEntry")],
        [400, yield* add("Payment", { Scope: { EnterpriseIds: [] } })],
        [400, yield* add("Payment", period("2025-11-01T00:00:00Z", "2026-05-01T00:00:00Z"))],
        [400, yield* add("Payment", period("2026-05-01T00:00:00Z", "2026-05-31T23:55:01Z"))],
        [400, yield* look()],
        [400, yield* look("x")],
        [400, yield* look("3fa85f64-5717-4562-b3fc-2c963f66afa6")]
      ] as const
      for (const [status, refusal] of refusals) {
        assert.strictEqual(refusal.status, status, refusal.text)
        assert.match(refusal.headers["request-id"] ?? "", /^[0-9a-f-]{36}$/)
        assert.strictEqual(refusal.json["RequestId"], refusal.headers["request-id"])
      }
      assert.strictEqual((yield* add("Payment", period("2026-05-01T00:00:00Z", "2026-05-31T23:55:00Z"))).status, 200)
    })
  )

  test(
    "limits the requests of a token in a sliding window",
    Effect.gen(function* () {
      for (let n = 0; n < 3; n++) {
        assert.strictEqual((yield* look("x")).status, 400)
        yield* TestClock.adjust("1 second")
      }
      const limited = yield* look("x")
      assert.strictEqual(limited.status, 429)
      assert.strictEqual(limited.headers["retry-after"], "7")
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual((yield* look("x")).status, 400)
      assert.strictEqual((yield* look("x")).status, 429)
    }),
    { rateLimit: { limit: 3, window: "10 seconds" } }
  )
})

describe("knobs", () => {
  test(
    "the first documentation knows five types",
    Effect.gen(function* () {
      assert.strictEqual((yield* add("Company")).status, 200)
      assert.strictEqual((yield* add("Bill")).status, 400)
    }),
    { profile: "seed" }
  )

  test(
    "by default a second export is refused with 400",
    Effect.andThen(
      add(),
      Effect.gen(function* () {
        assert.strictEqual((yield* add()).status, 400)
      })
    )
  )

  test(
    "an unknown id can be passed over",
    Effect.gen(function* () {
      const found = yield* look("3fa85f64-5717-4562-b3fc-2c963f66afa6")
      assert.deepStrictEqual(found.json, { Exports: [] })
    }),
    { unknownId: "omit" }
  )
})

describe("links", () => {
  test(
    "end after ten minutes, each at its own time, with the storage's XML",
    Effect.gen(function* () {
      const { id, url } = yield* ready
      yield* TestClock.adjust("5 minutes")
      const newer: string = (yield* look(id)).json["Exports"][0].Files[0].Url
      assert.notStrictEqual(newer, url)
      assert.strictEqual((yield* get(url)).status, 200)
      yield* TestClock.adjust("5 minutes")
      const denied = yield* get(url)
      assert.strictEqual(denied.status, 403)
      assert.strictEqual(denied.text.charCodeAt(0), 0xfeff)
      assert.include(denied.text, "<Code>AuthenticationFailed</Code>")
      assert.strictEqual((yield* get(newer)).status, 200)
    })
  )

  test(
    "that were changed are refused, and what is gone is not found",
    Effect.gen(function* () {
      const { url } = yield* ready
      assert.strictEqual((yield* get(url.replace("-1.jsonl", "-2.jsonl"))).status, 403)
      assert.strictEqual((yield* get(url.replace(/se=\d+/, "se=9999999999999"))).status, 403)
      assert.strictEqual((yield* get(url.replace(/sig=./, "sig=_"))).status, 403)
      assert.strictEqual((yield* call(url.replace("https://api.test", ""), "", { method: "HEAD" })).status, 405)
    })
  )

  test(
    "of the first documentation do not end",
    Effect.gen(function* () {
      const { url } = yield* ready
      yield* TestClock.adjust("6 days")
      assert.strictEqual((yield* get(url)).status, 200)
      yield* TestClock.adjust("2 days")
      assert.strictEqual((yield* get(url)).status, 404)
    }),
    { profile: "seed" }
  )
})

describe("files", () => {
  test(
    "come whole, in ranges, and only if they match",
    Effect.gen(function* () {
      const { url } = yield* ready
      const whole = yield* get(url)
      const etag = whole.headers["etag"] ?? ""
      assert.match(etag, /^"0x8D[0-9A-F]{13}"$/)
      assert.strictEqual(whole.headers["content-length"], "5000")
      const part = yield* get(url, { range: "bytes=10-19", "if-match": etag })
      assert.strictEqual(part.status, 206)
      assert.strictEqual(part.headers["content-range"], "bytes 10-19/5000")
      assert.strictEqual(part.text, whole.text.slice(10, 20))
      assert.strictEqual((yield* get(url, { range: "bytes=4990-" })).headers["content-range"], "bytes 4990-4999/5000")
      assert.strictEqual((yield* get(url, { range: "bytes=5000-" })).status, 416)
      assert.strictEqual((yield* get(url, { "if-match": '"0x8D0"' })).status, 412)
    })
  )
})

describe("faults", () => {
  for (const name of Fault.names.filter((name) => name.startsWith("api-"))) {
    test(
      name,
      Effect.gen(function* () {
        const answer = yield* add()
        const status = Number(/\d+/.exec(name)?.[0] ?? 200)
        assert.strictEqual(answer.status, status)
        if (name === "api-not-json") assert.include(answer.text, "<html>")
        if (name === "api-429-html") assert.isUndefined(answer.headers["retry-after"])
        if (name === "api-429") assert.strictEqual(answer.headers["retry-after"], "2")
        if (name === "api-empty") assert.strictEqual(answer.text, "")
        if (name === "api-truncated") assert.throws(() => void JSON.parse(answer.text))
        if (name === "api-429-date") assert.match(answer.headers["retry-after"] ?? "", /GMT$/)
        assert.strictEqual((yield* (yield* Simulator.Simulator).exports).length, 0)
        assert.strictEqual((yield* add()).status, 200, "once is once")
      }),
      { faults: [{ name }] }
    )
  }

  test(
    "api-429 asks for the time it is told, and hold-answer does nothing for it",
    Effect.gen(function* () {
      const { answer } = yield* add()
      assert.deepStrictEqual([Duration.toMillis(answer.delay), answer.ending], [30_000, "nothing"])
      assert.strictEqual((yield* add()).headers["retry-after"], "18000")
      assert.strictEqual((yield* (yield* Simulator.Simulator).exports).length, 0)
    }),
    {
      faults: [
        { name: "api-429", duration: Duration.hours(5) },
        { name: "hold-answer", target: "add", duration: Duration.seconds(30) }
      ]
    }
  )

  test(
    "lose-add-answer and hold-add-answer accept",
    Effect.gen(function* () {
      assert.strictEqual((yield* add()).answer.ending, "nothing")
      assert.strictEqual(Duration.toMillis((yield* add("Customer")).answer.delay), 5000)
      assert.strictEqual((yield* (yield* Simulator.Simulator).exports).length, 2)
    }),
    {
      faults: [
        { name: "lose-add-answer" },
        ...[Fault.parse("hold-add-answer@Customer=5s")].filter((one) => typeof one !== "string")
      ]
    }
  )

  test(
    "fail-export, expire-export, unknown-status, wrong-size",
    Effect.gen(function* () {
      const simulator = yield* Simulator.Simulator
      const first: string = (yield* add()).json["Export"].Id
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual((yield* look(first)).json["Exports"][0].Status, "Failed")
      const { id } = yield* ready
      yield* simulator.addFault({ name: "unknown-status" })
      assert.strictEqual((yield* look(id)).json["Exports"][0].Status, "Archiving")
      yield* simulator.addFault({ name: "wrong-size" })
      assert.strictEqual((yield* look(id)).json["Exports"][0].Files[0].SizeInBytes, 5001)
      yield* simulator.addFault({ name: "expire-export" })
      assert.strictEqual((yield* look(id)).json["Exports"][0].Status, "Expired")
      assert.strictEqual((yield* look(id)).json["Exports"][0].Status, "Expired")
    }),
    { faults: [{ name: "fail-export" }] }
  )

  test(
    "those of one answer about an export",
    Effect.gen(function* () {
      const simulator = yield* Simulator.Simulator
      const { id } = yield* ready
      type Found = { Status: string; ExpiresUtc: string | null; Files: ReadonlyArray<{ Url: string }> }
      const one = Effect.map(look(id), ({ json }): Found | undefined => json["Exports"][0])
      const after = (name: Fault.FaultName) => Effect.andThen(simulator.addFault({ name }), one)
      const paths = (found: Found | undefined) => found?.Files.map(({ Url }) => new URL(Url).pathname)
      const urls = (found: Found | undefined) => found?.Files.map(({ Url }) => Url)
      const right = yield* one
      assert.isUndefined(yield* after("omit-export"))
      const back = yield* after("status-back")
      assert.deepStrictEqual([back?.Status, back?.Files.length, back?.ExpiresUtc], ["Processing", 0, null])
      const empty = yield* after("no-files")
      assert.deepStrictEqual([empty?.Status, empty?.Files.length], ["Success", 0])
      assert.deepStrictEqual(paths(yield* after("drop-file")), paths(right)?.slice(0, 1))
      assert.deepStrictEqual(paths(yield* after("reorder-files")), paths(right)?.toReversed())
      assert.isNull((yield* after("no-expiry"))?.ExpiresUtc)
      assert.isBelow(Date.parse((yield* after("past-expiry"))?.ExpiresUtc ?? ""), 0)
      const before = yield* one
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(urls(yield* after("same-links")), urls(before))
      assert.notDeepEqual(urls(yield* one), urls(before))
      const moved = yield* after("move-files")
      assert.notDeepEqual(paths(moved), paths(right))
      assert.strictEqual((yield* get(urls(moved)?.[0] ?? "")).text, (yield* get(urls(yield* one)?.[0] ?? "")).text)
    })
  )

  test(
    "those of files",
    Effect.gen(function* () {
      const simulator = yield* Simulator.Simulator
      const { url } = yield* ready
      const right = yield* get(url, { range: "bytes=0-99" })
      const after = (name: Fault.FaultName) =>
        Effect.andThen(simulator.addFault({ name }), get(url, { range: "bytes=0-99" }))
      assert.strictEqual((yield* after("reset-file")).answer.ending, "cut")
      assert.strictEqual((yield* after("stall-file")).answer.ending, "stall")
      const truncated = yield* after("truncate-file")
      assert.deepStrictEqual([truncated.text.length, truncated.headers["content-length"]], [50, undefined])
      const flipped = yield* after("flip-byte")
      assert.notStrictEqual(flipped.text, right.text)
      assert.strictEqual(flipped.text.slice(1), right.text.slice(1))
      assert.strictEqual((yield* after("gzip-file")).headers["content-encoding"], "gzip")
      assert.strictEqual((yield* after("ignore-range")).status, 200)
      assert.isUndefined((yield* after("no-etag")).headers["etag"])
      assert.strictEqual((yield* after("wrong-range")).headers["content-range"], "bytes 1-100/5000")
      assert.strictEqual((yield* after("deny-link")).status, 403)
      for (const status of [400, 404, 410, 503] as const) {
        assert.strictEqual((yield* after(`file-${status}`)).status, status)
      }
      const changed = yield* after("change-content")
      assert.notStrictEqual(changed.headers["etag"], right.headers["etag"])
      assert.notStrictEqual(changed.text, right.text)
      assert.strictEqual((yield* get(url, { range: "bytes=0-99" })).text, changed.text, "it stays changed")
    })
  )

  it("are read from a command line, or explained", () => {
    assert.deepStrictEqual(Fault.parse("reset-file"), { name: "reset-file" })
    assert.deepStrictEqual(Fault.parse("api-500@getAll=3"), { name: "api-500", target: "getAll", count: 3 })
    assert.deepStrictEqual(Fault.parse("deny-link=always"), { name: "deny-link", count: Infinity })
    for (const bad of ["nothing", "reset-file=", "reset-file=soon", "reset-file@=1", ""]) {
      assert.isString(Fault.parse(bad), bad)
    }
  })
})

describe("the same seed", () => {
  /** Everything that a client sees of one story, ids and signatures included. */
  const story = (seed: number) =>
    Effect.gen(function* () {
      const { id, url } = yield* ready
      yield* (yield* Simulator.Simulator).addFault({ name: "deny-link" })
      const answers = [yield* add("Nothing"), yield* look(id), yield* get(url), yield* get(url)]
      return answers.map(({ headers, status, text }) => ({ headers, status, text }))
    }).pipe(
      Effect.provide(Layer.fresh(Layer.provideMerge(Simulator.layer({ seed, fileSize: 5000 }), TestClock.layer())))
    )

  it.effect("gives the same answers, and every request an id of its own", () =>
    Effect.gen(function* () {
      const first = yield* story(7)
      assert.deepStrictEqual(yield* story(7), first)
      assert.notDeepEqual(yield* story(8), first)
      const ids = first.map(({ headers }) => headers["request-id"] ?? headers["x-ms-request-id"])
      assert.strictEqual(new Set(ids).size, ids.length)
    })
  )

  test(
    "and the same time, whatever the clock of the client says",
    Effect.gen(function* () {
      const clock = yield* TestClock.testClockWith(Effect.succeed)
      const wrong = { ...clock, currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + 3_600_000 }
      const { url } = yield* ready
      assert.strictEqual((yield* Effect.provideService(get(url), Clock.Clock, wrong)).status, 200)
      const [first] = yield* (yield* Simulator.Simulator).requests
      assert.strictEqual(first?.at, "1970-01-01T00:00:00.000Z")
    })
  )

  test(
    "and the bytes that it is given, whatever they are",
    Effect.gen(function* () {
      const { url } = yield* ready
      assert.strictEqual((yield* get(url)).text, "a\r\nb")
      assert.strictEqual((yield* get(url, { range: "bytes=1-2" })).text, "\r\n")
    }),
    { contents: [Buffer.from("a\r\nb")] }
  )
})
