import { ExportId } from "@longshore/core/Export"
import { Journal } from "@longshore/core/Journal"
import * as RunIdentity from "@longshore/core/RunIdentity"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import * as RunFile from "../src/runs/RunFile.ts"

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(Path.join(Os.tmpdir(), "longshore-runfile-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

const identity: RunIdentity.RunIdentity = {
  platformAddress: "https://api.mews.com",
  account: RunFile.accountOf("a token"),
  target: "/srv/data",
  request: { entityType: "Bill", scope: { enterpriseIds: ["b", "a"] } }
}

const exportId = ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
const later = { fresh: false, maxAge: undefined }

/** A run that got as far as `steps` say. */
const write = (path: string, steps: Record<string, Schema.Json>) =>
  Effect.gen(function* () {
    const journal = yield* Journal
    for (const [name, value] of Object.entries(steps)) {
      yield* journal.step({ name, success: Schema.Json, error: Schema.Never, execute: Effect.succeed(value) })
    }
  }).pipe(Effect.provide(FileJournal.layer({ path, identity: JSON.parse(RunIdentity.canonical(identity)) })))

const finished = (at: string) => ({
  intent: { process: "p" },
  add: { _tag: "Accepted", exportId },
  ready: { _tag: "Some", value: { files: [], expiresUtc: null } },
  complete: { completedUtc: at }
})

describe("RunFile", () => {
  it.effect("has one name for one identity, whatever the order of ids, and no token in it", () =>
    Effect.gen(function* () {
      const state = yield* folder
      const { path } = yield* RunFile.current(state, identity, later)
      assert.match(Path.basename(path), /^Bill-[0-9a-f]{16}\.1\.jsonl$/)
      const swapped = { ...identity, request: { ...identity.request, scope: { enterpriseIds: ["a", "b"] } } }
      assert.strictEqual((yield* RunFile.current(state, swapped, later)).path, path)
      assert.notStrictEqual((yield* RunFile.current(state, { ...identity, target: "/srv/other" }, later)).path, path)
      assert.match(identity.account, /^[0-9a-f]{12}$/)
    }).pipe(Effect.scoped)
  )

  it.effect("goes on with a run that is not finished, also when a fresh one is asked for", () =>
    Effect.gen(function* () {
      const state = yield* folder
      const { path } = yield* RunFile.current(state, identity, later)
      yield* write(path, { intent: { process: "p" }, add: { _tag: "Accepted", exportId } })
      assert.deepStrictEqual(yield* RunFile.current(state, identity, { fresh: true, maxAge: Duration.zero }), {
        path,
        number: 1,
        summary: { stage: "waiting", exportId, answerLost: false },
        torn: false,
        context: undefined
      })
      const run = yield* RunFile.read(path)
      assert.deepStrictEqual(run.summary, { stage: "waiting", exportId, answerLost: false })
      assert.strictEqual(RunIdentity.canonical(run.identity), RunIdentity.canonical(identity))
    }).pipe(Effect.scoped)
  )

  it.effect("does a finished run again when it is asked to, or when it is too old", () =>
    Effect.gen(function* () {
      const state = yield* folder
      const { path } = yield* RunFile.current(state, identity, later)
      yield* write(path, finished("2026-11-01T00:00:00Z"))
      yield* TestClock.setTime(Date.parse("2026-11-01T12:00:00Z"))
      assert.strictEqual((yield* RunFile.current(state, identity, later)).number, 1)
      assert.strictEqual(
        (yield* RunFile.current(state, identity, { fresh: false, maxAge: Duration.hours(13) })).number,
        1
      )
      assert.strictEqual(
        (yield* RunFile.current(state, identity, { fresh: false, maxAge: Duration.hours(11) })).number,
        2
      )
      const next = yield* RunFile.current(state, identity, { fresh: true, maxAge: undefined })
      assert.strictEqual(next.number, 2)
      // The highest number is the current one; by number, not by spelling.
      for (const number of [2, 9, 10]) {
        yield* write(path.replace(".1.jsonl", `.${number}.jsonl`), finished("2026-11-01T00:00:00Z"))
      }
      assert.strictEqual((yield* RunFile.current(state, identity, later)).number, 10)
      assert.deepStrictEqual(
        (yield* RunFile.list(state)).map((file) => file.number),
        [1, 2, 9, 10]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("says why a folder or a journal cannot be read", () =>
    Effect.gen(function* () {
      const state = yield* folder
      assert.deepStrictEqual(yield* RunFile.list(Path.join(state, "none")), [])
      const file = Path.join(state, "file")
      yield* Effect.promise(() => writeFile(file, ""))
      assert.strictEqual((yield* Effect.flip(RunFile.list(file))).reason, "Unavailable")
      const foreign = Path.join(state, "Bill-0123456789abcdef.1.jsonl")
      yield* Effect.promise(() =>
        writeFile(foreign, '{"format":"longshore-journal/1","createdUtc":"2026-11-01T00:00:00Z","identity":{"a":1}}\n')
      )
      assert.strictEqual((yield* Effect.flip(RunFile.read(foreign))).reason, "Broken")
    }).pipe(Effect.scoped)
  )
})
