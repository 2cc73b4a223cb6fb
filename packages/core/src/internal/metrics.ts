/**
 * What a run counts, as Effect's metrics: any exporter of theirs finds them in the registry. Most follow from the events
 * of a run, so that no number tells another story than they do. `docs/telemetry.md` lists them all.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import type { ExportEvent } from "../ExportEvent.ts"
import { errorType } from "./tracing.ts"

/** One series for each set of labels. It is made once: what comes in a thousand times a second is then a look-up. */
const series = <A>(
  labels: ReadonlyArray<string>,
  make: (attributes: Record<string, string>) => Metric.Metric<number, A>
) => {
  const known = new Map<string, Metric.Metric<number, A>>()
  return (values: ReadonlyArray<string | undefined>, amount: number): Effect.Effect<void> => {
    const key = values.join("\n")
    let metric = known.get(key)
    if (metric === undefined) {
      const pairs = labels.flatMap((label, i) => (values[i] === undefined ? [] : [[label, values[i]] as const]))
      metric = make(Object.fromEntries(pairs))
      known.set(key, metric)
    }
    return Metric.update(metric, amount)
  }
}

const entityType = "longshore.entity_type"

const counter = (
  name: string,
  labels: ReadonlyArray<string>,
  description: string,
  unit: { readonly unit?: string } = {}
) =>
  series(labels, (attributes) =>
    Metric.counter(name, { description, incremental: true, attributes: { ...unit, ...attributes } })
  )

const seconds = (name: string, boundaries: ReadonlyArray<number>, labels: ReadonlyArray<string>, description: string) =>
  series(labels, (attributes) =>
    Metric.histogram(name, { description, boundaries, attributes: { unit: "s", ...attributes } })
  )

const bytesReceived = counter(
  "longshore.bytes.received",
  [entityType],
  "Bytes that the file host sent, also those of attempts that failed later",
  { unit: "By" }
)
const bytesStored = counter("longshore.bytes.stored", [entityType], "Bytes of parts that the target took", {
  unit: "By"
})
const partsStored = counter("longshore.parts.stored", [entityType], "Parts that the target took")
const partsRetried = counter("longshore.parts.retried", [entityType], "Attempts at a part that failed")
const partsLost = counter(
  "longshore.parts.lost",
  [entityType],
  "Parts that an earlier process stored and that are no longer what they were"
)
const filesDelivered = counter("longshore.files.delivered", [entityType], "Files that were published in the target")
const filesConfirmed = counter(
  "longshore.files.confirmed",
  [entityType],
  "Files that an earlier process delivered and that are still there"
)
const filesRestarted = counter("longshore.files.restarted", [entityType], "Files that began anew")
const looks = counter("longshore.looks", [entityType], "Looks at an export that was not ready")
const linksRenewed = counter("longshore.links.renewed", [entityType], "Times that fresh links were fetched")
const runs = counter("longshore.runs", [entityType, "longshore.outcome"], "Runs that ended, by how they did")

const waits = seconds(
  "longshore.wait.duration",
  [1, 5, 15, 60, 300, 900, 3_600, 7_200, 14_400, 43_200, 86_400],
  [entityType, "longshore.waiting_for"],
  "Time until the API accepted an export (slot), and until that was ready (export)"
)

/** The name and the bounds are those of the semantic conventions for HTTP clients. */
const requests = seconds(
  "http.client.request.duration",
  [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  ["http.request.method", "server.address", "longshore.operation", "http.response.status_code", "error.type"],
  "Requests to the API"
)

/** Counts what an event tells. */
export const observe = (event: ExportEvent): Effect.Effect<void> => {
  const type = [event.entityType]
  switch (event._tag) {
    case "BytesReceived":
      return bytesReceived(type, event.bytes)
    case "PartStored":
      return Effect.andThen(partsStored(type, 1), bytesStored(type, event.bytes))
    case "PartRetried":
      return partsRetried(type, 1)
    case "PartLost":
      return partsLost(type, 1)
    case "FileDelivered":
      return filesDelivered(type, 1)
    case "FileConfirmed":
      return filesConfirmed(type, 1)
    case "FileRestarted":
      return filesRestarted(type, 1)
    case "ExportPolled":
    case "LookFailed":
      return looks(type, 1)
    case "LinksRenewed":
      return linksRenewed(type, 1)
    default:
      return Effect.void
  }
}

/** Milliseconds. */
export const waited = (entityType: string, waitingFor: "slot" | "export", millis: number): Effect.Effect<void> =>
  waits([entityType, waitingFor], millis / 1000)

/** How a run ended: `completed`, `unchanged` (an earlier process completed it), or the error's tag. */
export const ended = (
  entityType: string,
  exit: Exit.Exit<{ readonly earlier: boolean }, unknown>
): Effect.Effect<void> =>
  runs([entityType, Exit.isSuccess(exit) ? (exit.value.earlier ? "unchanged" : "completed") : errorType(exit.cause)], 1)

/** One request to the API, of which every answer has a status and some requests have no answer. */
export const request = (
  { host, operation }: { readonly host: string; readonly operation: string },
  millis: number,
  outcome: { readonly status: number | undefined; readonly cause?: Cause.Cause<unknown> }
): Effect.Effect<void> =>
  requests(
    [
      "POST",
      host,
      operation,
      outcome.status === undefined ? undefined : String(outcome.status),
      outcome.cause === undefined ? undefined : errorType(outcome.cause)
    ],
    millis / 1000
  )
