/** From the flags of `longshore export` to an exit code. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { ExportFlags } from "./commands/export.ts"
import * as ExitCode from "./ExitCode.ts"
import { exportId, exportRequests } from "./exportRequests.ts"
import { UsageError } from "./Problem.ts"
import * as Redaction from "./Redaction.ts"
import * as Report from "./Report.ts"
import { type ExportOptions, type Outcome, runExport } from "./runExport.ts"
import * as Target from "./Target.ts"
import { version } from "./version.ts"

export const handle = Effect.fn("export")(function* (flags: ExportFlags) {
  const checked = yield* Effect.exit(check(flags))
  const { outcomes, redact } = Exit.isSuccess(checked)
    ? yield* runExport(checked.value)
    : yield* refuse(flags.entityTypes, checked.cause)
  const exitCode = ExitCode.ofAll(outcomes.map((outcome) => (outcome.ok ? ExitCode.ok : outcome.report.exitCode)))
  // With `--to -` stdout is for data alone.
  if (flags.json && flags.to !== "-") {
    const text = JSON.stringify({ version: 1, ok: exitCode === ExitCode.ok, runs: outcomes.map(toJson), exitCode })
    process.stdout.write(`${redact(text)}\n`)
  }
  process.exitCode = exitCode
})

const refuse = (entityTypes: ReadonlyArray<string>, cause: Cause.Cause<UsageError>) =>
  Effect.sync(() => {
    const redact = Redaction.make()
    const report = Report.ofCause(cause)
    process.stderr.write(`${Report.paragraph(report, redact)}\n`)
    return { outcomes: entityTypes.map((entityType): Outcome => ({ entityType, ok: false, report })), redact }
  })

const toJson = (outcome: Outcome) => {
  const { entityType, ok } = outcome
  if (!outcome.ok) return { entityType, ok, error: outcome.report }
  const { completedUtc, earlier, exportId, files, location } = outcome.result
  const bytes = outcome.result.manifest.size
  return { entityType, ok, exportId, location, files, bytes, completedUtc, earlier }
}

const wrong = (problem: string, nextStep: string) => Effect.fail(new UsageError({ problem, nextStep }))

const check = Effect.fnUntraced(function* (flags: ExportFlags): Effect.fn.Return<ExportOptions, UsageError> {
  const target = yield* Target.parse(flags.to, {
    endpoint: Option.getOrUndefined(flags.endpoint),
    region: Option.getOrUndefined(flags.region),
    profile: Option.getOrUndefined(flags.profile)
  })
  const requests = yield* exportRequests({
    entityTypes: flags.entityTypes,
    updatedFrom: Option.getOrUndefined(flags.updatedFrom),
    updatedTo: Option.getOrUndefined(flags.updatedTo),
    postingFrom: Option.getOrUndefined(flags.postingFrom),
    postingTo: Option.getOrUndefined(flags.postingTo),
    enterpriseIds: flags.enterpriseIds,
    chainIds: flags.chainIds
  })
  if (target._tag === "Stdout") {
    if (requests.length > 1) {
      return yield* wrong("--to - takes one entity type: a pipe cannot tell two apart.", "Run one command for each.")
    }
    if (flags.json) {
      return yield* wrong("--json and --to - both need stdout.", "Leave --json out, or name a folder.")
    }
  }
  const languageCode = Option.getOrUndefined(flags.languageCode)
  const cultureCode = Option.getOrUndefined(flags.cultureCode)
  if ((languageCode === undefined) !== (cultureCode === undefined)) {
    return yield* wrong("--language-code and --culture-code go together.", "Give both or none.")
  }
  return {
    requests,
    target,
    exportId: yield* exportId(Option.getOrUndefined(flags.exportId), requests),
    fresh: flags.fresh,
    maxAge: Option.getOrUndefined(flags.maxAge),
    onBusy: Option.getOrUndefined(flags.onBusy),
    onExpired: flags.onExpired,
    poll: Option.getOrUndefined(flags.poll),
    maxWait: Option.getOrUndefined(flags.maxWait),
    concurrency: flags.concurrency,
    partSize: flags.partSize,
    retries: Option.getOrUndefined(flags.retries),
    state: Option.getOrUndefined(flags.state),
    account: Option.getOrUndefined(flags.account),
    platformAddress: Option.getOrUndefined(flags.platformAddress),
    clientTokenFile: Option.getOrUndefined(flags.clientTokenFile),
    accessTokenFile: Option.getOrUndefined(flags.accessTokenFile),
    locale: languageCode === undefined || cultureCode === undefined ? undefined : { languageCode, cultureCode },
    quiet: flags.quiet,
    version
  }
})
