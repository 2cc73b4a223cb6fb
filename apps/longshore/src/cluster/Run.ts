/** A run of a cluster, for people and for `--json`. */
import { RunStatus } from "@longshore/workflow/RunStatus"
import * as Schema from "effect/Schema"
import * as Answer from "../output/Answer.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Progress from "../output/Progress.ts"
import type * as Report from "../output/Report.ts"

/** A run in `--json`: what the HTTP front answers. */
export const Json = RunStatus

export const toJson = Schema.encodeSync(RunStatus)

/** What `status`, `list`, `resume` and `cancel` print with `--json`. */
export const RunsJson = Answer.json({ runs: Schema.optionalKey(Schema.Array(Json)) })

export const isOver = ({ state }: RunStatus): boolean => state !== "running"

/** `transferring: 3/10 files, 1.2 GB of 4.0 GB (30 %)` */
export const progress = (run: RunStatus): string => {
  const { bytes, files, stage } = run
  if (bytes === undefined || files === undefined) return stage
  return `${stage}: ${files.delivered}/${files.total} files, ${share(bytes)}`
}

/** Of a run that came to its end or may be resumed: what, and what to do. */
export const reportOf = (run: RunStatus): Report.Report => {
  const { failure, state } = run
  const tag = tagOf(run)
  const next = failure?.nextStep ?? "What is delivered is kept."
  return {
    tag,
    message: failure?.message ?? `The run ${state === "cancelled" ? "was cancelled" : "ended unexpectedly"}.`,
    nextStep: isGone(run) ? `${resume(run)} asks for another export.` : `${next} The run goes on with ${resume(run)}.`,
    exitCode: ExitCode.ofTag(tag)
  }
}

const tagOf = ({ failure, state }: RunStatus): string =>
  failure?.error ?? (state === "cancelled" ? "RunCancelled" : "RunDied")

/** Its export is: as it is, the run would find the same again. */
const isGone = (run: RunStatus): boolean => ExitCode.ofTag(tagOf(run)) === ExitCode.noFiles

const resume = (run: RunStatus): string =>
  `longshore cluster resume ${run.id}${isGone(run) ? " --on-expired renew" : ""}`

/** One line: which run it is, and what to do next. */
export const line = (run: RunStatus): string => {
  const { bytes, files, id, state, task } = run
  const name = `${task.request.entityType}: ${id}`
  switch (state) {
    case "running":
      return `${name} is running, ${progress(run)}. Next: longshore cluster status ${id}`
    case "complete": {
      const amount =
        files === undefined || bytes === undefined
          ? ""
          : `: ${Progress.files(files.total)}, ${Progress.size(bytes.total)}`
      return `${name} is complete${amount} in ${task.target}`
    }
    default:
      return `${name} ${state === "failed" ? "failed" : "was cancelled"}. Next: ${resume(run)}`
  }
}

export const table = (runs: ReadonlyArray<RunStatus>): string =>
  Answer.table(
    ["RUN", "STATE", "ACCOUNT", "TYPE", "FILES", "DELIVERED", "SUBMITTED"],
    runs.map((run) => [
      run.id,
      stateOf(run),
      run.task.account,
      run.task.request.entityType,
      run.files === undefined ? "-" : `${run.files.delivered}/${run.files.total}`,
      run.bytes === undefined ? "-" : share(run.bytes),
      time(run.submittedUtc)
    ])
  )

/** All that a person needs of one. */
export const detail = (run: RunStatus, now: number): string => {
  const { bytes, endedUtc, exportId, failure, files, id, submittedUtc, task } = run
  const ago = (utc: string) => `${time(utc)} (${Progress.duration(now - Date.parse(utc))} ago)`
  const rows: ReadonlyArray<readonly [string, string | undefined]> = [
    ["state", stateOf(run)],
    ["account", task.account],
    ["type", task.request.entityType],
    ["export", exportId],
    ["target", task.target],
    ["files", files === undefined ? undefined : `${files.delivered} of ${files.total}`],
    ["bytes", bytes === undefined ? undefined : share(bytes)],
    ["occasion", task.occasion],
    ["submitted", ago(submittedUtc)],
    ["ended", endedUtc === undefined ? undefined : ago(endedUtc)],
    ["failure", failure === undefined ? undefined : `${failure.error}: ${failure.message}`],
    ["next", failure === undefined ? undefined : reportOf(run).nextStep]
  ]
  return Answer.table(
    ["RUN", id],
    rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  )
}

const stateOf = ({ stage, state }: RunStatus): string => (state === "complete" ? state : `${state}, ${stage}`)

/** What is stored of files that are not published counts as well: it is not fetched again. */
const share = ({ delivered, stored = 0, total }: NonNullable<RunStatus["bytes"]>): string => {
  const there = Math.min(total, delivered + stored)
  const percent = total === 0 ? 100 : Math.floor((there / total) * 100)
  return `${Progress.size(there)} of ${Progress.size(total)} (${percent} %)`
}

/** To the second. */
const time = (utc: string): string => utc.replace(/\.\d+Z$/, "Z")
