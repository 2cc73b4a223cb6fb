import { assert, describe, expect, it } from "@effect/vitest"
import * as EventLine from "@longshore/core/EventLine"
import { ExportEvent, type Happening } from "@longshore/core/ExportEvent"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import * as EventLog from "../src/output/EventLog.ts"
import * as Redaction from "../src/output/Redaction.ts"
import { conforms } from "./schemas.ts"

const folder = mkdtempSync(Path.join(tmpdir(), "longshore-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

const token = "A0B1C2D3E4F5061728394A5B6C7D8E9F-0F1E2D3C4B5A69788796A5B4C3D2E1F"
const link = "https://host.example/file?sv=2026&sig=SECRET0SIGNATURE%3D"

/** A log in a scope of its own, and what is in its file. */
const opened = Effect.fnUntraced(function* (path = Path.join(folder, `${files++}.ndjson`)) {
  const scope = yield* Scope.make()
  const told: Array<string> = []
  const listen = yield* EventLog.make({
    path,
    redact: Redaction.make(["known-secret"]),
    tell: (line) => Effect.sync(() => void told.push(line))
  }).pipe(Scope.provide(scope))
  const tell = (happening: Happening) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => listen({ ...happening, at, entityType: "Bill" }))
  const lines = () => readFileSync(path, "utf8").split("\n").slice(0, -1)
  return { path, tell, told, lines, close: Scope.close(scope, Exit.void) }
})

const received = (key: string, bytes: number): Happening => ({ _tag: "BytesReceived", key, bytes })

describe("the event log", () => {
  it.effect("writes every second, and what is waiting when it is closed", () =>
    Effect.gen(function* () {
      const { close, lines, path, tell } = yield* opened()
      yield* tell({ _tag: "FileStarted", key: "a", size: 9, stored: 0 })
      assert.deepStrictEqual(lines(), [])
      yield* TestClock.adjust("1 second")
      while (lines().length < 1) yield* Effect.promise(() => new Promise(setImmediate))
      yield* tell({ _tag: "PartStored", key: "a", part: 1, bytes: 9 })
      yield* close
      const decoded = yield* Effect.forEach(lines(), (line) => Schema.decodeEffect(EventLine.Json)(line))
      assert.deepStrictEqual(
        decoded.map(({ _tag, at, version }) => [version, _tag, at]),
        [
          [1, "FileStarted", 0],
          [1, "PartStored", 1000]
        ]
      )
      const again = yield* opened(path)
      yield* again.tell({ _tag: "PartStored", key: "a", part: 2, bytes: 9 })
      yield* again.close
      assert.strictEqual(lines().length, 3)
    })
  )

  it.effect("sums up the bytes of a file, and keeps the order of what is said of it", () =>
    Effect.gen(function* () {
      const { close, lines, tell } = yield* opened()
      yield* tell(received("a", 1))
      yield* tell(received("b", 10))
      yield* tell(received("a", 2))
      yield* tell({ _tag: "PartStored", key: "a", part: 1, bytes: 3 })
      yield* tell(received("a", 4))
      yield* close
      assert.deepStrictEqual(
        lines()
          .map((line) => JSON.parse(line))
          .map(({ _tag, bytes, key }) => [_tag, key, bytes]),
        [
          ["BytesReceived", "a", 3],
          ["PartStored", "a", 3],
          ["BytesReceived", "b", 10],
          ["BytesReceived", "a", 4]
        ]
      )
    })
  )

  it.effect("lets no secret through, and stays JSON whatever a text holds", () =>
    Effect.gen(function* () {
      const { close, lines, tell } = yield* opened()
      const texts = [
        `HTTP 400: "${link}"`,
        `${token} and known-secret`,
        `https://user:pass@host.example/`,
        // Across fields this looks like a name and a password.
        `https://host.example`,
        `"}\n{"me@hotel.example \u0007\u2028\u202e`
      ]
      for (const problem of texts) {
        yield* tell({ _tag: "AnswerLost", problem })
        yield* tell({ _tag: "FileRestarted", key: "https://host.example", problem: `me@hotel.example ${problem}` })
      }
      yield* close
      assert.strictEqual(lines().length, 2 * texts.length)
      for (const line of lines()) conforms("event", JSON.parse(line))
      const text = lines().join("\n")
      for (const secret of ["SECRET0SIGNATURE", token, "known-secret", "user:pass"]) assert.notInclude(text, secret)
      assert.include(text, "me@hotel.example")
      assert.notMatch(text, /\p{Cc}(?<!\n)|[\u2028\u202e]/u)
    })
  )

  it.effect("begins a new line after one that a crash cut short", () =>
    Effect.gen(function* () {
      const path = Path.join(folder, "cut.ndjson")
      writeFileSync(path, '{"version":1,"_tag":"Part')
      const { close, lines, tell } = yield* opened(path)
      yield* tell(received("a", 1))
      yield* close
      const [cut, whole, ...more] = lines()
      assert.strictEqual(cut, '{"version":1,"_tag":"Part')
      assert.strictEqual(JSON.parse(whole ?? "").bytes, 1)
      assert.deepStrictEqual(more, [])
    })
  )

  it.effect("gives up once when it cannot write, and says so", () =>
    Effect.gen(function* () {
      const { close, tell, told } = yield* opened("/dev/full")
      yield* tell(received("a", 1))
      yield* TestClock.adjust("1 second")
      while (told.length < 1) yield* Effect.promise(() => new Promise(setImmediate))
      yield* tell(received("a", 1))
      yield* close
      assert.deepStrictEqual(told, ["events can no longer be written to /dev/full (ENOSPC); the run goes on"])
    })
  )

  it.effect("gives up when more waits than a stuck disk should hold in memory", () =>
    Effect.gen(function* () {
      const { close, lines, tell, told } = yield* opened()
      for (let part = 0; part <= 100_000; part++) yield* tell({ _tag: "PartStored", key: "a", part, bytes: 1 })
      yield* tell(received("a", 1))
      yield* close
      assert.deepStrictEqual(lines(), [])
      assert.strictEqual(told.length, 1)
    })
  )
})

describe("docs/events.md", () => {
  const page = readFileSync(new URL("../../../docs/events.md", import.meta.url), "utf8")
  const examples = page
    .split("\n")
    .filter((line) => line.startsWith('{"version"'))
    .map((line) => JSON.parse(line))

  it("has one line of each event, as the schema has it", () => {
    for (const example of examples) conforms("event", example)
    const tags = ExportEvent.members.map((member) => member.fields._tag.schema.literal)
    expect(examples.map(({ _tag }) => _tag)).toEqual(tags)
  })
})
