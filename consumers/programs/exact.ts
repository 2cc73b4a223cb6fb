// Types are exactly what the documentation says, not merely something that fits.
import {
  type Crc32,
  type Export,
  type ExportError,
  type ExportEvent,
  ExportRun,
  type Exports,
  type FileLinks,
  type HttpSource,
  type Journal,
  type Manifest,
  type ObjectSink,
  type Source,
  StreamSink,
  type Transfer,
  type Verification
} from "@longshore/core"
import type { Disk } from "@longshore/disk"
import type { FileJournal } from "@longshore/journal-file"
import type { FsSink } from "@longshore/sink-fs"
import type { S3Sink } from "@longshore/sink-s3"
import type { StdoutSink } from "@longshore/sink-stdout"
import type { NodeSource } from "@longshore/source-node"
import type { Simulator, SimulatorHttpClient, SimulatorServer } from "@longshore/simulator"
import type { MemorySink } from "@longshore/testkit"
import {
  type Account,
  type ClusterApi,
  type ClusterClient,
  type ClusterJournal,
  type ExportCluster,
  ExportWorkflow,
  type Fence,
  type RunStatus
} from "@longshore/workflow"
import type { Sharding } from "effect/cluster"
import type { HttpClient } from "effect/http"
import type { SqlClient } from "effect/sql"
import type { WorkflowEngine } from "effect/workflow"
import { Context, Effect, type Layer, type Option, type Scope, type Stream } from "effect"
import { expectTypeOf } from "vitest"

// A run: what it gives, what it can fail with, what it needs.
type Run = ReturnType<typeof ExportRun.run>
expectTypeOf<Effect.Success<Run>>().toEqualTypeOf<ExportRun.ExportRunResult>()
expectTypeOf<Effect.Error<Run>>().toEqualTypeOf<ExportError.ExportError>()
expectTypeOf<Effect.Services<Run>>().toEqualTypeOf<
  Exports.Exports | Transfer.Transfer | ObjectSink.ObjectSink | Journal.Journal
>()
expectTypeOf<ExportRun.ExportRunResult["manifest"]>().toEqualTypeOf<Manifest.Manifest>()
expectTypeOf<ExportRun.ExportRunResult["exportId"]>().toEqualTypeOf<Export.ExportId>()

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
expectTypeOf<Effect.Error<typeof handled>>().toEqualTypeOf<never>()

// Each of them says what a program decides on.
type Says = Pick<ExportError.ExportError, "message" | "nextStep" | "retryable">
expectTypeOf<{ readonly [K in keyof Says]: Says[K] }>().toEqualTypeOf<{
  readonly message: string
  readonly nextStep: string
  readonly retryable: boolean
}>()

// Services.
type Api = Context.Service.Shape<typeof Exports.Exports>
expectTypeOf<Effect.Success<ReturnType<Api["add"]>>>().toEqualTypeOf<Export.Export>()
expectTypeOf<Effect.Error<ReturnType<Api["add"]>>>().toEqualTypeOf<
  ExportError.InvalidRequest | ExportError.AddRejected | ExportError.AddOutcomeUnknown | Exports.ApiError
>()
expectTypeOf<Effect.Services<ReturnType<Api["add"]>>>().toEqualTypeOf<never>()
expectTypeOf<Effect.Error<ReturnType<Api["getAll"]>>>().toEqualTypeOf<Exports.ApiError>()
expectTypeOf<Effect.Error<ReturnType<Api["get"]>>>().toEqualTypeOf<Exports.ApiError | ExportError.ExportNotFound>()
type Sink = Context.Service.Shape<typeof ObjectSink.ObjectSink>
expectTypeOf<ReturnType<Sink["open"]>>().toEqualTypeOf<
  Effect.Effect<ObjectSink.ObjectWriter, ExportError.SinkError, Scope.Scope>
>()
expectTypeOf<ReturnType<Sink["stat"]>>().toEqualTypeOf<
  Effect.Effect<Option.Option<ObjectSink.FoundObject>, ExportError.SinkError>
>()
type Bytes = Context.Service.Shape<typeof Source.Source>
expectTypeOf<ReturnType<Bytes["part"]>>().toEqualTypeOf<Stream.Stream<Uint8Array, ExportError.SourceError>>()
type Move = Context.Service.Shape<typeof Transfer.Transfer>
expectTypeOf<Effect.Error<ReturnType<Move["deliver"]>>>().toEqualTypeOf<Transfer.TransferError>()
expectTypeOf<Effect.Services<ReturnType<Move["deliver"]>>>().toEqualTypeOf<ObjectSink.ObjectSink>()
expectTypeOf<Effect.Services<ReturnType<typeof FileLinks.make>>>().toEqualTypeOf<Exports.Exports>()
expectTypeOf<Effect.Services<ReturnType<typeof Verification.verify>>>().toEqualTypeOf<ObjectSink.ObjectSink>()
expectTypeOf<Effect.Error<ReturnType<typeof Verification.verify>>>().toEqualTypeOf<ExportError.SinkError>()

// Layers: what they provide, fail with and need.
expectTypeOf<ReturnType<typeof Exports.layer>>().toEqualTypeOf<
  Layer.Layer<Exports.Exports, ExportError.InvalidRequest, HttpClient.HttpClient>
>()
expectTypeOf<ReturnType<typeof Transfer.layer>>().toEqualTypeOf<Layer.Layer<Transfer.Transfer, never, Source.Source>>()
expectTypeOf<typeof HttpSource.layer>().toEqualTypeOf<Layer.Layer<Source.Source, never, HttpClient.HttpClient>>()
expectTypeOf<ReturnType<typeof NodeSource.layer>>().toEqualTypeOf<
  Layer.Layer<Source.Source, never, HttpClient.HttpClient>
>()
expectTypeOf<typeof Journal.layerMemory>().toEqualTypeOf<Layer.Layer<Journal.Journal>>()
expectTypeOf<ReturnType<typeof FileJournal.layer>>().toEqualTypeOf<
  Layer.Layer<Journal.Journal, ExportError.JournalError>
>()
expectTypeOf<ReturnType<typeof FsSink.layer>>().toEqualTypeOf<
  Layer.Layer<ObjectSink.ObjectSink, ExportError.SinkError>
>()
expectTypeOf<ReturnType<typeof S3Sink.layer>>().toEqualTypeOf<
  Layer.Layer<ObjectSink.ObjectSink, ExportError.SinkError>
>()
expectTypeOf<typeof StdoutSink.layer>().toEqualTypeOf<Layer.Layer<ObjectSink.ObjectSink>>()
expectTypeOf<ReturnType<typeof MemorySink.layer>>().toEqualTypeOf<Layer.Layer<ObjectSink.ObjectSink>>()
expectTypeOf<ReturnType<typeof Simulator.layer>>().toEqualTypeOf<Layer.Layer<Simulator.Simulator>>()
expectTypeOf<typeof SimulatorHttpClient.layer>().toEqualTypeOf<
  Layer.Layer<HttpClient.HttpClient, never, Simulator.Simulator>
>()
expectTypeOf<Effect.Services<ReturnType<typeof SimulatorServer.make>>>().toEqualTypeOf<
  Simulator.Simulator | Scope.Scope
>()

// A program says nothing of the disk unless it brings another.
expectTypeOf<typeof Disk.Disk>().toEqualTypeOf<Context.Reference<Disk.Disk>>()

// What a consumer of a stream needs, its layer needs, and what it fails with, the run tells as a SinkError.
class Database extends Context.Service<Database, { readonly copy: Effect.Effect<void, Error> }>()("Database") {}
const intoDatabase = StreamSink.layer({
  locate: (key) => key,
  consume: () => Effect.flatMap(Database, ({ copy }) => copy)
})
expectTypeOf<typeof intoDatabase>().toEqualTypeOf<Layer.Layer<ObjectSink.ObjectSink, never, Database>>()

// A cluster: what a runner needs, what asking it can fail with, and that nothing of it is a secret.
const exportsRun = ExportWorkflow.layer({ sink: () => intoDatabase })
expectTypeOf<typeof exportsRun>().toEqualTypeOf<
  Layer.Layer<
    never,
    never,
    WorkflowEngine.WorkflowEngine | Sharding.Sharding | Account.Accounts | Fence.Fence | Transfer.Transfer | Database
  >
>()
expectTypeOf<ReturnType<typeof Account.layer>>().toEqualTypeOf<
  Layer.Layer<Account.Accounts, never, HttpClient.HttpClient>
>()
expectTypeOf<typeof Account.entities>().toEqualTypeOf<Layer.Layer<never, never, Sharding.Sharding | Account.Accounts>>()
expectTypeOf<ReturnType<typeof ExportCluster.layer>>().toEqualTypeOf<
  Layer.Layer<ExportCluster.ExportCluster, never, WorkflowEngine.WorkflowEngine | SqlClient.SqlClient>
>()
type Cluster = Context.Service.Shape<typeof ExportCluster.ExportCluster>
expectTypeOf<ReturnType<Cluster["submit"]>>().toEqualTypeOf<
  Effect.Effect<RunStatus.RunStatus, ExportError.InvalidRequest>
>()
expectTypeOf<Effect.Error<ReturnType<Cluster["wait"]>>>().toEqualTypeOf<RunStatus.RunNotFound>()
expectTypeOf<RunStatus.RunStatus["state"]>().toEqualTypeOf<"running" | "failed" | "cancelled" | "complete">()
expectTypeOf<keyof ClusterApi.Submission>().toEqualTypeOf<
  "account" | "request" | "path" | "occasion" | "exportId" | "onBusy" | "onExpired" | "maxWait" | "poll" | "partSize"
>()
expectTypeOf<ClusterClient.ClientError>().toEqualTypeOf<
  ExportError.InvalidRequest | ClusterApi.Unauthorized | ClusterApi.ClusterUnavailable
>()
expectTypeOf<ReturnType<typeof ClusterJournal.make>>().toEqualTypeOf<
  Effect.Effect<
    Context.Service.Shape<typeof Journal.Journal>,
    never,
    WorkflowEngine.WorkflowEngine | WorkflowEngine.WorkflowInstance
  >
>()

// Open enumerations complete in an editor and take what is new.
const known: Export.EntityType = "Reservation"
const newer: Export.EntityType = "SomethingOf2027"
// Events are a closed union, by tag.
expectTypeOf<
  ExportEvent.ExportEvent extends { readonly _tag: string; readonly at: number } ? true : false
>().toEqualTypeOf<true>()
expectTypeOf<typeof Crc32.Crc32.defaultValue extends () => infer F ? F : never>().toEqualTypeOf<
  (bytes: Uint8Array, seed?: number) => number
>()

export { handled, known, newer }
