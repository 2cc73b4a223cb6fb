/**
 * All bills, straight into S3: the parts of the transfer are the parts of a multipart upload, and nothing touches a disk but
 * the journal. Credentials and region come from where AWS users expect them; `AWS_ENDPOINT_URL` names another server.
 *
 *     node examples/to-s3.ts my-bucket mews
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { ExportRun, Exports, Transfer } from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { S3Sink } from "@longshore/sink-s3"
import { NodeSource } from "@longshore/source-node"
import { Console, Effect, Layer } from "effect"

const [bucket = "exports", prefix = "mews"] = process.argv.slice(2)

const live = Transfer.layer({ concurrency: 16 }).pipe(
  Layer.provide(NodeSource.layer()),
  Layer.merge(S3Sink.layer({ bucket, prefix })),
  Layer.merge(Exports.layerConfig()), // LONGSHORE_CLIENT_TOKEN, LONGSHORE_ACCESS_TOKEN
  Layer.provide(NodeHttpClient.layerNodeHttp),
  Layer.merge(FileJournal.layer({ path: "./state/bills.jsonl", identity: { bills: `s3://${bucket}/${prefix}` } }))
)

ExportRun.run({ request: { entityType: "Bill" } }).pipe(
  Effect.tap(({ location, manifest }) => Console.log(`${manifest.files.length} files, verified: ${location}`)),
  Effect.provide(live),
  NodeRuntime.runMain
)
