/**
 * Into a folder, and through gzip on the way. A file is there once it is whole; run it again, and files that are there are
 * not fetched again.
 *
 *     node examples/gzip.ts ./data
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { ExportRun, Exports, StreamSink, Transfer } from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { NodeSource } from "@longshore/source-node"
import { Console, Effect, Layer, Option, Stream } from "effect"
import { createWriteStream, statSync } from "node:fs"
import { mkdir, rename } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { pipeline } from "node:stream/promises"
import { createGzip } from "node:zlib"

const directory = resolve(process.argv[2] ?? "./data")
const pathOf = (key: string) => `${directory}/${key}.gz`

const gzipped = StreamSink.layer({
  locate: (key) => `file://${pathOf(key)}`,
  consume: ({ key }, bytes) =>
    Effect.tryPromise(async (signal) => {
      const path = pathOf(key)
      await mkdir(dirname(path), { recursive: true })
      const file = createWriteStream(`${path}.partial`, { flush: true }) // to the disk, too
      await pipeline(Stream.toAsyncIterable(bytes), createGzip(), file, { signal })
      await rename(`${path}.partial`, path)
    }),
  // What says that a file is there, and still the one that was delivered.
  stat: (key) =>
    Effect.sync(() => Option.fromUndefinedOr(statSync(pathOf(key), { bigint: true, throwIfNoEntry: false }))).pipe(
      Effect.map(Option.map(({ mtimeNs, size }) => ({ key, version: `${size} ${mtimeNs}` })))
    )
})

const live = Transfer.layer().pipe(
  Layer.provide(NodeSource.layer()),
  Layer.merge(gzipped),
  Layer.merge(Exports.layerConfig()), // LONGSHORE_CLIENT_TOKEN, LONGSHORE_ACCESS_TOKEN
  Layer.provide(NodeHttpClient.layerNodeHttp),
  Layer.merge(FileJournal.layer({ path: `${directory}/.longshore/gzip.jsonl`, identity: { what: "gzip" } }))
)

ExportRun.run({ request: { entityType: "Reservation" } }).pipe(
  Effect.tap(({ location, manifest }) => Console.log(`${manifest.files.length} files: ${location}`)),
  Effect.provide(live),
  NodeRuntime.runMain
)
