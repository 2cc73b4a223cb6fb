/** Journals of released formats are taken up again, as the version that wrote them would have. */
import { assert, describe, it } from "@effect/vitest"
import * as Exports from "@longshore/core/Exports"
import { type ExportEvent, ExportEvents } from "@longshore/core/ExportEvent"
import * as ExportRun from "@longshore/core/ExportRun"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Manifest from "@longshore/core/Manifest"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as RunSummary from "@longshore/core/RunSummary"
import * as Transfer from "@longshore/core/Transfer"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorHttpClient from "@longshore/simulator/SimulatorHttpClient"
import { MemorySink } from "@longshore/testkit"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import * as fs from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { foreignAdd, tokens, truth } from "./world.ts"

const fixtures = fileURLToPath(
  new URL("../../packages/journal-file/test/fixtures/longshore-journal-1", import.meta.url)
)

interface Expected {
  readonly stage: RunSummary.RunSummary["stage"]
  readonly answerLost?: boolean
  readonly torn?: boolean
  /** Of all files, how many are delivered. */
  readonly files?: readonly [delivered: number, total: number]
  /** Exports that the API had accepted when the process ended, its own and others'. */
  readonly accepted: number
  /** How often the next process sends `add`. */
  readonly adds: number
  /** Numbers of the files that it fetches. */
  readonly fetches: ReadonlyArray<number>
  readonly simulator?: Simulator.SimulatorOptions
  /** Of the file, in base 64. */
  readonly sha256: string
}

const expected: Readonly<Record<string, Expected>> = {
  intent: {
    stage: "asking",
    answerLost: true,
    accepted: 1,
    adds: 1,
    fetches: [1, 2, 3],
    sha256: "o3idl2lOct7j8dJpncC1VqGqmgVaYmJRprl5++wniC8="
  },
  waiting: {
    stage: "waiting",
    accepted: 1,
    adds: 0,
    fetches: [1, 2, 3],
    sha256: "D5X9mXuAd8h287bMQbCZjzE0x83P0G18M4M9tq1jjuM="
  },
  transferring: {
    stage: "transferring",
    files: [2, 3],
    accepted: 1,
    adds: 0,
    fetches: [3],
    sha256: "AKsKmO2ngGxdGuk5kSi16LkalaYm7hOch87KEJlh7UE="
  },
  complete: {
    stage: "complete",
    files: [3, 3],
    accepted: 1,
    adds: 0,
    fetches: [],
    sha256: "Y17gqB9FJAgV6PaR4HeyPikdyWDhesaGNWsWXE4Z9A4="
  },
  refused: {
    stage: "waiting",
    accepted: 2,
    adds: 0,
    fetches: [1, 2, 3],
    sha256: "PYCffeS5AhAWSb2Y60Zys4TB5m4SE5GNrkQhFNu3svM="
  },
  changed: {
    stage: "publishing",
    files: [1, 1],
    accepted: 1,
    adds: 0,
    fetches: [],
    simulator: { files: 1 },
    sha256: "i8UbtKRjNiZJIHL27BGJa3p+2fTKOMIDz6r2Xb5bWPU="
  },
  renewed: {
    stage: "transferring",
    files: [1, 3],
    accepted: 2,
    adds: 0,
    fetches: [2, 3],
    simulator: { faults: [{ name: "fail-export" }] },
    sha256: "HnqyvINzj6JJOQ8yCOu+KJmjthuyPGyfXfjdiWFRLCE="
  },
  torn: {
    stage: "transferring",
    files: [1, 3],
    torn: true,
    accepted: 1,
    adds: 0,
    fetches: [2, 3],
    sha256: "REyGIXk2DOYaoQRlLqvzm7qfxDfG97EiE5jnH5a70gE="
  },
  later: {
    stage: "transferring",
    files: [2, 3],
    accepted: 1,
    adds: 0,
    fetches: [3],
    sha256: "r1dgS8PUl3Vp5ud8v8dvM0TkbkMfqRPaDbs9y/9YmE0="
  }
}

/** A copy, in a folder of the test's own. */
const copy = Effect.fnUntraced(function* (name: string) {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => fs.mkdtemp(join(tmpdir(), "longshore-journals-"))),
    (path) => Effect.promise(() => fs.rm(path, { recursive: true, force: true }))
  )
  const path = join(folder, "run.jsonl")
  yield* Effect.promise(() => fs.copyFile(join(fixtures, `${name}.jsonl`), path))
  return path
})

/** What the steps say is in the target: files, and the manifest. */
const receipts = Schema.decodeUnknownOption(
  Schema.Union([Schema.Struct({ stored: ObjectSink.StoredObject }), ObjectSink.StoredObject])
)

describe("journals of longshore-journal/1", () => {
  it.live("are all there, and none was changed", () =>
    Effect.gen(function* () {
      const names = (yield* Effect.promise(() => fs.readdir(fixtures))).filter((name) => name !== "README.md")
      assert.deepStrictEqual(
        names.sort(),
        Object.keys(expected)
          .map((name) => `${name}.jsonl`)
          .sort()
      )
      const readme = yield* Effect.promise(() => fs.readFile(join(fixtures, "README.md"), "utf8"))
      for (const [name, { sha256 }] of Object.entries(expected)) {
        assert.include(readme, `\`${name}.jsonl\``)
        const bytes = yield* Effect.promise(() => fs.readFile(join(fixtures, `${name}.jsonl`)))
        assert.strictEqual(createHash("sha256").update(bytes).digest("base64"), sha256, name)
      }
    })
  )

  for (const [name, one] of Object.entries(expected)) {
    it.live(`F89 ${name}: is told as ${one.stage}, and goes on from there`, () =>
      Effect.gen(function* () {
        const path = yield* copy(name)
        const { identity, steps, torn } = yield* FileJournal.read(path)
        const summary = RunSummary.summarize(steps)
        assert.strictEqual(summary.stage, one.stage)
        assert.strictEqual(summary.answerLost, one.answerLost ?? false)
        assert.strictEqual(torn, one.torn ?? false)
        const [delivered, total] = one.files ?? []
        assert.deepStrictEqual(summary.files, one.files && { delivered, total })

        // The simulator accepts again what it had accepted; ids, rows and ETags come from its seed.
        const simulated = yield* Layer.build(
          Simulator.layer({ seed: 7, files: 3, fileSize: 200_000, pending: 0, processing: 0, ...one.simulator })
        )
        const simulator = Context.get(simulated, Simulator.Simulator)
        for (let n = 0; n < one.accepted; n++) assert.strictEqual(yield* foreignAdd(simulator), 200)
        if (summary.exportId !== undefined) {
          assert.strictEqual(summary.exportId, (yield* simulator.exports).at(-1)?.id)
        }
        // And the target has what was delivered into it.
        const store = MemorySink.makeStore()
        const contents = new Map(
          (yield* truth(simulator)).flatMap(({ files }) => files.map((file) => [file.key, file.bytes]))
        )
        for (const { value } of steps.values()) {
          const receipt = Option.getOrUndefined(receipts(value))
          if (receipt === undefined) continue
          const { key, version } = "stored" in receipt ? receipt.stored : receipt
          const manifest = Effect.map(Manifest.decode(JSON.stringify(steps.get("manifest")?.value)), Manifest.encode)
          store.objects.set(key, { bytes: contents.get(key) ?? (yield* manifest), version, plan: "" })
        }

        const events: Array<ExportEvent> = []
        const before = (yield* simulator.requests).length
        const result = yield* ExportRun.run({
          request: { entityType: "Reservation" },
          partSize: 64 * 1024,
          poll: Duration.millis(1)
        }).pipe(
          Effect.provide(
            Transfer.layer().pipe(
              Layer.merge(MemorySink.layer(store)),
              Layer.provide(HttpSource.layer),
              Layer.merge(
                Exports.layer({
                  platformAddress: "https://api.simulator.test",
                  clientToken: Redacted.make(tokens.client),
                  accessToken: Redacted.make(tokens.access)
                })
              ),
              Layer.provide(SimulatorHttpClient.layer),
              Layer.provide(Layer.succeedContext(simulated)),
              Layer.merge(FileJournal.layer({ path, identity }))
            )
          ),
          Effect.provideService(ExportEvents, (event) => Effect.sync(() => void events.push(event)))
        )

        const requests = (yield* simulator.requests).slice(before)
        assert.strictEqual(requests.filter(({ kind }) => kind === "add").length, one.adds)
        const fetched = new Set(requests.flatMap(({ file }) => file ?? []))
        assert.deepStrictEqual(
          [...fetched].sort((a, b) => a - b),
          one.fetches
        )
        assert.strictEqual(
          events.some(({ _tag }) => _tag === "AnswerLost"),
          one.answerLost ?? false
        )
        assert.strictEqual(result.earlier, one.stage === "complete")
        if (one.stage === "complete") assert.deepStrictEqual(requests, [])
        const manifest = store.objects.get(Manifest.key("Reservation", result.exportId))?.bytes
        assert.deepStrictEqual(yield* Manifest.decode(Buffer.from(manifest ?? []).toString()), result.manifest)
        for (const file of (yield* truth(simulator)).at(-1)?.files ?? []) {
          assert.strictEqual(Buffer.compare(store.objects.get(file.key)?.bytes ?? Buffer.alloc(0), file.bytes), 0)
        }
        const after = yield* FileJournal.read(path)
        assert.strictEqual(RunSummary.summarize(after.steps).stage, "complete")
        assert.isFalse(after.torn)
        for (const [step, { value }] of steps) assert.deepStrictEqual(after.steps.get(step)?.value, value, step)
      })
    )
  }
})
