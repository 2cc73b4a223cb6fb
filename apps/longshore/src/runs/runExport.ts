/** The work behind `longshore export`: composes the services, runs every type, says how it ended. */
import type { ExportId, ExportRequest } from "@longshore/core/Export"
import { type ExportError, InvalidRequest } from "@longshore/core/ExportError"
import { ExportEvents } from "@longshore/core/ExportEvent"
import * as ExportRun from "@longshore/core/ExportRun"
import * as Exports from "@longshore/core/Exports"
import { Journal } from "@longshore/core/Journal"
import type { ObjectSink } from "@longshore/core/ObjectSink"
import * as RunIdentity from "@longshore/core/RunIdentity"
import type { RunSummary } from "@longshore/core/RunSummary"
import * as Transfer from "@longshore/core/Transfer"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import * as NodeSource from "@longshore/source-node/NodeSource"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Path from "node:path"
import * as Display from "../output/Display.ts"
import * as EventLog from "../output/EventLog.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as LogFile from "../output/LogFile.ts"
import { ConfigError } from "../output/Problem.ts"
import * as Progress from "../output/Progress.ts"
import * as Redaction from "../output/Redaction.ts"
import * as Report from "../output/Report.ts"
import * as Network from "./Network.ts"
import { nextCommand, resumeCommand } from "./resumeCommand.ts"
import * as RunContext from "./RunContext.ts"
import * as RunFile from "./RunFile.ts"
import * as RunIndex from "./RunIndex.ts"
import * as StateLocation from "./StateLocation.ts"
import * as Credentials from "../settings/Credentials.ts"
import type { Settings } from "../settings/Settings.ts"
import * as Telemetry from "../telemetry/Telemetry.ts"
import { isDurable, type Target } from "./Target.ts"
import * as TargetSink from "./TargetSink.ts"

export interface ExportOptions {
  readonly requests: ReadonlyArray<ExportRequest>
  readonly target: Target
  readonly exportId: ExportId | undefined
  /** A finished run is done again. */
  readonly fresh: boolean
  readonly settings: Settings
  /** The account that the run which is resumed belongs to. */
  readonly account?: string
  readonly quiet: boolean
  readonly verbose: boolean
  readonly version: string
}

/** How the run of one entity type ended. */
export type Outcome = { readonly entityType: string } & (
  | { readonly ok: true; readonly result: ExportRun.ExportRunResult }
  | { readonly ok: false; readonly report: Report.Report }
)

/** Runs all of it. Failures are outcomes; only an interruption is not. */
export const runExport = Effect.fnUntraced(function* (options: ExportOptions) {
  let redact = Redaction.make()
  let log: LogFile.LogFile | undefined
  const { settings, target } = options
  const entityTypes = options.requests.map((request) => request.entityType)
  const dataOnTerminal = target._tag === "Stdout" && process.stdout.isTTY
  const display = yield* Display.make({
    entityTypes,
    mode: yield* Display.modeFor(settings.get("progress") ?? "auto", process.stderr, dataOnTerminal),
    colour: yield* Display.wantsColour,
    quiet: options.quiet,
    verbose: options.verbose,
    redact: (text) => redact(text),
    screen: process.stderr,
    log: () => log
  })
  const begin = Effect.gen(function* () {
    yield* validate(options.requests)
    yield* Network.prepare(settings)
    const found = yield* Effect.exit(Credentials.load(settings))
    const path = settings.get("log-file")
    if (Exit.isSuccess(found)) {
      const { accessToken, clientToken } = found.value
      redact = Redaction.make([Redacted.value(clientToken), Redacted.value(accessToken)])
      yield* (yield* Telemetry.Telemetry).redactWith(redact)
      yield* Credentials.refuseTokens(found.value, settings)
    }
    // Opened before that failure is told: who reads logs wants to find it there.
    if (path !== undefined) {
      const command = resumeCommand(process.argv)
      log = yield* LogFile.open(path, redact(`longshore ${options.version}: ${command}`))
    }
    return yield* found
  })
  const runAll = Effect.fnUntraced(function* (credentials: Credentials.Credentials) {
    if (options.account !== undefined && options.account !== credentials.account) {
      return yield* new ConfigError({
        problem: `The run belongs to the account ${options.account}, and the access token is that of ${credentials.account}.`,
        nextStep: "Give the tokens that the run was started with."
      })
    }
    const state = yield* StateLocation.resolve(settings.get("state"), target)
    const events = settings.get("events")
    const record =
      events === undefined ? () => Effect.void : yield* EventLog.make({ path: events, redact, tell: display.say })
    const context = yield* RunContext.make(settings)
    yield* display.draw
    const runs = Effect.forEach(
      options.requests,
      (request) =>
        runOne({ options, credentials, state, context, note: display.note }, request).pipe(
          Effect.tapCause((cause) =>
            Cause.hasInterruptsOnly(cause) ? Effect.void : display.failed(request.entityType)
          ),
          Effect.exit,
          Effect.flatMap((exit) => outcome(request.entityType, exit))
        ),
      { concurrency: "unbounded" }
    )
    return yield* runs.pipe(
      Effect.provide(services(options, credentials)),
      Effect.provideService(ExportEvents, (event) =>
        Effect.andThen(record(event), Effect.andThen(display.listen(event), Telemetry.logEvent(event)))
      )
    )
  }, Effect.scoped)
  const outcomes: ReadonlyArray<Outcome> = yield* Effect.flatMap(begin, runAll).pipe(
    Effect.exit,
    // What keeps all of them from starting is how each of them ended.
    Effect.flatMap((exit) =>
      Exit.isSuccess(exit)
        ? Effect.succeed(exit.value)
        : Effect.forEach(entityTypes, (entityType) => outcome(entityType, exit))
    ),
    Effect.onInterrupt(() => display.say(stopped(options)))
  )
  const told = new Set<string>()
  for (const outcome of outcomes) {
    if (outcome.ok) yield* display.note(done(outcome.result))
    else if (outcome.report.exitCode !== ExitCode.ok) {
      yield* Telemetry.logReport(outcome.report, outcome.entityType)
      const text = Report.paragraph(outcome.report, redact, everyone(outcomes) ? undefined : outcome.entityType)
      if (!told.has(text)) yield* display.say(text)
      told.add(text)
    }
  }
  const again = outcomes
    .flatMap(
      (outcome) => (!outcome.ok && resumable.has(outcome.report.exitCode) ? [outcome.report.tag] : [])
      // An id that somebody gave is to be corrected, and not passed over for a new export.
    )
    .filter((tag) => options.exportId === undefined || tag !== "ExportNotFound")
  if (again.length > 0) yield* display.say(`  ${nextCommand(process.argv, again)}`)
  return { outcomes, redact }
}, Effect.scoped)

/** What ends like this goes on with the same command, once its cause is gone. */
const resumable: ReadonlySet<number> = new Set([
  ExitCode.rejected,
  ExitCode.temporary,
  ExitCode.noFiles,
  ExitCode.integrity,
  ExitCode.sink,
  ExitCode.timedOut,
  ExitCode.locked
])

/** What the API's rules forbid, in the words of the command line. */
export const validate = (requests: ReadonlyArray<ExportRequest>): Effect.Effect<void, InvalidRequest> =>
  Effect.forEach(requests, (request) => Effect.mapError(Exports.validate(request), inFlags), { discard: true })

/** Whether one and the same thing happened to all. */
const everyone = (outcomes: ReadonlyArray<Outcome>): boolean =>
  new Set(outcomes.map((outcome) => (outcome.ok ? outcome : outcome.report.message))).size === 1

/** One budget, one limiter, one set of connections for all types. */
const services = (
  { settings, target, version }: ExportOptions,
  credentials: Credentials.Credentials
): Layer.Layer<Exports.Exports | Transfer.Transfer | ObjectSink, ExportError> => {
  const concurrency = concurrencyOf(settings)
  const retries = settings.get("retries")
  const transfer = Transfer.layer({ concurrency, ...(retries === undefined ? {} : { retries }) })
  const exports = api({ settings, version }, credentials, retries)
  return Layer.mergeAll(exports, Layer.provide(transfer, NodeSource.layer()), TargetSink.layer(target)).pipe(
    Layer.provide(http(settings))
  )
}

/** The API for these credentials. */
export const api = (
  options: Pick<ExportOptions, "settings" | "version">,
  credentials: Credentials.Credentials,
  retries: number | undefined
) => Exports.layer(exportsOptions(options, credentials, retries))

/** Whom to ask, as whom, and how. */
export const exportsOptions = (
  { settings, version }: Pick<ExportOptions, "settings" | "version">,
  { accessToken, clientToken, platformAddress }: Credentials.Credentials,
  retries: number | undefined = settings.get("retries")
): Exports.ExportsOptions => {
  const languageCode = settings.get("language-code")
  const cultureCode = settings.get("culture-code")
  return {
    platformAddress,
    clientToken,
    accessToken,
    client: `Longshore ${version}`,
    ...(languageCode === undefined || cultureCode === undefined ? {} : { locale: { languageCode, cultureCode } }),
    ...(retries === undefined ? {} : { retries })
  }
}

/** The way to the API, and to files that come by no quicker one. */
export const http = (settings: Settings) => Network.client({ maxSockets: concurrencyOf(settings) + 4 })

export const concurrencyOf = (settings: Settings): number => settings.get("concurrency") ?? 8

interface Command {
  readonly options: ExportOptions
  readonly credentials: Credentials.Credentials
  /** The folder of the journals. */
  readonly state: string
  readonly context: RunContext.RunContext
  readonly note: Display.Display["note"]
}

const runOne = Effect.fnUntraced(function* (
  { context, credentials, note, options, state }: Command,
  request: ExportRequest
) {
  const { exportId, settings } = options
  const identity: RunIdentity.RunIdentity = {
    platformAddress: credentials.platformAddress,
    account: credentials.account,
    target: options.target.text,
    request,
    ...(exportId === undefined ? {} : { exportId })
  }
  const renewal = { fresh: options.fresh, maxAge: settings.get("max-age") }
  const { path, summary, torn, ...before } = yield* RunFile.current(state, identity, renewal)
  // A trace is remembered until the next one, also by commands that write none.
  const earlier = before.context?.traceparent
  const journal = yield* Layer.build(
    FileJournal.layer({
      path,
      identity: JSON.parse(RunIdentity.canonical(identity)),
      context: { ...(earlier === undefined ? {} : { traceparent: earlier }), ...context }
    })
  )
  yield* RunIndex.remember(path, context)
  if (torn) {
    yield* note(
      `${request.entityType}: a crash left the end of the journal ${path} unfinished; it goes on from before that`
    )
  }
  const found = summary === undefined ? undefined : resuming(options.target, summary)
  if (found !== undefined) yield* note(`${request.entityType}: ${found}`)
  const maxWait = settings.get("max-wait")
  const onBusy = settings.get("on-busy")
  const partSize = settings.get("part-size")
  const poll = settings.get("poll")
  const retries = settings.get("retries")
  const continues = Telemetry.parseTraceparent(earlier)
  return yield* ExportRun.run({
    request,
    ...(continues === undefined ? {} : { continues }),
    onExpired: settings.get("on-expired") ?? "fail",
    ...(partSize === undefined ? {} : { partSize }),
    ...(exportId === undefined ? {} : { exportId }),
    ...(onBusy === undefined ? {} : { onBusy }),
    ...(maxWait === undefined ? {} : { maxWait }),
    ...(poll === undefined ? {} : { poll }),
    ...(retries === undefined ? {} : { retries })
  }).pipe(
    Effect.provideService(Journal, Context.get(journal, Journal)),
    Effect.annotateSpans({ "longshore.run_id": Path.basename(path, ".jsonl"), "longshore.target": options.target.text })
  )
}, Effect.scoped)

/** What an earlier process left. A finished run of a folder speaks for itself at its end. */
const resuming = (target: Target, summary: RunSummary): string | undefined => {
  if (summary.stage === "complete") {
    return isDurable(target)
      ? undefined
      : `this run was finished at ${summary.completedUtc}; its export is given again; for a new one run the same command with --fresh, or with --max-age`
  }
  if (summary.exportId === undefined) return undefined
  const there =
    summary.files === undefined
      ? ""
      : `: ${summary.files.delivered} of ${Progress.files(summary.files.total)} delivered`
  return `going on with export ${summary.exportId}${there}`
}

const outcome = (
  entityType: string,
  exit: Exit.Exit<ExportRun.ExportRunResult, ExitCode.Failure> | Exit.Failure<unknown, ExitCode.Failure>
): Effect.Effect<Outcome> => {
  if (Exit.isSuccess(exit)) return Effect.succeed({ entityType, ok: true, result: exit.value })
  return Cause.hasInterruptsOnly(exit.cause)
    ? Effect.interrupt
    : Effect.succeed({ entityType, ok: false, report: Report.ofCause(exit.cause) })
}

/** The same words as on the command line. */
const inFlags = (error: InvalidRequest): InvalidRequest => {
  const flags: Record<string, string> = {
    "filters.updatedUtc": "--updated-from/--updated-to",
    "filters.ledgerEntryFilters.posting": "--posting-from/--posting-to",
    "filters.ledgerEntryFilters.posting.start": "--posting-from",
    "filters.ledgerEntryFilters.posting.end": "--posting-to",
    "scope.enterpriseIds": "--enterprise-id",
    "scope.chainIds": "--chain-id"
  }
  return new InvalidRequest({ parameter: flags[error.parameter] ?? error.parameter, problem: error.problem })
}

const done = (result: ExportRun.ExportRunResult): string => {
  const { completedUtc, earlier, entityType, exportId, location, manifest } = result
  const what = `${Progress.files(manifest.files.length)}, ${Progress.size(manifest.size)}`
  if (location === "stdout") return `${entityType}: done, ${what}, verified and given to stdout.`
  return earlier
    ? `${entityType}: export ${exportId} was finished at ${completedUtc}, and all of it is there (${what}). Nothing was fetched; for a new export run the same command with --fresh. ${location}`
    : `${entityType}: done, ${what}, verified. ${location}`
}

const stopped = (options: ExportOptions): string => {
  const command = resumeCommand(process.argv)
  return options.target._tag === "Stdout"
    ? `longshore: Stopped. A pipe cannot be resumed, the export can: it is given from its start by\n  ${command}`
    : `longshore: Stopped; what is done is kept. This command goes on with it:\n  ${command}`
}
