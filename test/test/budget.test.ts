import { assert, describe, it } from "@effect/vitest"
import * as Exports from "@longshore/core/Exports"
import * as ExportRun from "@longshore/core/ExportRun"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Journal from "@longshore/core/Journal"
import * as Manifest from "@longshore/core/Manifest"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Transfer from "@longshore/core/Transfer"
import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorHttpClient from "@longshore/simulator/SimulatorHttpClient"
import { MemorySink } from "@longshore/testkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { patiently, tokens, truth } from "./world.ts"

/** How many there are at the same time, for each account, whenever there is one more. */
const gauge = (accounts: number) => {
  const now = Array.from({ length: accounts }, () => 0)
  const seen: Array<ReadonlyArray<number>> = []
  const add = (account: number, count: number) =>
    Effect.sync(() => {
      now[account] = (now[account] ?? 0) + count
      if (count > 0) seen.push([...now])
    })
  const most = () => Math.max(...seen.map((counts) => counts.reduce((sum, count) => sum + count, 0)))
  const together = () => seen.some((counts) => counts.every((count) => count > 0))
  return { add, most, together }
}

/** Two accounts, each with its own API, sink and journal; one `Transfer` moves the files of both. */
const twoAccounts = Effect.fnUntraced(function* (transfer: Transfer.TransferOptions) {
  const accessTokens = ["access-token-of-the-first-one", "access-token-of-the-second-one"]
  // Three parts to a file, and a quarter of a second to a part.
  const options = { files: 6, fileSize: 3 * 65_536, bandwidth: 4 * 65_536, accessTokens }
  const simulated = yield* Layer.build(Simulator.layer(options))
  const client = Layer.provide(SimulatorHttpClient.layer, Layer.succeedContext(simulated))
  const files = gauge(accessTokens.length)
  const parts = gauge(accessTokens.length)

  const sinkOf = (account: number, store: MemorySink.MemoryStore) =>
    Layer.effect(
      ObjectSink.ObjectSink,
      Effect.map(ObjectSink.ObjectSink, (sink) =>
        ObjectSink.make({
          ...sink,
          open: Effect.fnUntraced(function* (object) {
            const writer = yield* sink.open(object)
            // The manifest is no file of the export: nobody waits for a turn with it.
            if (object.key.endsWith("manifest.json")) return writer
            yield* Effect.acquireRelease(files.add(account, 1), () => files.add(account, -1))
            return {
              ...writer,
              write: (...part) =>
                Effect.acquireUseRelease(
                  parts.add(account, 1),
                  () => writer.write(...part),
                  () => parts.add(account, -1)
                )
            }
          })
        })
      )
    ).pipe(Layer.provide(MemorySink.layer(store)))

  const runOf = (accessToken: string, account: number) => {
    const store = MemorySink.makeStore()
    return ExportRun.run({ request: { entityType: "Bill" }, partSize: 65_536, onBusy: "wait" }).pipe(
      Effect.provide(
        Layer.mergeAll(
          Exports.layer({
            platformAddress: "https://api.simulator.test",
            clientToken: Redacted.make(tokens.client),
            accessToken: Redacted.make(accessToken)
          }),
          sinkOf(account, store),
          Layer.fresh(Journal.layerMemory)
        ).pipe(Layer.provide(client))
      ),
      Effect.map(({ exportId }) => ({ exportId, store }))
    )
  }

  const results = yield* Effect.forEach(accessTokens, runOf, { concurrency: "unbounded" }).pipe(
    Effect.provide(Transfer.layer(transfer).pipe(Layer.provide(HttpSource.layer), Layer.provide(client))),
    (effect) => patiently(effect, "50 millis")
  )

  // Each sink holds its own account's export, whole, and nothing of the other one's.
  const exported = yield* truth(Context.get(simulated, Simulator.Simulator))
  assert.lengthOf(exported, 2)
  for (const { exportId, store } of results) {
    const mine = exported.find(({ id }) => id === exportId)?.files ?? []
    const names = [...mine.map(({ key }) => key), Manifest.key("Bill", exportId)]
    assert.sameMembers([...store.objects.keys()], names)
    for (const { bytes, key } of mine) {
      assert.strictEqual(Buffer.compare(store.objects.get(key)?.bytes ?? new Uint8Array(), bytes), 0, key)
    }
  }
  assert.notStrictEqual(results[0]?.exportId, results[1]?.exportId)
  return { files, parts }
})

describe("two accounts into two targets", () => {
  it.effect("share one budget of parts, and one of files that is twice as large", () =>
    Effect.gen(function* () {
      const { files, parts } = yield* twoAccounts({ concurrency: 2 })
      assert.strictEqual(parts.most(), 2)
      assert.isTrue(parts.together(), "a part of each at the same time")
      assert.strictEqual(files.most(), 4)
      assert.isTrue(files.together(), "a file of each at the same time")
    })
  )

  it.effect("have as many files open as they are told to, and the others wait outside of their sinks", () =>
    Effect.gen(function* () {
      const { files, parts } = yield* twoAccounts({ concurrency: 3, files: 1 })
      assert.strictEqual(files.most(), 1)
      assert.strictEqual(parts.most(), 3)
    })
  )
})
