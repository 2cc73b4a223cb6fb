/**
 * The client and the simulator share the Schemas of the wire. These fixtures, written by hand from the API's
 * documentation, are held against both, so that a mistake they share shows.
 */
import { assert, describe, it } from "@effect/vitest"
import * as ConnectorApi from "@longshore/core/ConnectorApi"
import * as Simulator from "@longshore/simulator/Simulator"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { readFileSync } from "node:fs"

const fixture = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8"))

/** What kind of JSON is where: numbers, texts, instants, ids; of lists the first element. */
const shape = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape)
  if (value === null) return "null"
  if (typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shape(member)]))
  if (typeof value !== "string") return typeof value
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(value)) return "id"
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value)) return "instant"
  return /^https?:/.test(value) ? "url" : "text"
}

const listOf = (json: Record<string, unknown>): ReadonlyArray<unknown> =>
  Array.isArray(json["Exports"]) ? json["Exports"] : []

const origin = "https://api.simulator.test"
const post = Effect.fnUntraced(function* (path: string, body: object) {
  const simulator = yield* Simulator.Simulator
  const request = fixture("add-request")
  const { AccessToken, Client, ClientToken } = request
  const answer = yield* simulator.handle({
    method: "POST",
    origin,
    path,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ AccessToken, Client, ClientToken, ...body })
  })
  const json: Record<string, unknown> = JSON.parse(Buffer.concat([...answer.body()]).toString())
  return { answer, json }
})

describe("the fixtures decode", () => {
  it("add", () => {
    const decoded = Schema.decodeUnknownSync(ConnectorApi.AddResponse)(fixture("add-response"))
    assert.strictEqual(decoded.Export.Status, "Pending")
    assert.strictEqual(
      decoded.Export.Filters?.UpdatedUtc?.startUtc.epochMilliseconds,
      Date.parse("2026-01-01T00:00:00Z")
    )
  })
  it("getAll, with fields of a later version and instants with a fraction", () => {
    const { Exports } = Schema.decodeUnknownSync(ConnectorApi.GetAllResponse)(fixture("getAll-response"))
    assert.deepStrictEqual(
      Exports.map((one) => [one.Status, one.Files?.length]),
      [
        ["Success", 2],
        ["Expired", 0]
      ]
    )
    assert.strictEqual(Exports[0]?.Files?.[1]?.SizeInBytes, 1_398_362)
  })
  it("getAll of the first documentation, without Scope and Filters", () => {
    const { Exports } = Schema.decodeUnknownSync(ConnectorApi.GetAllResponse)(fixture("getAll-response.first"))
    assert.strictEqual(Exports[0]?.Scope, undefined)
  })
  it("a refusal, also with nothing in it", () => {
    assert.strictEqual(Schema.decodeSync(ConnectorApi.ErrorResponse)(fixture("error")).Message, "Invalid EntityType")
    for (const empty of [{}, { Message: null, RequestId: null, Details: null }]) {
      assert.isTrue(Schema.is(Schema.toEncoded(ConnectorApi.ErrorResponse))(empty))
    }
  })
  it("a request encodes to what the documentation shows", () => {
    const request = fixture("add-request")
    const decoded = Schema.decodeUnknownSync(ConnectorApi.AddRequest)(request)
    assert.deepStrictEqual(
      JSON.parse(JSON.stringify(Schema.encodeSync(ConnectorApi.AddRequest)(decoded)).replaceAll(".000Z", "Z")),
      request
    )
  })
})

describe("the simulator answers in the fixtures' shape", () => {
  it.effect("today's API", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-03-01T00:00:00Z"))
      const { EntityType, Filters, Scope } = fixture("add-request")
      const added = yield* post(ConnectorApi.addPath, { EntityType, Filters, Scope })
      assert.deepStrictEqual(shape(added.json), shape(fixture("add-response")))
      const exported = added.json["Export"]
      const id = typeof exported === "object" && exported !== null && "Id" in exported ? exported.Id : undefined
      const other = yield* post(ConnectorApi.addPath, { EntityType: "Company" })
      assert.strictEqual(other.answer.status, 200)
      yield* TestClock.adjust("10 seconds")
      const found = yield* post(ConnectorApi.getAllPath, { ExportIds: [id] })
      const [documented] = listOf(fixture("getAll-response"))
      const [simulated] = listOf(found.json)
      const filters = {
        Filters: { UpdatedUtc: { StartUtc: "instant", EndUtc: "instant" }, LedgerEntryFilters: "null" }
      }
      assert.deepStrictEqual(shape(simulated), Object.assign({}, shape(documented), filters))
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.effect("that of the first documentation", () =>
    Effect.gen(function* () {
      const added = yield* post(ConnectorApi.addPath, { EntityType: "OrderItem" })
      const exported = added.json["Export"]
      const id = typeof exported === "object" && exported !== null && "Id" in exported ? exported.Id : undefined
      yield* TestClock.adjust("10 seconds")
      const found = yield* post(ConnectorApi.getAllPath, { ExportIds: [id] })
      assert.deepStrictEqual(shape(found.json), shape(fixture("getAll-response.first")))
    }).pipe(Effect.provide(Simulator.layer({ profile: "seed" })))
  )

  it.effect("a refusal, with the RequestId of its header", () =>
    Effect.gen(function* () {
      const { answer, json } = yield* post(ConnectorApi.addPath, { EntityType: "Nothing" })
      assert.strictEqual(answer.status, 400)
      assert.deepStrictEqual(shape(json), shape(fixture("error")))
      assert.strictEqual(json["Message"], "Invalid EntityType")
      assert.strictEqual(json["RequestId"], answer.headers["request-id"])
    }).pipe(Effect.provide(Simulator.layer()))
  )
})
