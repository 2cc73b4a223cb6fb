/** What `export` would do about one entity type, from what is known: its journal, the API's word, what the target holds. */
import type { Export, ExportId, ExportRequest } from "@longshore/core/Export"
import type { ExportNotFound, RequestRejected } from "@longshore/core/ExportError"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import * as ExitCode from "../output/ExitCode.ts"
import * as Progress from "../output/Progress.ts"
import type * as RunFile from "./RunFile.ts"

/** What the API says about exports, or why it does not know one. `undefined`: it was not asked, or gave no answer. */
export type Looked = ReadonlyMap<ExportId, Export | ExportNotFound | RequestRejected> | undefined

const exportOf = (looked: Looked, id: ExportId): Export | undefined => {
  const found = looked?.get(id)
  return found === undefined || "_tag" in found ? undefined : found
}

/** What is known about one entity type. */
export interface Known {
  readonly request: ExportRequest
  /** The run that `export` would go on with. */
  readonly run: RunFile.Run | undefined
  /** Who works on it now. */
  readonly holder: { readonly pid: number; readonly host: string } | undefined
  /** `--export-id` */
  readonly adopted: ExportId | undefined
  readonly looked: Looked
  /** Bytes of parts of the run's export that are stored, and not yet a file. */
  readonly stored: number
  readonly renews: boolean
  readonly keeps: boolean
  readonly millis: number
}

export const Outlook = Schema.Struct({
  /**
   * - `ask` for a new export, `adopt` one that exists, `resume` a run, `renew` its export that is over, `repeat` a finished
   *   one into a pipe, do `nothing`; or `fail` with that exit code.
   */
  action: Schema.Literals(["ask", "adopt", "resume", "renew", "repeat", "nothing", "fail"]),
  /** The same in words. */
  would: Schema.String,
  exitCode: Schema.optionalKey(Schema.Int),
  exportId: Schema.optionalKey(Schema.String),
  /** The API's word for its state. */
  status: Schema.optionalKey(Schema.String),
  files: Schema.optionalKey(Schema.Struct({ total: Schema.Finite, delivered: Schema.Finite })),
  /** `stored`: of parts. `missing`: what is to be fetched. */
  bytes: Schema.optionalKey(
    Schema.Struct({
      total: Schema.Finite,
      delivered: Schema.Finite,
      stored: Schema.Finite,
      missing: Schema.Finite
    })
  )
})

export type Outlook = typeof Outlook.Type

export const outlook = (known: Known): Outlook => {
  const { adopted, holder, looked, run } = known
  if (holder !== undefined) {
    const would = `be refused with exit code ${ExitCode.locked}: process ${holder.pid} on ${holder.host} works on this run now`
    return { action: "fail", exitCode: ExitCode.locked, would, ...sizes(known) }
  }
  const exportId = run?.summary.exportId
  if (run === undefined || exportId === undefined) {
    if (adopted === undefined || (run?.exports.length ?? 0) > 0) {
      const lost = run?.summary.answerLost === true
      const hint = "; an earlier answer was lost, so it waits for the slot if that is taken"
      return { action: "ask", would: `ask for a new export${lost ? hint : ""}` }
    }
    const over = problemOf(adopted, known, undefined)
    const status = statusOf(looked, adopted)
    if (over !== undefined) return { ...end(known, over), exportId: adopted, ...status }
    return { action: "adopt", would: `take up export ${adopted}`, exportId: adopted, ...status, ...sizes(known) }
  }
  const base = { exportId, ...statusOf(looked, exportId), ...sizes(known) }
  const { completedUtc, stage } = run.summary
  if (stage === "complete" && known.keeps) {
    const would = `fetch nothing: export ${exportId} is complete since ${completedUtc}; a file that is no longer what was delivered is fetched again`
    return { action: "nothing", would, ...base }
  }
  const { bytes } = base
  // With all files in place nobody needs the export any more.
  const over = stage === "publishing" ? undefined : problemOf(exportId, known, run)
  if (over !== undefined) return { ...end(known, over), ...base }
  if (stage === "complete") return { action: "repeat", would: `give export ${exportId} again, from its start`, ...base }
  return { action: "resume", would: `go on with export ${exportId}${rest(bytes, known.keeps)}`, ...base }
}

const rest = (bytes: Outlook["bytes"], keeps: boolean): string => {
  if (bytes === undefined) return ", which is not ready yet"
  if (!keeps) return ` and give ${Progress.size(bytes.total)}, from its start`
  const { delivered, missing, stored, total } = bytes
  const fetched = ` and fetch ${Progress.size(missing)} of ${Progress.size(total)}`
  const there = [
    ...(delivered > 0 ? [`${Progress.size(delivered)} in files`] : []),
    ...(stored > 0 ? [`${Progress.size(stored)} in parts`] : [])
  ]
  return there.length === 0 ? fetched : `${fetched}; ${there.join(" and ")} are there`
}

interface Problem {
  readonly words: string
  readonly exitCode: number
}

/** Why an export cannot be fetched, if that is known. */
const problemOf = (id: ExportId, { looked, millis }: Known, run: RunFile.Run | undefined): Problem | undefined => {
  const answer = looked?.get(id)
  const over = (words: string): Problem => ({ words, exitCode: ExitCode.noFiles })
  if (answer !== undefined && "_tag" in answer) {
    return { words: answer.message.replace(/\.$/, ""), exitCode: ExitCode.of(answer) }
  }
  if (answer?.status === "Failed") return over(`export ${id} failed at Mews`)
  if (answer?.status === "Expired") return over(`the files of export ${id} are gone`)
  const expiresUtc = run?.exports.find(({ exportId }) => exportId === id)?.expiresUtc
  return expiresUtc !== undefined && Date.parse(expiresUtc) <= millis && answer?.status !== "Success"
    ? over(`export ${id} expired at ${expiresUtc}`)
    : undefined
}

/** Only what is over is renewed. */
const end = ({ renews }: Known, { exitCode, words }: Problem): Pick<Outlook, "action" | "would" | "exitCode"> => {
  const isOver = exitCode === ExitCode.noFiles
  if (renews && isOver) return { action: "renew", would: `ask for another export: ${words}` }
  const hint = isOver ? "; --on-expired renew asks for another" : ""
  return { action: "fail", exitCode, would: `fail with exit code ${exitCode}: ${words}${hint}` }
}

const statusOf = (looked: Looked, id: ExportId): Pick<Outlook, "status"> => {
  const status = exportOf(looked, id)?.status
  return status === undefined ? {} : { status }
}

/** By the journal, else by the API. */
const sizes = ({ adopted, keeps, looked, run, stored }: Known): Pick<Outlook, "files" | "bytes"> => {
  const { bytes, exportId = adopted, files } = run?.summary ?? {}
  const found = exportId === undefined ? undefined : exportOf(looked, exportId)
  if (bytes !== undefined && files !== undefined) {
    const held = keeps ? Math.min(stored, bytes.total - bytes.delivered) : 0
    return { files, bytes: { ...bytes, stored: held, missing: bytes.total - bytes.delivered - held } }
  }
  if (found?.status !== "Success") return {}
  const total = found.files.reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0)
  return {
    files: { total: found.files.length, delivered: 0 },
    bytes: { total, delivered: 0, stored: 0, missing: total }
  }
}

/** A request as a person would say it. */
export const inWords = ({ entityType, filters, scope }: ExportRequest): string => {
  const window = filters?.updatedUtc
  const posting = filters?.ledgerEntryFilters?.posting
  const ids = (what: string, ids: ReadonlyArray<string> | undefined) =>
    ids === undefined ? [] : [`of ${ids.length === 1 ? what : `${ids.length} ${what}s:`} ${ids.join(", ")}`]
  return [
    entityType,
    ...(window === undefined
      ? []
      : [`updated from ${DateTime.formatIso(window.startUtc)} up to ${DateTime.formatIso(window.endUtc)}`]),
    ...(posting === undefined ? [] : [`posted from ${posting.start} to ${posting.end}`]),
    ...ids("enterprise", scope?.enterpriseIds),
    ...ids("chain", scope?.chainIds),
    ...(window === undefined && posting === undefined && scope === undefined ? ["all that the token sees"] : [])
  ].join(", ")
}

/** Whether another export of the type can be asked for. The API has no list, so that it can is never known. */
export const Slot = Schema.Struct({
  state: Schema.Literals(["taken", "perhaps", "unknown"]),
  /** Accepted and not finished, as journals here have it. */
  exports: Schema.Array(
    Schema.Struct({ exportId: Schema.String, run: Schema.String, status: Schema.optionalKey(Schema.String) })
  )
})

export type Slot = typeof Slot.Type

/** Runs whose export was accepted for this request's type, and is not ready by their journals. */
export const waiting = (
  runs: ReadonlyArray<RunFile.Run>,
  { account, entityType, platformAddress }: { account: string | undefined; entityType: string; platformAddress: string }
): ReadonlyArray<RunFile.Run> =>
  runs.filter(
    ({ identity, summary }) =>
      identity.request.entityType === entityType &&
      identity.platformAddress === platformAddress &&
      identity.account === account &&
      (summary.stage === "waiting" || summary.answerLost)
  )

export const slot = (waiting: ReadonlyArray<RunFile.Run>, looked: Looked): Slot => {
  const exports = waiting.flatMap(({ id, summary: { exportId } }) =>
    exportId === undefined ? [] : [{ exportId, run: id, ...statusOf(looked, exportId) }]
  )
  const isRunning = ({ status }: { readonly status?: string }) => status === "Pending" || status === "Processing"
  const isDoubtful = waiting.some(({ summary }) => summary.answerLost) || (looked === undefined && exports.length > 0)
  return { state: exports.some(isRunning) ? "taken" : isDoubtful ? "perhaps" : "unknown", exports }
}
