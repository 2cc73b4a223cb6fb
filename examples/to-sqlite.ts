/**
 * Into a database, by way of the sink in `sqlite-sink.ts`.
 *
 *     node examples/to-sqlite.ts ./exports.db
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { ExportRun, Exports, Transfer } from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { NodeSource } from "@longshore/source-node"
import { Console, Effect, Layer } from "effect"
import * as SqliteSink from "./sqlite-sink.ts"

const path = process.argv[2] ?? "./exports.db"

const live = Transfer.layer().pipe(
  Layer.provide(NodeSource.layer()),
  Layer.merge(SqliteSink.layer({ path })),
  Layer.merge(Exports.layerConfig()), // LONGSHORE_CLIENT_TOKEN, LONGSHORE_ACCESS_TOKEN
  Layer.provide(NodeHttpClient.layerNodeHttp),
  Layer.merge(FileJournal.layer({ path: `${path}.journal.jsonl`, identity: { what: "customers" } }))
)

ExportRun.run({ request: { entityType: "Customer" } }).pipe(
  Effect.tap(({ location, manifest }) => Console.log(`${manifest.files.length} files, verified: ${location}`)),
  Effect.provide(live),
  NodeRuntime.runMain
)
