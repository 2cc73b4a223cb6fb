/** What journals tell about runs, as a table or as JSON. */
import type { JournalError } from "@longshore/core/ExportError"
import type { RunSummary } from "@longshore/core/RunSummary"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { StatusFlags } from "./commands/status.ts"
import type * as ExitCode from "./ExitCode.ts"
import { UsageError } from "./Problem.ts"
import * as Progress from "./Progress.ts"
import * as Redaction from "./Redaction.ts"
import * as Report from "./Report.ts"
import * as RunFile from "./RunFile.ts"
import * as StateLocation from "./StateLocation.ts"
import * as Target from "./Target.ts"

/** A journal that can be read, or why it cannot. */
type Entry = { readonly run: RunFile.Run } | { readonly path: string; readonly error: JournalError }

export const handle = Effect.fn("status")(function* (flags: StatusFlags) {
  const redact = Redaction.make()
  const entries = yield* find(flags).pipe(
    Effect.catchCause((cause) =>
      Effect.sync(() => {
        const report = Report.ofCause(cause)
        process.stderr.write(`${Report.paragraph(report, redact)}\n`)
        if (flags.json) print({ version: 1, ok: false, runs: [], error: report, exitCode: report.exitCode })
        process.exitCode = report.exitCode
        return undefined
      })
    )
  )
  if (entries === undefined) return
  const reports = entries.flatMap((entry) => ("error" in entry ? [Report.ofFailure(entry.error)] : []))
  for (const report of reports) process.stderr.write(`${Report.paragraph(report, redact)}\n`)
  const exitCode = reports[0]?.exitCode ?? 0
  process.exitCode = exitCode
  const runs = entries.flatMap((entry) => ("run" in entry ? [entry.run] : []))
  if (flags.json) return print({ version: 1, ok: exitCode === 0, runs: runs.map(toJson), exitCode })
  process.stdout.write(
    table(runs.map(toRow))
      .map((line) => `${redact(line)}\n`)
      .join("")
  )
})

const print = (value: unknown): void => void process.stdout.write(`${Redaction.make()(JSON.stringify(value))}\n`)

const runId = /^[A-Za-z0-9]+-[0-9a-f]{16}(\.\d+)?$/

const find = Effect.fnUntraced(function* (
  flags: StatusFlags
): Effect.fn.Return<ReadonlyArray<Entry>, ExitCode.Failure> {
  const { subject } = flags
  const byId = runId.test(subject)
  const target = byId ? undefined : yield* Target.parse(subject)
  const state = yield* StateLocation.resolve(Option.getOrUndefined(flags.state), target)
  const files = yield* RunFile.list(state)
  const wanted = byId
    ? files.filter((file) => file.stem === subject || `${file.stem}.${file.number}` === subject)
    : files
  const entries = yield* Effect.forEach(wanted, ({ path }) =>
    RunFile.read(path).pipe(
      Effect.map((run): Entry => ({ run })),
      Effect.catch((error) => Effect.succeed<Entry>({ path, error }))
    )
  )
  // A folder for journals may hold those of other targets.
  const found = entries.filter(
    (entry) => !("run" in entry) || target === undefined || Target.isNamed(target, entry.run.identity.target)
  )
  if (found.length > 0) return found
  return yield* new UsageError({
    problem: `There is no journal of ${byId ? `a run ${subject}` : `runs into ${subject}`} in ${state}.`,
    nextStep: byId
      ? "Name the folder of its journal with --state; for a run into a folder that is FOLDER/.longshore."
      : "Check the target; if the runs were given --state, give it here, too."
  })
})

const toJson = ({ createdUtc, id, identity, path, summary, updatedUtc }: RunFile.Run) => ({
  id,
  journal: path,
  entityType: identity.request.entityType,
  target: identity.target,
  platformAddress: identity.platformAddress,
  account: identity.account,
  request: JSON.parse(JSON.stringify(identity.request)),
  createdUtc,
  updatedUtc,
  ...summary
})

/** What went into a pipe is not remembered file by file; the run's end is. */
const delivered = (summary: RunSummary, of: "files" | "bytes"): number =>
  (summary.stage === "complete" ? summary[of]?.total : summary[of]?.delivered) ?? 0

const toRow = ({ id, summary, updatedUtc }: RunFile.Run): ReadonlyArray<string> => [
  id,
  summary.answerLost ? `${summary.stage} (an answer was lost)` : summary.stage,
  summary.exportId ?? "-",
  summary.files === undefined ? "-" : `${delivered(summary, "files")}/${summary.files.total}`,
  summary.bytes === undefined
    ? "-"
    : `${Progress.size(delivered(summary, "bytes"))} of ${Progress.size(summary.bytes.total)}`,
  summary.completedUtc ?? updatedUtc
]

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const all = [["RUN", "STAGE", "EXPORT", "FILES", "DELIVERED", "LAST STEP"], ...rows]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? []
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()
  )
}
