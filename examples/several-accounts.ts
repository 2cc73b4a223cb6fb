/**
 * Several accounts at once, each into its own folder: one budget of parts for all; a limiter, a sink and a journal for
 * each. One that fails does not stop the others.
 *
 *     export LISBON_ACCESS_TOKEN=… PORTO_ACCESS_TOKEN=…
 *     node examples/several-accounts.ts lisbon porto
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { ExportRun, Exports, Transfer } from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { FsSink } from "@longshore/sink-fs"
import { NodeSource } from "@longshore/source-node"
import { Config, Console, Effect, Layer, Result } from "effect"

const exportOf = (account: string) =>
  ExportRun.run({ request: { entityType: "Payment" }, onBusy: "wait" }).pipe(
    Effect.provide([
      Exports.layerConfig({ accessToken: Config.Redacted(`${account.toUpperCase()}_ACCESS_TOKEN`) }),
      FsSink.layer({ directory: `./data/${account}` }),
      FileJournal.layer({ path: `./data/${account}/.longshore/payments.jsonl`, identity: { account } })
    ]),
    Effect.result,
    Effect.tap(
      Result.match({
        onFailure: ({ message }) => Console.log(`${account}: failed. ${message}`),
        onSuccess: ({ location, manifest }) => Console.log(`${account}: ${manifest.size} bytes, ${location}`)
      })
    )
  )

const shared = Transfer.layer({ concurrency: 16 }).pipe(
  Layer.provide(NodeSource.layer()),
  Layer.provideMerge(NodeHttpClient.layerNodeHttp)
)

Effect.forEach(process.argv.slice(2), exportOf, { concurrency: "unbounded" }).pipe(
  Effect.flatMap((results) => {
    const failed = results.filter(Result.isFailure).length
    return Effect.andThen(
      Console.log(`${results.length - failed} of ${results.length} accounts are done.`),
      failed === 0 ? Effect.void : Effect.sync(() => (process.exitCode = 1))
    )
  }),
  Effect.provide(shared),
  NodeRuntime.runMain
)
