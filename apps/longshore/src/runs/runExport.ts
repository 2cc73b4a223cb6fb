/** The work behind `longshore export`: composes the services, runs every type, says how it ended. */
import * as Crc32 from "@longshore/core/Crc32"
import type { ExportId, ExportRequest } from "@longshore/core/Export"
import { type ExportError, InvalidRequest, type SinkError } from "@longshore/core/ExportError"
import { ExportEvents } from "@longshore/core/ExportEvent"
import * as ExportRun from "@longshore/core/ExportRun"
import * as Exports from "@longshore/core/Exports"
import { Journal } from "@longshore/core/Journal"
import type { ObjectSink } from "@longshore/core/ObjectSink"
import * as RunIdentity from "@longshore/core/RunIdentity"
import type { RunSummary } from "@longshore/core/RunSummary"
import * as Transfer from "@longshore/core/Transfer"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import * as FsSink from "@longshore/sink-fs/FsSink"
import * as StdoutSink from "@longshore/sink-stdout/StdoutSink"
import * as NodeSource from "@longshore/source-node/NodeSource"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { crc32 } from "node:zlib"
import * as Display from "../output/Display.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as LogFile from "../output/LogFile.ts"
import { ConfigError, UsageError } from "../output/Problem.ts"
import * as Progress from "../output/Progress.ts"
import * as Redaction from "../output/Redaction.ts"
import * as Report from "../output/Report.ts"
import { resumeCommand } from "./resumeCommand.ts"
import * as RunContext from "./RunContext.ts"
import * as RunFile from "./RunFile.ts"
import * as RunIndex from "./RunIndex.ts"
import * as StateLocation from "./StateLocation.ts"
import * as Credentials from "../settings/Credentials.ts"
import type { Settings } from "../settings/Settings.ts"
import { isDurable, type Target } from "./Target.ts"

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
export const runExport = Effect.fn("runExport")(function* (options: ExportOptions) {
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
    for (const request of options.requests) yield* Effect.mapError(Exports.validate(request), inFlags)
    const found = yield* Effect.exit(Credentials.load(settings))
    const path = settings.get("log-file")
    if (Exit.isSuccess(found)) {
      const { accessToken, clientToken } = found.value
      redact = Redaction.make([Redacted.value(clientToken), Redacted.value(accessToken)])
      yield* refuseTokens(found.value, { "--log-file": path ?? "" })
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
    yield* refuseTokens(credentials, {
      "--account": credentials.account,
      "--platform-address": credentials.platformAddress,
      "--to": target.text,
      "--state": state
    })
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
      Effect.provideService(ExportEvents, display.listen)
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
      const text = Report.paragraph(outcome.report, redact, everyone(outcomes) ? undefined : outcome.entityType)
      if (!told.has(text)) yield* display.say(text)
      told.add(text)
    }
  }
  return { outcomes, redact }
}, Effect.scoped)

/** What a run is known by stands in its journal, and is shown: none of it may be a token. */
const refuseTokens = Effect.fnUntraced(function* (
  credentials: Credentials.Credentials,
  named: Readonly<Record<string, string>>
): Effect.fn.Return<void, UsageError> {
  const tokens = [Redacted.value(credentials.clientToken), Redacted.value(credentials.accessToken)]
  for (const [flag, value] of Object.entries(named)) {
    if (!tokens.some((token) => value.includes(token))) continue
    return yield* new UsageError({
      problem: `${flag}, or the variable in its place, holds a token.`,
      nextStep: "Put tokens into LONGSHORE_CLIENT_TOKEN and LONGSHORE_ACCESS_TOKEN, or into files, and nowhere else."
    })
  }
})

/** Whether one and the same thing happened to all. */
const everyone = (outcomes: ReadonlyArray<Outcome>): boolean =>
  new Set(outcomes.map((outcome) => (outcome.ok ? outcome : outcome.report.message))).size === 1

/** One budget, one limiter, one set of connections for all types. */
const services = (
  { settings, target, version }: ExportOptions,
  credentials: Credentials.Credentials
): Layer.Layer<Exports.Exports | Transfer.Transfer | ObjectSink, ExportError> => {
  const concurrency = settings.get("concurrency") ?? 8
  const retries = settings.get("retries")
  const languageCode = settings.get("language-code")
  const cultureCode = settings.get("culture-code")
  const http = NodeHttpClient.layerNodeHttpOptions({
    keepAlive: true,
    maxSockets: concurrency + 4,
    proxyEnv: process.env
  })
  const sink = sinkOf(target)
  const transfer = Transfer.layer({ concurrency, ...(retries === undefined ? {} : { retries }) })
  const exports = Exports.layer({
    platformAddress: credentials.platformAddress,
    clientToken: credentials.clientToken,
    accessToken: credentials.accessToken,
    client: `Longshore ${version}`,
    ...(languageCode === undefined || cultureCode === undefined ? {} : { locale: { languageCode, cultureCode } }),
    ...(retries === undefined ? {} : { retries })
  })
  return Layer.mergeAll(exports, transfer).pipe(
    Layer.provide(NodeSource.layer()),
    Layer.provideMerge(sink),
    Layer.provide(http),
    Layer.provide(Layer.succeed(Crc32.Crc32, (bytes, seed) => crc32(bytes, seed)))
  )
}

const sinkOf = (target: Target): Layer.Layer<ObjectSink, SinkError> => {
  switch (target._tag) {
    case "Folder":
      return FsSink.layer({ directory: target.directory })
    case "Stdout":
      return StdoutSink.layer
    case "S3":
      // Larger than all the rest together, and only some need it.
      return Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("@longshore/sink-s3/S3Sink")),
          (S3Sink) => S3Sink.layer(target)
        )
      )
  }
}

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
  const { path, summary, torn } = yield* RunFile.current(state, identity, renewal)
  const journal = yield* Layer.build(
    FileJournal.layer({ path, identity: JSON.parse(RunIdentity.canonical(identity)), context: { ...context } })
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
  return yield* ExportRun.run({
    request,
    onExpired: settings.get("on-expired") ?? "fail",
    ...(partSize === undefined ? {} : { partSize }),
    ...(exportId === undefined ? {} : { exportId }),
    ...(onBusy === undefined ? {} : { onBusy }),
    ...(maxWait === undefined ? {} : { maxWait }),
    ...(poll === undefined ? {} : { poll }),
    ...(retries === undefined ? {} : { retries })
  }).pipe(Effect.provideService(Journal, Context.get(journal, Journal)))
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
