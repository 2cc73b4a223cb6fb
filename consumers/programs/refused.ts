// What must not compile. The comment of each names what the compiler's message must be about.
import {
  type Export,
  ExportRun,
  Exports,
  Journal,
  ObjectSink,
  type Source,
  StreamSink,
  Transfer
} from "@longshore/core"
import { FsSink } from "@longshore/sink-fs"
import { S3Sink } from "@longshore/sink-s3"
import { NodeSource } from "@longshore/source-node"
import { Simulator } from "@longshore/simulator"
// Internal modules are nobody's, and sources come along for debuggers alone.
// @ts-expect-error @longshore/core/internal/budget
import * as budget from "@longshore/core/internal/budget"
// @ts-expect-error @longshore/core/src/Export
import * as sources from "@longshore/core/src/Export"
import type { ClusterApi } from "@longshore/workflow"
import { Context, Effect, Layer, Option, Redacted, Schema, Stream } from "effect"
import { FetchHttpClient } from "effect/http"

const request = { entityType: "Reservation" } as const
const tokens = { clientToken: Redacted.make("client"), accessToken: Redacted.make("access") }
const platformAddress = "https://api.mews.com"
const live = Transfer.layer().pipe(
  Layer.provide(NodeSource.layer()),
  Layer.merge(FsSink.layer({ directory: "./data" })),
  Layer.merge(Exports.layer({ platformAddress, ...tokens })),
  Layer.provide(FetchHttpClient.layer)
)

// A run without a journal would forget what it asked for.
const withoutJournal = ExportRun.run({ request }).pipe(Effect.provide(live))
// @ts-expect-error Journal
export const forgetful = Effect.runPromise(withoutJournal)
export const remembering = Effect.runPromise(withoutJournal.pipe(Effect.provide(Journal.layerMemory)))

// A sink, a source and a client are needed as well.
const withoutSink = Layer.mergeAll(
  Transfer.layer().pipe(Layer.provide(NodeSource.layer())),
  Exports.layer({ platformAddress, ...tokens }),
  Journal.layerMemory
).pipe(Layer.provide(FetchHttpClient.layer))
const nowhere = ExportRun.run({ request }).pipe(Effect.provide(withoutSink))
// @ts-expect-error ObjectSink
export const homeless = Effect.runPromise(nowhere)
// @ts-expect-error Source
export const fromNowhere: Layer.Layer<Transfer.Transfer> = Transfer.layer()
// @ts-expect-error HttpClient
export const unconnected: Layer.Layer<Source.Source> = NodeSource.layer()

// Tokens are never plain strings, and none is left out.
// @ts-expect-error Redacted
export const plainToken = Exports.layer({ platformAddress, ...tokens, accessToken: "access" })
// @ts-expect-error clientToken
export const noToken = Exports.layer({ platformAddress, accessToken: tokens.accessToken })
// @ts-expect-error undefined
export const undefinedLocale = Exports.layer({ platformAddress, ...tokens, locale: undefined })

// Policies are words that exist.
// @ts-expect-error "never"
export const wrongBusy = ExportRun.run({ request, onBusy: "never" })
// @ts-expect-error "ask"
export const wrongExpired = ExportRun.run({ request, onExpired: "ask" })
// @ts-expect-error onbusy
export const misspelt = ExportRun.run({ request, onbusy: "wait" })
// @ts-expect-error "soon"
export const vague = ExportRun.run({ request, maxWait: "soon" })
export const inTime = ExportRun.run({ request, maxWait: "5 minutes" })

// What comes from outside is looked at first: an id and a key are more than text.
// @ts-expect-error ExportId
export const uncheckedId = ExportRun.run({ request, exportId: "3fa85f64-5717-4562-b3fc-2c963f66afa6" })
// @ts-expect-error ObjectKey
export const uncheckedKey = Effect.flatMap(ObjectSink.ObjectSink, (sink) => sink.stat("../../etc/passwd"))
// @ts-expect-error entityType
export const noType = ExportRun.run({ request: {} })
// @ts-expect-error Utc
export const notAnInstant: Export.TimeInterval["startUtc"] = "2026-05-01T00:00:00Z"

// A result is not to be written to.
const change = (result: ExportRun.ExportRunResult) => {
  // @ts-expect-error read-only
  result.location = "elsewhere"
  // @ts-expect-error push
  result.files.push()
}

// A sink has all of its contract.
const capabilities: ObjectSink.SinkCapabilities = {
  durable: true,
  resumable: false,
  parallel: true,
  rewindable: true,
  atomic: true,
  minPartSize: 1,
  maxParts: 10_000
}
const write: ObjectSink.ObjectWriter["write"] = (_, bytes) => Effect.as(Stream.runDrain(bytes), undefined)
// @ts-expect-error commit
export const noCommit: ObjectSink.ObjectWriter = { stored: [], write, discard: Effect.void }
const { atomic: _, ...modest } = capabilities
// @ts-expect-error atomic
export const noCapability: ObjectSink.SinkCapabilities = modest
const rest = { locate: (key: ObjectSink.ObjectKey) => `nowhere, ${key}`, stat: () => Effect.succeed(Option.none()) }
// @ts-expect-error open
export const noOpen = ObjectSink.make({ capabilities, ...rest })
const writer = { stored: [], write, discard: Effect.void, commit: Effect.fail(new Error("full")) }
export const ownErrors = ObjectSink.make({
  capabilities,
  ...rest,
  // @ts-expect-error SinkError
  open: () => Effect.succeed(writer)
})

// What a sink over a stream needs has to be provided.
class Database extends Context.Service<Database, { readonly copy: Effect.Effect<void> }>()("Database") {}
const copying = StreamSink.layer({ locate: (key) => key, consume: () => Effect.flatMap(Database, ({ copy }) => copy) })
// @ts-expect-error Database
export const withoutDatabase: Layer.Layer<ObjectSink.ObjectSink> = copying
// @ts-expect-error locate
export const noPlace = StreamSink.layer({ consume: () => Effect.void })

// Errors that a run does not have cannot be caught, and none disappears by itself.
const running = ExportRun.run({ request })
// @ts-expect-error "NetworkError"
export const noSuchError = running.pipe(Effect.catchTag("NetworkError", () => Effect.void))
const partly = running.pipe(Effect.catchTag("AddRejected", () => Effect.succeed(undefined)))
// @ts-expect-error AccessDenied
export const infallible: Effect.Effect<unknown, never, Effect.Services<typeof partly>> = partly

// Steps say how their outcome is written down.
const step = { name: "once", success: Schema.String, error: Schema.Never, execute: Effect.succeed(1) }
// @ts-expect-error string
export const otherSuccess = Effect.flatMap(Journal.Journal, (journal) => journal.step(step))

// Options of the others.
// @ts-expect-error directory
export const noFolder = FsSink.layer({})
// @ts-expect-error "md5"
export const wrongChecksum = S3Sink.layer({ bucket: "exports", prefix: "", checksum: "md5" })
// @ts-expect-error "burn-down"
export const wrongFault = Simulator.layer({ faults: [{ name: "burn-down" }] })

// Whoever submits to a cluster names neither a target nor an address.
// @ts-expect-error 'target'
export const elsewhere: ClusterApi.Submission = { account: "lisbon", request, target: "s3://elsewhere" }

export { budget, change, sources }
