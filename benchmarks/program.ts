/**
 * Longshore as another program would compose it, in a process of its own for `bench.mjs`: everything is the real thing
 * but the API. In place of Mews a few lines say that the export is ready and that its files are the origin's.
 *
 *     node dist/program.js work.json
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Crc32 from "@longshore/core/Crc32"
import { type Export, ExportId } from "@longshore/core/Export"
import { ExportEvents } from "@longshore/core/ExportEvent"
import * as ExportRun from "@longshore/core/ExportRun"
import * as Exports from "@longshore/core/Exports"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Transfer from "@longshore/core/Transfer"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import * as FsSink from "@longshore/sink-fs/FsSink"
import * as NodeSource from "@longshore/source-node/NodeSource"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { crc32 } from "node:zlib"

const Work = Schema.Struct({
  files: Schema.Array(Schema.Struct({ url: Schema.String, size: Schema.Finite })),
  directory: Schema.String,
  /** Into a bucket in place of the folder. */
  s3: Schema.optionalKey(Schema.Struct({ bucket: Schema.String, endpoint: Schema.String, region: Schema.String })),
  journal: Schema.String,
  concurrency: Schema.optionalKey(Schema.Int),
  partSize: Schema.optionalKey(Schema.Int),
  /** Core's portable source over node:http, for comparison. */
  portable: Schema.optionalKey(Schema.Boolean),
  /** Ends as by `kill -9` once parts of so many bytes are stored. */
  stopAfter: Schema.optionalKey(Schema.Finite)
})

const work = Schema.decodeUnknownSync(Work)(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")))
const { concurrency = 8 } = work

const ready: Export = {
  id: ExportId.make("00000000-0000-4000-8000-000000000001"),
  status: "Success",
  entityType: "Reservation",
  scope: undefined,
  filters: undefined,
  files: work.files.map(({ size, url }) => ({ url: Redacted.make(url), sizeInBytes: size })),
  expiresUtc: undefined
}

const origin = Layer.succeed(Exports.Exports, {
  add: () => Effect.succeed({ ...ready, status: "Pending", files: [] }),
  getAll: () => Effect.succeed([ready]),
  get: () => Effect.succeed(ready)
})

const source = work.portable === true ? HttpSource.layer : NodeSource.layer()

const { directory, s3 } = work
const sink =
  s3 === undefined
    ? FsSink.layer({ directory })
    : // Only who writes to a bucket pays for loading the SDK, as with the program itself.
      Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("@longshore/sink-s3/S3Sink")),
          (S3Sink) => S3Sink.layer(s3)
        )
      )

const live = Transfer.layer({ concurrency }).pipe(
  Layer.provide(source),
  Layer.merge(sink),
  Layer.provide(NodeHttpClient.layerNodeHttpOptions({ keepAlive: true, maxSockets: concurrency + 4 })),
  Layer.merge(origin),
  Layer.merge(FileJournal.layer({ path: work.journal, identity: { benchmark: directory } })),
  Layer.provide(Layer.succeed(Crc32.Crc32, (bytes, seed) => crc32(bytes, seed)))
)

let stored = 0
const listen: typeof ExportEvents.Service = (event) =>
  Effect.sync(() => {
    if (event._tag !== "PartStored" || work.stopAfter === undefined) return
    stored += event.bytes
    if (stored >= work.stopAfter) process.kill(process.pid, "SIGKILL")
  })

const program = ExportRun.run({
  request: { entityType: "Reservation" },
  ...(work.partSize === undefined ? {} : { partSize: work.partSize })
}).pipe(Effect.provide(live), Effect.provideService(ExportEvents, listen))

// Who composes it in code stops when it is done; the keep-alive connections are closed with the layers.
await Effect.runPromise(program)
