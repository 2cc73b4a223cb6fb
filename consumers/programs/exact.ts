// Types are exactly what the documentation says, not merely something that fits.
import {
  Crc32,
  type Export,
  ExportError,
  ExportEvent,
  ExportRun,
  Exports,
  FileLinks,
  HttpSource,
  Journal,
  type Manifest,
  ObjectSink,
  Source,
  StreamSink,
  Transfer,
  Verification
} from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { FsSink } from "@longshore/sink-fs"
import { S3Sink } from "@longshore/sink-s3"
import { StdoutSink } from "@longshore/sink-stdout"
import { NodeSource } from "@longshore/source-node"
import { Simulator, SimulatorHttpClient, SimulatorServer } from "@longshore/simulator"
import { MemorySink } from "@longshore/testkit"
import type { HttpClient } from "effect/http"
import { Context, Effect, Layer, type Option, type Scope, type Stream } from "effect"

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(..._: Equal<A, B> extends true ? [] : [expected: A, found: B]): void => {}

// A run: what it gives, what it can fail with, what it needs.
type Run = ReturnType<typeof ExportRun.run>
same<ExportRun.ExportRunResult, Effect.Success<Run>>()
same<ExportError.ExportError, Effect.Error<Run>>()
same<Exports.Exports | Transfer.Transfer | ObjectSink.ObjectSink | Journal.Journal, Effect.Services<Run>>()
same<Manifest.Manifest, ExportRun.ExportRunResult["manifest"]>()
same<Export.ExportId, ExportRun.ExportRunResult["exportId"]>()

// Every error by its name, and then none is left. Whoever adds one must change this list, and say so in the changelog.
const handled = ExportRun.run({ request: { entityType: "Reservation" } }).pipe(
  Effect.catchTags({
    InvalidRequest: ({ parameter }) => Effect.succeed(parameter),
    AccessDenied: ({ status }) => Effect.succeed(status),
    AddRejected: ({ entityType }) => Effect.succeed(entityType),
    AddOutcomeUnknown: ({ problem }) => Effect.succeed(problem),
    RequestRejected: ({ apiMessage }) => Effect.succeed(apiMessage),
    RateLimited: ({ retryAfter }) => Effect.succeed(retryAfter),
    ApiUnavailable: ({ sent }) => Effect.succeed(sent),
    UnexpectedResponse: ({ requestId }) => Effect.succeed(requestId),
    ExportNotFound: ({ exportId }) => Effect.succeed(exportId),
    ExportFailed: ({ exportId }) => Effect.succeed(exportId),
    ExportExpired: ({ exportId }) => Effect.succeed(exportId),
    WaitTimedOut: ({ waited }) => Effect.succeed(waited),
    SourceError: ({ reason }) => Effect.succeed(reason),
    TransferFailed: ({ attempts }) => Effect.succeed(attempts),
    IntegrityError: ({ key }) => Effect.succeed(key),
    SinkError: ({ reason }) => Effect.succeed(reason),
    JournalError: ({ reason }) => Effect.succeed(reason)
  })
)
same<never, Effect.Error<typeof handled>>()

// Each of them says what a program decides on.
type Says = Pick<ExportError.ExportError, "message" | "nextStep" | "retryable">
same<
  { readonly message: string; readonly nextStep: string; readonly retryable: boolean },
  { readonly [K in keyof Says]: Says[K] }
>()

// Services.
type Api = Context.Service.Shape<typeof Exports.Exports>
same<Export.Export, Effect.Success<ReturnType<Api["add"]>>>()
same<
  ExportError.InvalidRequest | ExportError.AddRejected | ExportError.AddOutcomeUnknown | Exports.ApiError,
  Effect.Error<ReturnType<Api["add"]>>
>()
same<never, Effect.Services<ReturnType<Api["add"]>>>()
same<Exports.ApiError, Effect.Error<ReturnType<Api["getAll"]>>>()
same<Exports.ApiError | ExportError.ExportNotFound, Effect.Error<ReturnType<Api["get"]>>>()
type Sink = Context.Service.Shape<typeof ObjectSink.ObjectSink>
same<Effect.Effect<ObjectSink.ObjectWriter, ExportError.SinkError, Scope.Scope>, ReturnType<Sink["open"]>>()
same<Effect.Effect<Option.Option<ObjectSink.FoundObject>, ExportError.SinkError>, ReturnType<Sink["stat"]>>()
type Bytes = Context.Service.Shape<typeof Source.Source>
same<Stream.Stream<Uint8Array, ExportError.SourceError>, ReturnType<Bytes["part"]>>()
type Move = Context.Service.Shape<typeof Transfer.Transfer>
same<Transfer.TransferError, Effect.Error<ReturnType<Move["deliver"]>>>()
same<Exports.Exports, Effect.Services<ReturnType<typeof FileLinks.make>>>()
same<ObjectSink.ObjectSink, Effect.Services<ReturnType<typeof Verification.verify>>>()
same<ExportError.SinkError, Effect.Error<ReturnType<typeof Verification.verify>>>()

// Layers: what they provide, fail with and need.
same<
  Layer.Layer<Exports.Exports, ExportError.InvalidRequest, HttpClient.HttpClient>,
  ReturnType<typeof Exports.layer>
>()
same<Layer.Layer<Transfer.Transfer, never, Source.Source | ObjectSink.ObjectSink>, ReturnType<typeof Transfer.layer>>()
same<Layer.Layer<Source.Source, never, HttpClient.HttpClient>, typeof HttpSource.layer>()
same<Layer.Layer<Source.Source, never, HttpClient.HttpClient>, ReturnType<typeof NodeSource.layer>>()
same<Layer.Layer<Journal.Journal>, typeof Journal.layerMemory>()
same<Layer.Layer<Journal.Journal, ExportError.JournalError>, ReturnType<typeof FileJournal.layer>>()
same<Layer.Layer<ObjectSink.ObjectSink, ExportError.SinkError>, ReturnType<typeof FsSink.layer>>()
same<Layer.Layer<ObjectSink.ObjectSink, ExportError.SinkError>, ReturnType<typeof S3Sink.layer>>()
same<Layer.Layer<ObjectSink.ObjectSink>, typeof StdoutSink.layer>()
same<Layer.Layer<ObjectSink.ObjectSink>, ReturnType<typeof MemorySink.layer>>()
same<Layer.Layer<Simulator.Simulator>, ReturnType<typeof Simulator.layer>>()
same<Layer.Layer<HttpClient.HttpClient, never, Simulator.Simulator>, typeof SimulatorHttpClient.layer>()
same<Simulator.Simulator | Scope.Scope, Effect.Services<ReturnType<typeof SimulatorServer.make>>>()

// What a consumer of a stream needs, its layer needs, and what it fails with, the run tells as a SinkError.
class Database extends Context.Service<Database, { readonly copy: Effect.Effect<void, Error> }>()("Database") {}
const intoDatabase = StreamSink.layer({
  locate: (key) => key,
  consume: () => Effect.flatMap(Database, ({ copy }) => copy)
})
same<Layer.Layer<ObjectSink.ObjectSink, never, Database>, typeof intoDatabase>()

// Open enumerations complete in an editor and take what is new.
const known: Export.EntityType = "Reservation"
const newer: Export.EntityType = "SomethingOf2027"
// Events are a closed union, by tag.
same<true, ExportEvent.ExportEvent extends { readonly _tag: string; readonly at: number } ? true : false>()
same<(bytes: Uint8Array, seed?: number) => number, typeof Crc32.Crc32.defaultValue extends () => infer F ? F : never>()

export { handled, known, newer }
