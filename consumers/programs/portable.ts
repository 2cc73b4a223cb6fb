// Two exports with core alone: one into memory, in parts that come side by side, and read back; one as a stream, each
// file in one GET. Tells the checksums and how often it had to try again.
import {
  ExportEvent,
  ExportRun,
  Exports,
  HttpSource,
  Journal,
  StreamSink,
  Transfer,
  Verification
} from "@longshore/core"
import { Crc32 } from "@longshore/core/Crc32"
import * as MemorySink from "@longshore/testkit/MemorySink"
import { Effect, Layer, Redacted, Stream } from "effect"
import { FetchHttpClient } from "effect/http"
import process from "node:process"

const retries: Record<string, number> = {}
const counting = Layer.succeed(ExportEvent.ExportEvents, (event) =>
  Effect.sync(() => {
    if (event._tag === "PartRetried") retries[event.entityType] = (retries[event.entityType] ?? 0) + 1
  })
)

const exporting = Exports.layer({
  platformAddress: process.argv[2] ?? "",
  clientToken: Redacted.make("client"),
  accessToken: Redacted.make("access")
})
const moving = Transfer.layer({ concurrency: 4 }).pipe(Layer.provide(HttpSource.layer))
const running = Layer.mergeAll(exporting, moving, Layer.fresh(Journal.layerMemory)).pipe(
  Layer.provideMerge(counting),
  Layer.provide(FetchHttpClient.layer)
)

const intoMemory = Effect.gen(function* () {
  const { manifest } = yield* ExportRun.run({
    request: { entityType: "Reservation" },
    partSize: 65_536,
    poll: "100 millis"
  })
  const { exports } = yield* Verification.verify()
  return { files: manifest.files, readBack: exports.map(({ differences, files }) => [files, differences.length]) }
}).pipe(Effect.provide(Layer.merge(running, MemorySink.layer())))

const streamed: Record<string, string> = {}
const asStream = ExportRun.run({ request: { entityType: "Customer" }, poll: "100 millis" }).pipe(
  Effect.provide(
    running.pipe(
      Layer.merge(
        StreamSink.layer({
          locate: (key) => `memory of ${key}`,
          consume: ({ key }, bytes) =>
            Effect.gen(function* () {
              const crc32 = yield* Crc32
              const sum = yield* Stream.runFold(
                bytes,
                () => 0,
                (sum, chunk) => crc32(chunk, sum)
              )
              streamed[key] = sum.toString(16).padStart(8, "0")
            })
        })
      )
    )
  )
)

const program = Effect.gen(function* () {
  const { files, readBack } = yield* intoMemory
  const { manifest } = yield* asStream
  return {
    reservations: files.map(({ crc32 }) => crc32),
    customers: manifest.files.map(({ crc32 }) => crc32),
    streamed: Object.values(streamed),
    readBack,
    retries
  }
})

console.log(JSON.stringify(await Effect.runPromise(program)))
