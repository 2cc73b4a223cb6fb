/** From the flags of `longshore export` to an exit code. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ExportFlags } from "../commands/export.ts"
import * as Answer from "../output/Answer.ts"
import * as EventLog from "../output/EventLog.ts"
import * as ExitCode from "../output/ExitCode.ts"
import { type ConfigError, UsageError } from "../output/Problem.ts"
import * as Redaction from "../output/Redaction.ts"
import * as Report from "../output/Report.ts"
import { exportId, exportRequests } from "../runs/exportRequests.ts"
import { type ExportOptions, type Outcome, runExport } from "../runs/runExport.ts"
import * as Target from "../runs/Target.ts"
import * as Settings from "../settings/Settings.ts"
import * as Telemetry from "../telemetry/Telemetry.ts"
import { version } from "../version.ts"

/** How one run ended. */
const Run = Schema.Union([
  Schema.Struct({
    entityType: Schema.String,
    ok: Schema.Literal(true),
    exportId: Schema.String,
    location: Schema.String.annotate({ description: "Where the manifest is" }),
    files: Schema.Array(
      Schema.Struct({
        key: Schema.String.annotate({ description: "Relative to the target" }),
        size: Schema.Finite.annotate({ description: "Bytes" }),
        location: Schema.String,
        crc32: Schema.String.annotate({ description: "Eight hexadecimal digits" })
      })
    ),
    bytes: Schema.Finite.annotate({ description: "Of all files" }),
    completedUtc: Schema.String.annotate({ description: "ISO 8601" }),
    earlier: Schema.Boolean.annotate({ description: "Whether it was finished before this command" })
  }),
  Schema.Struct({ entityType: Schema.String, ok: Schema.Literal(false), error: Report.Report })
])

/** What `export --json` and `resume --json` print: one of `runs` for each entity type. */
export const ExportJson = Answer.json({ runs: Schema.optionalKey(Schema.Array(Run)) })

export const handle = Effect.fn("export")(function* (flags: ExportFlags) {
  const checked = yield* Effect.exit(check(flags))
  yield* Exit.isSuccess(checked)
    ? deliver(checked.value, flags.json)
    : refuse(flags.entityTypes, checked.cause, flags.json && Option.getOrUndefined(flags.to) !== "-")
}, Telemetry.command("export"))

/** Runs it, and says how it ended. */
export const deliver = Effect.fnUntraced(function* (options: ExportOptions, json: boolean) {
  const { requests, settings, target } = options
  const checked = yield* Effect.exit(EventLog.check(settings.get("events"), { data: target._tag === "Stdout", json }))
  if (Exit.isFailure(checked)) {
    const entityTypes = requests.map(({ entityType }) => entityType)
    return yield* refuse(entityTypes, checked.cause, json)
  }
  const { outcomes, redact } = yield* runExport(options)
  end(outcomes, redact, json)
})

const end = (
  outcomes: ReadonlyArray<Outcome>,
  redact: Redaction.Redaction,
  json: boolean,
  error?: Report.Report
): void => {
  const exitCode =
    error?.exitCode ?? ExitCode.ofAll(outcomes.map((outcome) => (outcome.ok ? ExitCode.ok : outcome.report.exitCode)))
  if (json) {
    const object: typeof ExportJson.Type = {
      version: 1,
      ok: exitCode === ExitCode.ok,
      runs: outcomes.map(toJson),
      ...(error === undefined ? {} : { error }),
      exitCode
    }
    process.stdout.write(`${Redaction.stringify(redact)(object)}\n`)
  }
  process.exitCode = exitCode
}

/** What keeps all runs from starting is how each of them ended. */
export const refuse = (
  entityTypes: ReadonlyArray<string>,
  cause: Cause.Cause<ExitCode.Failure>,
  json: boolean
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const redact = Redaction.make()
    const report = Report.ofCause(cause)
    yield* Telemetry.logReport(report)
    process.stderr.write(`${Report.paragraph(report, redact)}\n`)
    end(
      entityTypes.map((entityType) => ({ entityType, ok: false, report })),
      redact,
      json,
      report
    )
  })

const toJson = (outcome: Outcome): typeof Run.Type => {
  const { entityType } = outcome
  if (!outcome.ok) return { entityType, ok: false, error: outcome.report }
  const { completedUtc, earlier, exportId, files, location } = outcome.result
  return { entityType, ok: true, exportId, location, files, bytes: outcome.result.manifest.size, completedUtc, earlier }
}

const wrong = (problem: string, nextStep: string) => Effect.fail(new UsageError({ problem, nextStep }))

/** What the flags mean, or what is wrong with them. */
export const check = Effect.fnUntraced(function* (
  flags: ExportFlags
): Effect.fn.Return<ExportOptions, UsageError | ConfigError> {
  const settings = yield* Settings.load({ given: flags, config: Option.getOrUndefined(flags.config) })
  const target = yield* Target.ofSettings(settings)
  const requests = yield* exportRequests(flags)
  if (target._tag === "Stdout") {
    if (requests.length > 1) {
      return yield* wrong("--to - takes one entity type: a pipe cannot tell two apart.", "Run one command for each.")
    }
    if (flags.json) {
      return yield* wrong("--json and --to - both need stdout.", "Leave --json out, or name a folder.")
    }
  }
  if ((settings.get("language-code") === undefined) !== (settings.get("culture-code") === undefined)) {
    return yield* wrong("--language-code and --culture-code go together.", "Give both or none.")
  }
  return {
    requests,
    target,
    exportId: yield* exportId(flags.exportId, requests),
    fresh: flags.fresh,
    settings,
    quiet: flags.quiet,
    verbose: flags.verbose,
    version
  }
})
