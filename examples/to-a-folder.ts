/**
 * All reservations, into a folder. Whatever stops it, run it again: it fetches what is missing and nothing else.
 *
 *     node examples/to-a-folder.ts ./data
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { ExportRun, Exports, Transfer } from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { FsSink } from "@longshore/sink-fs"
import { NodeSource } from "@longshore/source-node"
import { Console, Effect, Layer } from "effect"

const directory = process.argv[2] ?? "./data"

const live = Transfer.layer().pipe(
  Layer.provide(NodeSource.layer()),
  Layer.merge(FsSink.layer({ directory })),
  Layer.merge(Exports.layerConfig()), // LONGSHORE_CLIENT_TOKEN, LONGSHORE_ACCESS_TOKEN
  Layer.provide(NodeHttpClient.layerNodeHttp),
  // One journal is one run. A run that is finished stays so: for the next export, name another file.
  Layer.merge(
    FileJournal.layer({ path: `${directory}/.longshore/reservations.jsonl`, identity: { what: "reservations" } })
  )
)

ExportRun.run({ request: { entityType: "Reservation" } }).pipe(
  Effect.tap(({ location, manifest }) => Console.log(`${manifest.files.length} files, verified: ${location}`)),
  Effect.provide(live),
  NodeRuntime.runMain
)
