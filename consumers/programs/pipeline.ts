// A pipeline as a program of some size composes it: two targets, errors told apart, events, a sink of its own.
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import {
  Export,
  ExportError,
  ExportEvent,
  ExportRun,
  Exports,
  HttpSource,
  Journal,
  ObjectSink,
  RunSummary,
  StreamSink,
  Transfer,
  Verification
} from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { Agents } from "@longshore/network"
import { Simulator, SimulatorHttpClient } from "@longshore/simulator"
import { FsSink } from "@longshore/sink-fs"
import { S3Sink } from "@longshore/sink-s3"
import { StdoutSink } from "@longshore/sink-stdout"
import { NodeSource } from "@longshore/source-node"
import { Config, Effect, Layer, Match, Schedule, Schema, Stream } from "effect"

/** Tokens come from the environment when the layer is built. */
const exports = Layer.unwrap(
  Effect.gen(function* () {
    return Exports.layer({
      platformAddress: yield* Config.String("PLATFORM_ADDRESS"),
      clientToken: yield* Config.Redacted("CLIENT_TOKEN"),
      accessToken: yield* Config.Redacted("ACCESS_TOKEN")
    })
  })
)

const client = NodeHttpClient.layerNodeHttpNoAgent.pipe(
  Layer.provide(Layer.succeed(NodeHttpClient.HttpAgent, Agents.make({ keepAlive: true })))
)

const targets = {
  folder: FsSink.layer({ directory: "./data" }),
  bucket: S3Sink.layer({ bucket: "exports", prefix: "mews" }),
  pipe: StdoutSink.layer
}

const pipeline = (target: keyof typeof targets) =>
  Layer.mergeAll(
    exports,
    targets[target],
    Transfer.layer({ concurrency: 8 }).pipe(Layer.provide(NodeSource.layer())),
    FileJournal.layer({ path: "./state/reservations.jsonl", identity: { job: "nightly", target } })
  ).pipe(Layer.provide(client))

const progress = Match.type<ExportEvent.ExportEvent>().pipe(
  Match.tag("PartStored", ({ bytes, key }) => Effect.logDebug(`${bytes} bytes of ${key}`)),
  Match.tag("RunCompleted", ({ location }) => Effect.log(`done: ${location}`)),
  Match.orElse(() => Effect.void)
)

export const nightly = Effect.gen(function* () {
  const exportId = yield* Schema.decodeEffect(Export.ExportId)("3fa85f64-5717-4562-b3fc-2c963f66afa6")
  const result = yield* ExportRun.run({ request: { entityType: "Reservation" }, exportId, onExpired: "renew" })
  const { exports } = yield* Verification.verify({ quick: true })
  return { files: result.files.length, sound: exports.every(({ differences }) => differences.length === 0) }
}).pipe(
  Effect.retry({
    while: (error) => error._tag !== "SchemaError" && error.retryable,
    schedule: Schedule.exponential("1 minute"),
    times: 3
  }),
  Effect.catchTag("AddRejected", (error) => Effect.succeed({ files: 0, sound: false, why: error.apiMessage })),
  Effect.provideService(ExportEvent.ExportEvents, progress),
  Effect.provide(pipeline("folder"))
)

/** What a journal tells, without running anything. */
export const summary = FileJournal.read("./state/reservations.jsonl").pipe(
  Effect.map(({ steps }) => RunSummary.summarize(steps)),
  Effect.catchTag("JournalError", (error) => Effect.fail(error.nextStep))
)

/** The same run against the simulator, every row through a function. */
class Reservation extends Schema.Class<Reservation>("Reservation")({ Id: Schema.String }) {}
const rows = StreamSink.layer({
  locate: (key) => `rows of ${key}`,
  consume: (_, bytes) =>
    bytes.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.mapEffect((line) => Schema.decodeEffect(Schema.fromJsonString(Reservation))(line)),
      Stream.runForEach((reservation) => Effect.log(reservation.Id))
    )
})

export const rehearsal = ExportRun.run({ request: { entityType: "Reservation" } }).pipe(
  Effect.provide(
    Layer.mergeAll(exports, rows, Transfer.layer().pipe(Layer.provide(HttpSource.layer)), Journal.layerMemory).pipe(
      Layer.provide(SimulatorHttpClient.layer),
      Layer.provide(Simulator.layer({ files: 3, faults: [{ name: "reset-file", count: 2 }] }))
    )
  )
)

/** A sink of one's own keeps to the same contract. */
export const discarding: Layer.Layer<ObjectSink.ObjectSink> = Layer.succeed(
  ObjectSink.ObjectSink,
  ObjectSink.make({
    capabilities: {
      durable: false,
      resumable: false,
      parallel: true,
      rewindable: true,
      atomic: false,
      minPartSize: 1,
      maxParts: 10_000
    },
    locate: (key) => `nowhere, ${key}`,
    stat: () => Effect.succeedNone,
    open: ({ key, size }) =>
      Effect.succeed({
        stored: [],
        write: (_, bytes) => Effect.as(Stream.runDrain(bytes), undefined),
        commit: Effect.succeed({ key, size, version: "gone" }),
        discard: Effect.void
      })
  })
)

/** Errors are plain data where they have to travel. */
export const encoded = (error: ExportError.ExportError): string =>
  JSON.stringify(Schema.encodeSync(ExportError.ExportError)(error))

export const main = (): Promise<number> => Effect.runPromise(Effect.map(nightly, ({ files }) => files))
