/**
 * Traces, metrics and logs of a command, where the standard environment (`OTEL_*`) asks for them. This much is always
 * there; what sends them is loaded only then.
 */
import * as ExportEvent from "@longshore/core/ExportEvent"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import type * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { Redaction } from "../output/Redaction.ts"
import type { Report } from "../output/Report.ts"

/** What a command may tell. By default nobody hears it. */
export interface Telemetry {
  readonly log: (
    level: LogLevel.Severity,
    body: string,
    attributes: Readonly<Record<string, string | number | boolean>>
  ) => Effect.Effect<void>
  /** The trace that this command writes, as W3C has it. */
  readonly traceparent: Effect.Effect<string | undefined>
  /** The last door for whatever is sent, once more secrets are known than those of the environment. */
  readonly redactWith: (redact: Redaction) => Effect.Effect<void>
}

export const Telemetry = Context.Reference<Telemetry>("longshore/Telemetry", {
  defaultValue: () => ({
    log: () => Effect.void,
    traceparent: Effect.undefined,
    redactWith: () => Effect.void
  })
})

/** The signals of OpenTelemetry, as its variables name them. */
export const signals = ["TRACES", "METRICS", "LOGS"] as const

export type Signal = (typeof signals)[number]

/** Whether the environment names a collector, or says that there is one at the usual place. */
const isWanted = (env: NodeJS.ProcessEnv): boolean => {
  const said = (name: string) => env[name]?.trim().toLowerCase() ?? ""
  return (
    said("OTEL_SDK_DISABLED") !== "true" &&
    (said("OTEL_EXPORTER_OTLP_ENDPOINT") !== "" ||
      signals.some(
        (signal) => said(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) !== "" || said(`OTEL_${signal}_EXPORTER`) === "otlp"
      ))
  )
}

/** What is observed. */
export interface Command {
  readonly name: string
  readonly quiet: boolean
  readonly isService: boolean
}

/** Runs a command, and sends what it tells if that is wanted. */
export const command =
  (name: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>, flags: { readonly quiet: boolean }): Effect.Effect<A, E, R> =>
    sent(self, { name, quiet: flags.quiet, isService: false })

const sent = <A, E, R>(self: Effect.Effect<A, E, R>, command: Command): Effect.Effect<A, E, R> =>
  Effect.suspend(() =>
    isWanted(process.env)
      ? Effect.flatMap(
          Effect.promise(() => import("./Otlp.ts")),
          ({ observed }) => observed(self, command)
        )
      : self
  )

/** The same for a command that goes on for weeks: no span is around what it does. */
export const service =
  (name: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>, flags: { readonly quiet: boolean }): Effect.Effect<A, E, R> =>
    sent(self, { name, quiet: flags.quiet, isService: true })

/** The span that a `traceparent` names. */
export const parseTraceparent = (traceparent: string | undefined): Tracer.AnySpan | undefined =>
  traceparent === undefined
    ? undefined
    : Option.getOrUndefined(HttpTraceContext.w3c(Headers.fromInput({ traceparent: traceparent.trim().toLowerCase() })))

/** How grave an event is. What comes too often to be read is left out. */
const levels: { readonly [Tag in ExportEvent.ExportEvent["_tag"]]: LogLevel.Severity | undefined } = {
  ExportRequested: "Info",
  ExportAdopted: "Info",
  AnswerLost: "Warn",
  SlotBusy: "Info",
  AddRetried: "Warn",
  ExportPolled: "Debug",
  LookFailed: "Warn",
  ExportReady: "Info",
  ExportRenewed: "Warn",
  FileStarted: "Debug",
  BytesReceived: undefined,
  BytesLost: undefined,
  PartStored: undefined,
  PartLost: "Warn",
  PartRetried: "Warn",
  LinksRenewed: "Debug",
  FileRestarted: "Warn",
  FileDelivered: "Info",
  FileConfirmed: "Info",
  RunCompleted: "Info",
  // What it failed with is a record of its own, with the exit code.
  RunFailed: undefined
}

/** `undefined`: it comes too often to be read, or is told otherwise. */
export const levelOf = ({ _tag }: ExportEvent.ExportEvent): LogLevel.Severity | undefined => levels[_tag]

/** An event as a record of the log. */
export const logEvent = Effect.fnUntraced(function* (event: ExportEvent.ExportEvent) {
  const level = levelOf(event)
  if (level === undefined) return
  const { log } = yield* Telemetry
  yield* log(level, event._tag, { "event.name": `longshore.${event._tag}`, ...ExportEvent.attributes(event) })
})

/** What went wrong, and what to do about it. */
export const logReport = Effect.fnUntraced(function* (report: Report, entityType?: string) {
  const { log } = yield* Telemetry
  yield* log("Error", report.message, {
    "error.type": report.tag,
    "longshore.next_step": report.nextStep,
    "process.exit.code": report.exitCode,
    ...(report.requestId === undefined ? {} : { "longshore.request_id": report.requestId }),
    ...(entityType === undefined ? {} : { "longshore.entity_type": entityType })
  })
})
