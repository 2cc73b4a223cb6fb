import { assert, describe, it } from "@effect/vitest"
import { addPath, getAllPath } from "@longshore/core/ConnectorApi"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import * as https from "node:https"
import { connect } from "node:net"
import { Simulator, SimulatorServer } from "../src/index.ts"

type Json = Record<string, any>

const body = (more: object) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ ClientToken: "client-secret", AccessToken: "access-secret", Client: "Test 1.0", ...more })
})
const json = (url: string, init?: RequestInit) =>
  Effect.promise(async (): Promise<Json> => JSON.parse(await (await fetch(url, init)).text()))
const text = (url: string, init?: RequestInit) => Effect.promise(async () => (await fetch(url, init)).text())

const test = (
  title: string,
  run: (url: string) => Effect.Effect<void, unknown, Simulator.Simulator>,
  options?: Simulator.SimulatorOptions
) =>
  it.live(title, () =>
    Effect.scoped(Effect.flatMap(SimulatorServer.make(), ({ url }) => run(url))).pipe(
      Effect.provide(
        Simulator.layer({ pending: "10 millis", processing: "10 millis", fileSize: 2_000_000, ...options })
      )
    )
  )

const ready = Effect.fnUntraced(function* (url: string) {
  const id: string = (yield* json(url + addPath, body({ EntityType: "Bill" })))["Export"].Id
  yield* Effect.sleep("40 millis")
  const files: ReadonlyArray<{ readonly Url: string }> = (yield* json(url + getAllPath, body({ ExportIds: [id] })))[
    "Exports"
  ][0].Files
  return { id, links: files.map((file) => file.Url) }
})

describe("on loopback", () => {
  test("serves what its witness says it serves", (url) =>
    Effect.gen(function* () {
      const { id, links } = yield* ready(url)
      const digests = []
      for (const link of links) {
        const bytes = yield* Effect.promise(async () => new Uint8Array(await (await fetch(link)).arrayBuffer()))
        digests.push({ size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") })
      }
      const part = yield* text(links[0] ?? "", { headers: { range: "bytes=5-14" } })
      assert.strictEqual(part.length, 10)
      const { createdAt, ...found } = (yield* json(`${url}/_simulator/exports`))["exports"][0]
      assert.deepStrictEqual(found, {
        id,
        entityType: "Bill",
        account: Simulator.accountOf("access-secret"),
        status: "Success",
        files: digests
      })
      assert.strictEqual(new Date(createdAt).toISOString(), createdAt)
      const seen = yield* text(`${url}/_simulator/requests`)
      const lines = seen
        .trimEnd()
        .split("\n")
        .map((line): Json => JSON.parse(line))
      for (const line of lines) {
        assert.deepStrictEqual(Object.keys(line), [
          "at",
          "receivedAt",
          "kind",
          "account",
          "entityType",
          "exportId",
          "file",
          "range",
          "status",
          "bytes"
        ])
        for (const name of ["at", "receivedAt"]) assert.strictEqual(new Date(line[name]).toISOString(), line[name])
        assert.isAtMost(Date.parse(line["receivedAt"]), Date.parse(line["at"]))
        assert.strictEqual(line["account"], Simulator.accountOf("access-secret"))
      }
      assert.deepStrictEqual(
        lines.map((line) => [
          line["kind"],
          line["entityType"],
          line["exportId"],
          line["file"],
          line["range"],
          line["status"]
        ]),
        [
          ["add", "Bill", id, null, null, 200],
          ["getAll", "Bill", id, null, null, 200],
          ["file", "Bill", id, 1, null, 200],
          ["file", "Bill", id, 2, null, 200],
          ["file", "Bill", id, 1, "bytes=5-14", 206]
        ]
      )
      assert.deepStrictEqual(
        lines.slice(2).map((line) => line["bytes"]),
        [2_000_000, 2_000_000, 10]
      )
      for (const secret of ["client-secret", "access-secret", "sig="]) assert.notInclude(seen, secret)
    }))

  test("cuts the connection, and notes what went out", (url) =>
    Effect.gen(function* () {
      const { links } = yield* ready(url)
      yield* (yield* Simulator.Simulator).addFault({ name: "reset-file" })
      const outcome = yield* Effect.promise(() =>
        fetch(links[0] ?? "")
          .then((found) => found.arrayBuffer())
          .then(
            () => "whole",
            () => "cut"
          )
      )
      assert.strictEqual(outcome, "cut")
      const last = (yield* text(`${url}/_simulator/requests`)).trimEnd().split("\n").at(-1)
      assert.strictEqual(JSON.parse(last ?? "{}").bytes, 1_000_000)
    }))

  test(
    "loses the answer of an add that it accepted",
    (url) =>
      Effect.gen(function* () {
        const outcome = yield* Effect.promise(() =>
          fetch(url + addPath, body({ EntityType: "Bill" })).then(
            () => "answer",
            () => "cut"
          )
        )
        assert.strictEqual(outcome, "cut")
        assert.strictEqual((yield* json(`${url}/_simulator/exports`))["exports"].length, 1)
      }),
    { faults: [{ name: "lose-add-answer" }] }
  )

  it.live("speaks HTTPS, and is gone with its scope", () =>
    Effect.gen(function* () {
      // A key pair for this test alone: it protects nothing.
      const [key, cert] = ["key", "cert"].map((name) =>
        readFileSync(new URL(`./fixtures/${name}.pem`, import.meta.url), "utf8")
      )
      const port = yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* SimulatorServer.make({ tls: { key: key ?? "", cert: cert ?? "" } })
          const status = yield* Effect.callback<number | undefined>((resume) => {
            https.get(`${server.url}/nothing`, { ca: cert }, (response) => {
              response.resume()
              resume(Effect.succeed(response.statusCode))
            })
          })
          assert.strictEqual(status, 404)
          assert.isTrue(server.url.startsWith("https://127.0.0.1:"))
          return server.port
        })
      )
      const outcome = yield* Effect.callback<string | undefined>((resume) => {
        const socket = connect({ port, host: "127.0.0.1" }, () => resume(Effect.succeed("connected")))
        socket.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code)))
      })
      assert.strictEqual(outcome, "ECONNREFUSED")
    }).pipe(Effect.provide(Simulator.layer()))
  )

  it.live("tells when the port is taken", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { port } = yield* SimulatorServer.make()
        assert.strictEqual((yield* Effect.flip(SimulatorServer.make({ port }))).code, "EADDRINUSE")
      })
    ).pipe(Effect.provide(Simulator.layer()))
  )
})
