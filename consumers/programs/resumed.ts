// An export into a folder, as a scheduled job of Node.js does it. Told to, it is killed in the middle.
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { ExportEvent, ExportRun, Exports, Transfer } from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { FsSink } from "@longshore/sink-fs"
import { NodeSource } from "@longshore/source-node"
import { Effect, Layer, Redacted } from "effect"

const [platformAddress = "", directory = "data", killedAfter = "Infinity"] = process.argv.slice(2)

let stored = 0
const watching = Layer.succeed(ExportEvent.ExportEvents, (event) =>
  Effect.sync(() => {
    if (event._tag === "PartStored" && ++stored >= Number(killedAfter)) process.kill(process.pid, "SIGKILL")
  })
)

const live = Transfer.layer({ concurrency: 2 }).pipe(
  Layer.provide(NodeSource.layer()),
  Layer.merge(FsSink.layer({ directory })),
  Layer.merge(
    Exports.layer({
      platformAddress,
      clientToken: Redacted.make("client"),
      accessToken: Redacted.make("access")
    })
  ),
  Layer.provide(NodeHttpClient.layerNodeHttp),
  Layer.merge(FileJournal.layer({ path: `${directory}/.longshore/bills.jsonl`, identity: { nightly: "bills" } })),
  Layer.provideMerge(watching)
)

const { manifest } = await Effect.runPromise(
  ExportRun.run({ request: { entityType: "Bill" }, partSize: 65_536, poll: "100 millis" }).pipe(Effect.provide(live))
)
console.log(JSON.stringify({ crc32: manifest.files.map(({ crc32 }) => crc32), stored }))
