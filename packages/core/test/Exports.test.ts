import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { type Export, Exports } from "../src/index.ts"
import { type Behaviour, bodyOf, host } from "./stub.ts"

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}` as Export.ExportId
const wire = (n: number, more: object = {}) => ({
  Id: id(n),
  Status: "Pending",
  EntityType: "Reservation",
  Files: [],
  ExpiresUtc: null,
  ...more
})
const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers })

const clientToken = "client-token-secret-0123456789"
const accessToken = "access-token-secret-0123456789"
const options: Exports.ExportsOptions = {
  platformAddress: "https://api.example.test",
  clientToken: Redacted.make(clientToken),
  accessToken: Redacted.make(accessToken)
}

const using = <A, E>(
  behaviour: Behaviour,
  f: (exports: Exports.Exports["Service"]) => Effect.Effect<A, E>,
  more: Partial<Exports.ExportsOptions> = {}
) => {
  const { layer, requests } = host(behaviour)
  return Exports.Exports.use(f).pipe(
    Effect.provide(Layer.provide(Exports.layer({ ...options, ...more }), layer)),
    Effect.result,
    Effect.map((result) => ({ result, requests }))
  )
}

/** Runs to the end however long that takes on the test's clock. */
const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let i = 0; i < 400 && fiber.pollUnsafe() === undefined; i++) yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

const add = (exports: Exports.Exports["Service"]) => exports.add({ entityType: "Reservation" })
const look = (exports: Exports.Exports["Service"]) => exports.get(id(1))

describe("add", () => {
  it.effect(
    "F22 sends tokens, client and request in the body, and reads the first documentation's shape and a later one's",
    () =>
      Effect.gen(function* () {
        const { requests, result } = yield* using(
          () => json({ Export: wire(1, { EntityType: "SomethingNew", Status: "Queued", Extra: 1 }) }),
          (exports) => exports.add({ entityType: "Reservation", scope: { enterpriseIds: [id(7)] } }),
          { locale: { languageCode: "de-DE", cultureCode: "de-DE" }, client: "Test 1.0" }
        )
        assert.strictEqual(requests[0]?.url, "https://api.example.test/api/connector/v1/exports/add")
        assert.deepStrictEqual(bodyOf(requests[0]), {
          ClientToken: clientToken,
          AccessToken: accessToken,
          Client: "Test 1.0",
          LanguageCode: "de-DE",
          CultureCode: "de-DE",
          EntityType: "Reservation",
          Scope: { EnterpriseIds: [id(7)] }
        })
        assert.strictEqual(result._tag, "Success")
        if (result._tag === "Success") {
          assert.strictEqual(result.success.entityType, "SomethingNew")
          assert.strictEqual(result.success.status, "Queued")
        }
      })
  )

  const table: ReadonlyArray<readonly [string, ReturnType<Behaviour>, string]> = [
    ["F02 400", json({ Message: "Already running", RequestId: "r-1", Details: null }, 400), "AddRejected"],
    ["F04 403 in other words", json({ Message: "Nein", RequestId: "r-1" }, 403), "AddRejected"],
    ["F04 409 without a word", json({}, 409), "AddRejected"],
    ["F09 401", json({ Message: "Invalid", RequestId: "r-1" }, 401), "AccessDenied"],
    ["404", json({ Message: null }, 404), "RequestRejected"],
    ["F10 408", json({}, 408), "AddOutcomeUnknown"],
    ["500", json({}, 500), "AddOutcomeUnknown"],
    ["503 with HTML", new Response("<html>", { status: 503 }), "AddOutcomeUnknown"],
    ["F01 a cut connection", { code: "ECONNRESET" }, "AddOutcomeUnknown"],
    ["F17 nobody there", { code: "ECONNREFUSED" }, "ApiUnavailable"],
    ["F13 429 with HTML", new Response("<html>slow down", { status: 429 }), "RateLimited"],
    ["F08 204", new Response(null, { status: 204 }), "UnexpectedResponse"],
    ["F18 200 with HTML", new Response("<html>log in"), "UnexpectedResponse"],
    ["F07 200 with nothing", new Response(""), "UnexpectedResponse"],
    ["F07 half of an answer", new Response('{"Export":{"Id":"00000000-'), "UnexpectedResponse"],
    ["F07 200 of another shape", json({ Export: { Id: "https://secret?sig=1" } }), "UnexpectedResponse"],
    [
      "F42 a redirect",
      new Response(null, { status: 302, headers: { location: "https://elsewhere.test" } }),
      "UnexpectedResponse"
    ]
  ]
  for (const [name, answer, tag] of table) {
    it.effect(`${name} is ${tag}, after one attempt, without a secret`, () =>
      Effect.gen(function* () {
        const { requests, result } = yield* patiently(
          using(() => (answer instanceof Response ? answer.clone() : answer), add)
        )
        assert.strictEqual(requests.length, 1)
        assert.strictEqual(result._tag, "Failure")
        if (result._tag === "Failure") {
          const error = result.failure
          assert.strictEqual(error._tag, tag)
          const all = `${error.message} ${error.nextStep} ${JSON.stringify(error)} ${String(error)}`
          assert.notInclude(all, clientToken)
          assert.notInclude(all, accessToken)
          assert.notInclude(all, "sig=")
        }
      })
    )
  }

  it.effect("the RequestId comes from the body or the header, and a token in a message is struck out", () =>
    Effect.gen(function* () {
      const { result } = yield* using(
        () => json({ Message: `Invalid ${accessToken}` }, 401, { "request-id": "from-header" }),
        add
      )
      if (result._tag !== "Failure" || result.failure._tag !== "AccessDenied")
        return assert.fail("AccessDenied expected")
      assert.strictEqual(result.failure.requestId, "from-header")
      assert.strictEqual(result.failure.apiMessage, "Invalid <token>")
    })
  )
})

describe("look-ups", () => {
  it.effect(
    "F20 F21 at the same time share one getAll, and are matched by id, whatever else is listed and how often",
    () =>
      Effect.gen(function* () {
        const { requests, result } = yield* patiently(
          using(
            () => json({ Exports: [wire(3), wire(99), wire(1), wire(3), wire(1)] }),
            (exports) =>
              Effect.forEach([1, 2, 3, 1], (n) => Effect.result(exports.get(id(n))), { concurrency: "unbounded" })
          )
        )
        assert.strictEqual(requests.length, 1)
        assert.deepStrictEqual(bodyOf(requests[0])["ExportIds"], [id(1), id(2), id(3)])
        if (result._tag !== "Success") return assert.fail()
        assert.deepStrictEqual(
          result.success.map((found) => (found._tag === "Success" ? found.success.id : found.failure._tag)),
          [id(1), "ExportNotFound", id(3), id(1)]
        )
      })
  )

  it.effect("F20 an id that the API rejects fails alone", () =>
    Effect.gen(function* () {
      const { result } = yield* patiently(
        using(
          (_, request) =>
            (bodyOf(request)["ExportIds"] as Array<string>).includes(id(2))
              ? json({ Message: "Invalid ExportIds" }, 400)
              : json({ Exports: (bodyOf(request)["ExportIds"] as Array<string>).map((Id) => wire(0, { Id })) }),
          (exports) => Effect.forEach([1, 2, 3], (n) => Effect.result(exports.get(id(n))), { concurrency: "unbounded" })
        )
      )
      if (result._tag !== "Success") return assert.fail()
      assert.deepStrictEqual(
        result.success.map((found) => (found._tag === "Success" ? found.success.id : found.failure._tag)),
        [id(1), "RequestRejected", id(3)]
      )
    })
  )

  it.effect("F30 of more than 1000 exports at the same time are split", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const { result } = yield* patiently(
        using(
          (_, request) => {
            const ids = bodyOf(request)["ExportIds"] as Array<string>
            sizes.push(ids.length)
            return json({ Exports: ids.map((Id) => wire(0, { Id })).toReversed() })
          },
          (exports) =>
            Effect.forEach(
              Array.from({ length: 1200 }, (_, n) => id(n)),
              exports.get,
              { concurrency: "unbounded" }
            )
        )
      )
      assert.deepStrictEqual(sizes, [1000, 200])
      assert.deepStrictEqual(
        result._tag === "Success" && result.success.map((found) => found.id),
        Array.from({ length: 1200 }, (_, n) => id(n))
      )
    })
  )

  it.effect("F30 of more than 1000 ids are split", () =>
    Effect.gen(function* () {
      const ids = Array.from({ length: 2500 }, (_, n) => id(n))
      const { requests, result } = yield* patiently(
        using(
          (_, request) =>
            json({ Exports: (bodyOf(request)["ExportIds"] as Array<string>).map((Id) => wire(0, { Id })) }),
          (exports) => exports.getAll(ids)
        )
      )
      assert.deepStrictEqual(
        requests.map((request) => (bodyOf(request)["ExportIds"] as Array<string>).length),
        [1000, 1000, 500]
      )
      assert.strictEqual(result._tag === "Success" && result.success.length, 2500)
    })
  )

  it.effect("F15 are tried again after 5xx, 408, 409 and a cut connection", () =>
    Effect.gen(function* () {
      const answers: ReadonlyArray<ReturnType<Behaviour>> = [
        json({}, 500),
        json({}, 408),
        json({}, 409),
        { code: "ECONNRESET" },
        json({ Exports: [wire(1)] })
      ]
      const { requests, result } = yield* patiently(using((n) => answers[n] ?? json({}, 500), look))
      assert.strictEqual(result._tag, "Success")
      assert.strictEqual(requests.length, 5)
    })
  )

  it.effect("F16 give up in the end, with the last reason", () =>
    Effect.gen(function* () {
      const { requests, result } = yield* patiently(using(() => json({}, 502), look, { retries: 3 }))
      assert.strictEqual(requests.length, 4)
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "ApiUnavailable")
    })
  )

  it.effect("F42 redirects are not followed by fetch either: no other host is told the tokens", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      // As `fetch` does it: it follows by itself unless it is told not to.
      const fetch = (async (url: URL, init: RequestInit) => {
        asked.push(url.host)
        const answer = new Response(null, { status: 307, headers: { location: "https://elsewhere.test/" } })
        if (init.redirect === "manual") return answer
        asked.push("elsewhere.test")
        return json({ Exports: [wire(1)] })
      }) as typeof globalThis.fetch
      const result = yield* Exports.Exports.use(look).pipe(
        Effect.provide(Layer.provide(Exports.layer(options), FetchHttpClient.layer)),
        Effect.provideService(FetchHttpClient.Fetch, fetch),
        Effect.result,
        patiently
      )
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "UnexpectedResponse")
      assert.deepStrictEqual(asked, ["api.example.test"])
    })
  )

  it.effect("F31 an answer that never comes ends in time", () =>
    Effect.gen(function* () {
      const never = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) })
      const { result } = yield* patiently(using(() => new Response(never), look, { retries: 0, timeout: "10 seconds" }))
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "ApiUnavailable")
    })
  )

  const waits: ReadonlyArray<readonly [string, Record<string, string>, number]> = [
    ["F11 seconds", { "retry-after": "20" }, 20_000],
    ["F12 a date", { "retry-after": "Thu, 01 Jan 1970 00:00:40 GMT" }, 40_000],
    [
      "F41 a date, by the clock of the API, which is 15 minutes ahead",
      { "retry-after": "Thu, 01 Jan 1970 00:15:40 GMT", date: "Thu, 01 Jan 1970 00:15:00 GMT" },
      40_000
    ],
    [
      "F41 a date, by the clock of the API, which is 15 minutes behind",
      { "retry-after": "Wed, 31 Dec 1969 23:45:40 GMT", date: "Wed, 31 Dec 1969 23:45:00 GMT" },
      40_000
    ],
    ["F13 nothing", {}, 0],
    ["F14 a date in the past", { "retry-after": "Thu, 01 Jan 1969 00:00:00 GMT" }, 0],
    ["F14 nonsense", { "retry-after": "-5" }, 0]
  ]
  for (const [name, headers, least] of waits) {
    it.effect(`Retry-After: ${name}`, () =>
      Effect.gen(function* () {
        const times: Array<number> = []
        const clock = yield* TestClock.testClockWith(Effect.succeed)
        const { result } = yield* patiently(
          using((n) => {
            times.push(clock.currentTimeMillisUnsafe())
            return n === 0 ? new Response("slow", { status: 429, headers }) : json({ Exports: [wire(1)] })
          }, look)
        )
        assert.strictEqual(result._tag, "Success")
        const waited = (times[1] ?? 0) - (times[0] ?? 0)
        // The first request is sent 20 ms after the epoch of the test's clock.
        assert.isAtLeast(waited, least - 20)
        assert.isBelow(waited, least + 5_000)
      })
    )
  }

  it.effect("F14 a Retry-After of five hours is not waited for", () =>
    Effect.gen(function* () {
      const { requests, result } = yield* patiently(
        using(() => new Response("", { status: 429, headers: { "retry-after": "18000" } }), look)
      )
      assert.strictEqual(requests.length, 1)
      if (result._tag !== "Failure" || result.failure._tag !== "RateLimited") return assert.fail()
      assert.strictEqual(result.failure.retryAfter, 18_000_000)
    })
  )

  it.effect("keep to the rate limit", () =>
    Effect.gen(function* () {
      const clock = yield* TestClock.testClockWith(Effect.succeed)
      const times: Array<number> = []
      yield* patiently(
        using(
          () => {
            times.push(clock.currentTimeMillisUnsafe())
            return json({ Exports: [] })
          },
          (exports) =>
            Effect.all(
              Array.from({ length: 30 }, () => exports.getAll([id(1)])),
              { concurrency: "unbounded" }
            ),
          { rateLimit: { limit: 10, window: "10 seconds" } }
        )
      )
      assert.strictEqual(times.length, 30)
      for (const [n, at] of times.entries()) {
        const within = times.filter((other) => other >= at && other < at + 10_000).length
        assert.isAtMost(within, 20, `request ${n}`)
      }
      assert.isAtLeast((times.at(-1) ?? 0) - (times[0] ?? 0), 19_000)
    })
  )

  it.effect("F43 keep to the rate limit, and go on, when the clock leaps back", () =>
    Effect.gen(function* () {
      const real = yield* Clock.Clock
      let ahead = 0
      const now = () => real.currentTimeMillisUnsafe() + ahead
      const clock: Clock.Clock = Object.create(real, {
        currentTimeMillisUnsafe: { value: now },
        currentTimeMillis: { value: Effect.sync(now) }
      })
      const times: Array<number> = []
      const ask = (exports: Exports.Exports["Service"]) => exports.getAll([id(1)])
      yield* patiently(
        using(
          () => {
            times.push(real.currentTimeMillisUnsafe())
            return json({ Exports: [] })
          },
          (exports) =>
            Effect.gen(function* () {
              yield* Effect.replicateEffect(ask(exports), 10)
              ahead = -8 * 3_600_000
              yield* Effect.replicateEffect(ask(exports), 10)
            }),
          { rateLimit: { limit: 10, window: "10 seconds" } }
        ).pipe(Effect.provideService(Clock.Clock, clock))
      )
      assert.strictEqual(times.length, 20)
      assert.approximately((times.at(-1) ?? 0) - (times[0] ?? 0), 10_000, 2_000)
    })
  )
})

describe("parameters are checked before anything is sent", () => {
  const at = (iso: string) => DateTime.makeUnsafe(iso)
  const now = at("2026-06-01T12:00:00Z")
  const bad: ReadonlyArray<readonly [string, Export.ExportRequest]> = [
    [
      "F19 180 days and a second",
      {
        entityType: "Payment",
        filters: { updatedUtc: { startUtc: at("2025-11-01T00:00:00Z"), endUtc: at("2026-04-30T00:00:01Z") } }
      }
    ],
    [
      "F19 an end 4:59 ago",
      {
        entityType: "Payment",
        filters: { updatedUtc: { startUtc: at("2026-05-01T00:00:00Z"), endUtc: at("2026-06-01T11:55:01Z") } }
      }
    ],
    [
      "an end before the start",
      {
        entityType: "Payment",
        filters: { updatedUtc: { startUtc: at("2026-05-02T00:00:00Z"), endUtc: at("2026-05-01T00:00:00Z") } }
      }
    ],
    ["F19 LedgerEntry without dates", { entityType: "LedgerEntry" }],
    [
      "a day that does not exist",
      {
        entityType: "LedgerEntry",
        filters: { ledgerEntryFilters: { posting: { start: "2026-02-30", end: "2026-03-01" } } }
      }
    ],
    [
      "a month that does not exist",
      {
        entityType: "LedgerEntry",
        filters: { ledgerEntryFilters: { posting: { start: "2026-13-01", end: "2026-13-02" } } }
      }
    ],
    ["no ids", { entityType: "Payment", scope: { enterpriseIds: [] } }],
    ["an id that is none", { entityType: "Payment", scope: { chainIds: ["x"] } }]
  ]
  for (const [name, request] of bad) {
    it.effect(name, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(DateTime.toEpochMillis(now))
        const { requests, result } = yield* using(
          () => json({}),
          (exports) => exports.add(request)
        )
        assert.strictEqual(result._tag === "Failure" && result.failure._tag, "InvalidRequest")
        assert.strictEqual(requests.length, 0)
      })
    )
  }

  it.effect("F19 exactly 180 days, ending exactly 5 minutes ago, is sent", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(DateTime.toEpochMillis(now))
      const end = DateTime.subtractDuration(now, Duration.minutes(5))
      const updatedUtc = { startUtc: DateTime.subtractDuration(end, Duration.days(180)), endUtc: end }
      const { requests } = yield* using(
        () => json({ Export: wire(1) }),
        (exports) => exports.add({ entityType: "Payment", filters: { updatedUtc } })
      )
      assert.deepStrictEqual(bodyOf(requests[0])["Filters"], {
        UpdatedUtc: { StartUtc: "2025-12-03T11:55:00Z", EndUtc: "2026-06-01T11:55:00Z" }
      })
    })
  )

  for (const platformAddress of ["api.mews.com", "ftp://x", "http://api.mews.com", "https://user:pw@api.mews.com"]) {
    it.effect(`the platform address ${platformAddress} is refused`, () =>
      Effect.gen(function* () {
        const { result } = yield* using(() => json({}), look, { platformAddress })
        assert.strictEqual(result._tag === "Failure" && result.failure._tag, "InvalidRequest")
      })
    )
  }
})

describe("layerConfig", () => {
  const configured = (env: Record<string, string>, config?: Exports.ExportsConfig) => {
    const { layer, requests } = host(() => json({ Export: wire(1) }))
    return Exports.Exports.use(add).pipe(
      Effect.provide(Layer.provide(Exports.layerConfig(config), layer)),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
      Effect.result,
      Effect.map((result) => ({ result, url: requests[0]?.url, body: bodyOf(requests[0]) }))
    )
  }
  const env = { LONGSHORE_CLIENT_TOKEN: clientToken, LONGSHORE_ACCESS_TOKEN: accessToken }

  it.effect("reads tokens and address where the program does", () =>
    Effect.gen(function* () {
      const found = yield* configured(env, { client: "Nightly 1.0" })
      assert.include(found.url, "https://api.mews.com/")
      assert.include(found.body, { ClientToken: clientToken, AccessToken: accessToken, Client: "Nightly 1.0" })
      const demo = yield* configured({ ...env, LONGSHORE_PLATFORM_ADDRESS: "https://api.mews-demo.com" })
      assert.include(demo.url, "https://api.mews-demo.com/")
    })
  )

  it.effect("reads them elsewhere where it is told to", () =>
    Effect.gen(function* () {
      const { body } = yield* configured(
        { ...env, LISBON: "access-token-of-lisbon" },
        { accessToken: Config.Redacted("LISBON") }
      )
      assert.include(body, { ClientToken: clientToken, AccessToken: "access-token-of-lisbon" })
    })
  )

  it.effect("names what is missing, and tells no token", () =>
    Effect.gen(function* () {
      const { result } = yield* configured({ LONGSHORE_CLIENT_TOKEN: clientToken })
      if (result._tag === "Success") return assert.fail("there is no access token")
      assert.strictEqual(result.failure._tag, "ConfigError")
      assert.include(result.failure.message, "LONGSHORE_ACCESS_TOKEN")
      assert.notInclude(String(result.failure), clientToken)
      const blank = yield* configured({ ...env, LONGSHORE_ACCESS_TOKEN: " " })
      if (blank.result._tag === "Success") return assert.fail("a token is not blank")
      assert.strictEqual(blank.result.failure._tag, "InvalidRequest")
    })
  )
})
