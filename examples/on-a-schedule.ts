/**
 * Every night, what changed since the last night that went well. One that fails is tried again; if that does not help, the
 * next one exports its time as well. SIGTERM ends it. Started again, it goes on where it was, and makes up for what it missed.
 *
 *     node examples/on-a-schedule.ts "0 3 * * *"
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { ExportRun, Exports, Manifest, Transfer } from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { FsSink } from "@longshore/sink-fs"
import { NodeSource } from "@longshore/source-node"
import { Array, Cause, DateTime, Duration, Effect, Exit, Layer, Schedule } from "effect"
import { globSync, readFileSync } from "node:fs"

const [cron = "0 3 * * *", retryMinutes = "10"] = process.argv.slice(2)

// A manifest is written last: where there is one, its time was exported whole.
const exportedUntil = Effect.gen(function* () {
  const paths = globSync("./data/Reservation/*/manifest.json")
  const manifests = yield* Effect.forEach(paths, (path) => Manifest.decode(readFileSync(path, "utf8")))
  return manifests.flatMap(({ request }) => request.filters?.updatedUtc?.endUtc ?? [])
}).pipe(Effect.orDie)

const night = Effect.gen(function* () {
  const now = yield* DateTime.now
  // The API wants an end that is five minutes ago.
  const endUtc = DateTime.startOf(DateTime.subtract(now, { minutes: 5 }), "day")
  const ends = yield* exportedUntil
  const startUtc = Array.isReadonlyArrayNonEmpty(ends)
    ? Array.max(ends, DateTime.Order)
    : DateTime.subtract(endUtc, { days: 1 })
  if (DateTime.isGreaterThanOrEqualTo(startUtc, endUtc)) return
  // Each night is a run with a journal of its own.
  const name = `${DateTime.formatIsoDate(startUtc)}_${DateTime.formatIsoDate(endUtc)}`
  const { location } = yield* ExportRun.run({
    request: { entityType: "Reservation", filters: { updatedUtc: { startUtc, endUtc } } },
    onBusy: "wait",
    onExpired: "renew"
  }).pipe(Effect.provide(FileJournal.layer({ path: `./data/.longshore/${name}.jsonl`, identity: { night: name } })))
  yield* Effect.log(`${name}: ${location}`)
})

const live = Transfer.layer().pipe(
  Layer.provide(NodeSource.layer()),
  Layer.merge(FsSink.layer({ directory: "./data" })),
  Layer.merge(Exports.layerConfig()), // LONGSHORE_CLIENT_TOKEN, LONGSHORE_ACCESS_TOKEN
  Layer.provide(NodeHttpClient.layerNodeHttp)
)

night.pipe(
  Effect.tapError(({ message, nextStep }) => Effect.logError(message, nextStep)),
  Effect.retry({
    schedule: Schedule.spaced(Duration.minutes(Number(retryMinutes))),
    times: 12,
    while: (error) => error.retryable
  }),
  Effect.ignore,
  Effect.repeat(Schedule.cron(cron)),
  Effect.provide(live),
  // Being stopped is how a service ends.
  NodeRuntime.runMain({
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
  })
)
