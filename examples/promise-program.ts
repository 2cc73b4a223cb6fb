/**
 * Inside a program that knows nothing of Effect: a runtime that is made once, and a function that gives a promise. Here a
 * server answers `POST /Reservation` when the export is delivered. Who hangs up stops it, who asks again goes on.
 *
 *     node examples/promise-program.ts 8080
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Export, ExportRun, Exports, Transfer } from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { FsSink } from "@longshore/sink-fs"
import { NodeSource } from "@longshore/source-node"
import { Effect, Layer, ManagedRuntime } from "effect"
import { createServer } from "node:http"

const runtime = ManagedRuntime.make(
  Transfer.layer().pipe(
    Layer.provide(NodeSource.layer()),
    Layer.merge(FsSink.layer({ directory: "./data" })),
    Layer.merge(Exports.layerConfig()), // LONGSHORE_CLIENT_TOKEN, LONGSHORE_ACCESS_TOKEN
    Layer.provide(NodeHttpClient.layerNodeHttp)
  )
)

/** An ordinary error: what happened, what to do, and whether the same again can help. */
class ExportProblem extends Error {
  override readonly name = "ExportProblem"
  readonly status: number
  constructor(message: string, retryable: boolean) {
    super(message)
    this.status = retryable ? 503 : 500
  }
}

const exportTo = (entityType: string, signal: AbortSignal): Promise<ExportRun.ExportRunResult> =>
  ExportRun.run({ request: { entityType } }).pipe(
    Effect.provide(FileJournal.layer({ path: `./data/.longshore/${entityType}.jsonl`, identity: { entityType } })),
    Effect.mapError(({ message, nextStep, retryable }) => new ExportProblem(`${message} ${nextStep}`, retryable)),
    (program) => runtime.runPromise(program, { signal })
  )

const server = createServer(async (request, response) => {
  const entityType = Export.entityTypes.find((known) => request.url === `/${known}`)
  if (request.method !== "POST" || entityType === undefined) return response.writeHead(404).end()
  const hungUp = new AbortController()
  response.once("close", () => hungUp.abort())
  try {
    const { location, manifest } = await exportTo(entityType, hungUp.signal)
    response.end(JSON.stringify({ location, files: manifest.files }))
  } catch (error) {
    response.statusCode = error instanceof ExportProblem ? error.status : 500
    response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }))
  }
})

server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => console.log("listening", server.address()))
process.once("SIGTERM", async () => {
  server.close()
  // Interrupts what runs, and closes journals and connections. What is stored is kept.
  await runtime.dispose()
  server.closeAllConnections()
})
