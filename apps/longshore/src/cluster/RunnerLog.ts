/** What a runner says on stderr and in its log file: one line for each thing, with its time and the run it is about. */
import type { ExportEvent } from "@longshore/core/ExportEvent"
import { RunnerAddress } from "effect/cluster"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import type { About } from "../output/EventLog.ts"
import type { LogFile } from "../output/LogFile.ts"
import * as Narration from "../output/Narration.ts"
import * as Progress from "../output/Progress.ts"
import type { Redaction } from "../output/Redaction.ts"
import * as Schema from "effect/Schema"
import * as Stderr from "../output/Stderr.ts"
import * as Telemetry from "../telemetry/Telemetry.ts"

export interface RunnerLog {
  /** For what the library and the cluster log. */
  readonly logger: Logger.Logger<unknown, void>
  readonly event: (event: ExportEvent, about: About) => Effect.Effect<void>
  /** A line of the program's own. */
  readonly say: (text: string) => Effect.Effect<void>
}

export interface RunnerLogOptions {
  readonly redact: Redaction
  /** Only warnings and errors. */
  readonly quiet: boolean
  readonly verbose: boolean
  readonly file: LogFile | undefined
}

type Annotations = Readonly<Record<string, unknown>>

export const make = ({ file, quiet, redact, verbose }: RunnerLogOptions): RunnerLog => {
  const write = (level: LogLevel.Severity, date: Date, text: string, annotations: Annotations) => {
    const isShown = level === "Warn" || level === "Error" || level === "Fatal" || !quiet
    const about = ["run", "account", ...Object.keys(annotations)].flatMap((key, index, keys) => {
      const value = annotations[key]
      return value === undefined || keys.indexOf(key) !== index ? [] : [`${key}=${quoted(value)}`]
    })
    const line = redact([level.toUpperCase().padEnd(5), oneLine(text), ...about].join(" "))
    if (isShown) Stderr.line(`${date.toISOString()} ${line}`)
    if (file !== undefined) Effect.runSync(Effect.asVoid(file.write(line)))
  }
  const narrators = new Map<string, (event: ExportEvent) => string | undefined>()

  return {
    say: (text) => Effect.sync(() => Stderr.line(redact(`longshore: ${text}`))),
    logger: Logger.make(({ cause, date, fiber, logLevel, message }) => {
      const parts = [...(Array.isArray(message) ? message : [message]).map(textOf), ...causeOf(cause)]
      // The cluster's words about its own parts.
      const { entityType: _, fiber: __, module: ___, ...annotations } = fiber.getRef(References.CurrentLogAnnotations)
      write(severityOf(logLevel), date, parts.join(": "), annotations)
    }),
    event: Effect.fnUntraced(function* (event, about) {
      yield* Telemetry.logEvent(event)
      const id = about.run ?? ""
      const narrate = narrators.get(id) ?? Narration.make(verbose)
      narrators.set(id, narrate)
      // What it failed with is logged where the run ends.
      const text = event._tag === "RunCompleted" ? completed(event) : narrate(event)
      if (event._tag === "RunCompleted" || event._tag === "RunFailed") narrators.delete(id)
      // What is worth a line is no detail.
      const level = Telemetry.levelOf(event) === "Warn" ? "Warn" : "Info"
      if (text !== undefined) write(level, new Date(event.at), text, { ...about })
    })
  }
}

const completed = ({
  bytes,
  earlier,
  entityType,
  files,
  location
}: ExportEvent & { readonly _tag: "RunCompleted" }): string =>
  `${entityType}: ${earlier ? "was complete" : "complete"}, ${Progress.files(files)}, ${Progress.size(bytes)}, verified. ${location}`

const severityOf = (level: LogLevel.LogLevel): LogLevel.Severity =>
  level === "All" || level === "None" ? "Info" : level

/** A failure of ours says what to do; of others only what they say counts, not where in their source. */
const textOf = (part: unknown): string => {
  if (part instanceof Error) {
    const inner = innermost(part)
    const next = Predicate.hasProperty(part, "nextStep") ? ` Next: ${String(part.nextStep)}` : ""
    return `${part.message}${inner === undefined ? "" : ` (${inner})`}${next}`
  }
  if (Cause.isCause(part)) return causeOf(part).join(": ")
  return typeof part === "string" ? part : json(part)
}

const causeOf = (cause: Cause.Cause<unknown>): ReadonlyArray<string> =>
  cause.reasons.length === 0 ? [] : [Cause.hasInterruptsOnly(cause) ? "interrupted" : textOf(Cause.squash(cause))]

/** Libraries wrap what a socket said. */
const innermost = (error: Error): string | undefined => {
  let inner: unknown = error
  for (let depth = 0; depth < 5 && inner instanceof Error; depth++) {
    const next: unknown = Predicate.hasProperty(inner, "reason") ? inner.reason : inner.cause
    if (next === undefined) break
    inner = next
  }
  return inner instanceof Error && inner !== error && inner.message !== error.message ? inner.message : undefined
}

const json = (value: unknown): string => JSON.stringify(value) ?? String(value)

const isRunner = Schema.is(RunnerAddress.RunnerAddress)

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, " ")

const quoted = (value: unknown): string => {
  const text = isRunner(value) ? `${value.host}:${value.port}` : typeof value === "string" ? value : json(value)
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)
}
