/** How a run was started last. It stands in its journal's first line, so that resuming it takes no flags. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import type { Settings } from "../settings/Settings.ts"
import * as Setting from "../settings/Setting.ts"
import * as Telemetry from "../telemetry/Telemetry.ts"

export const RunContext = Schema.Struct({
  /** The same for all runs that one command started. */
  invocation: Schema.String,
  /** ISO 8601. */
  startedUtc: Schema.String,
  /** By name, as they were written; none is a secret, and paths are absolute. */
  settings: Schema.Record(Schema.String, Schema.String),
  /** The trace that the command wrote, as W3C has it: whoever goes on links to it. */
  traceparent: Schema.optionalKey(Schema.String)
})

export type RunContext = typeof RunContext.Type

/** What the run's identity says already, and what is a matter of the terminal it runs on. */
const left: ReadonlySet<Setting.Name> = new Set([
  "to",
  "endpoint",
  "platform-address",
  "max-age",
  "progress",
  "log-file",
  "events"
])

export const make = Effect.fnUntraced(function* (settings: Settings): Effect.fn.Return<RunContext> {
  const said = Setting.names.flatMap((name) => {
    const { origin, text } = settings.resolved(name)
    return left.has(name) || Setting.about(name).isGeneral === true || origin.level === "default" || text === undefined
      ? []
      : [[name, text] as const]
  })
  const traceparent = yield* (yield* Telemetry.Telemetry).traceparent
  return {
    ...(traceparent === undefined ? {} : { traceparent }),
    invocation: randomUUID(),
    startedUtc: DateTime.formatIso(yield* DateTime.now),
    settings: Object.fromEntries(said)
  }
})

/** What a journal's first line says, if it is this. */
export const decode = (json: unknown): RunContext | undefined =>
  Option.getOrUndefined(Schema.decodeUnknownOption(RunContext)(json))
