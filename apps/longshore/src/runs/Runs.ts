/** Runs that were started before, found by their journals. */
import type { JournalError } from "@longshore/core/ExportError"
import type { RunSummary } from "@longshore/core/RunSummary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Path from "node:path"
import * as Answer from "../output/Answer.ts"
import type * as ExitCode from "../output/ExitCode.ts"
import { UsageError } from "../output/Problem.ts"
import * as Progress from "../output/Progress.ts"
import type { Settings } from "../settings/Settings.ts"
import * as RunFile from "./RunFile.ts"
import * as RunIndex from "./RunIndex.ts"
import * as StateLocation from "./StateLocation.ts"
import * as Target from "./Target.ts"

/** A journal that can be read, or why it cannot. */
export type Entry = { readonly run: RunFile.Run } | { readonly path: string; readonly error: JournalError }

const runId = /^[A-Za-z0-9]+-[0-9a-f]{16}(\.\d+)?$/

/** Whether this is a run's id, with its number or without. */
export const isId = (text: string): boolean => runId.test(text)

const read = (path: string): Effect.Effect<Entry> =>
  RunFile.read(path).pipe(
    Effect.map((run): Entry => ({ run })),
    Effect.catch((error) => Effect.succeed<Entry>({ path, error }))
  )

/** The runs of this user, by the index, the latest first. */
export const all: Effect.Effect<ReadonlyArray<Entry>> = Effect.flatMap(RunIndex.list, (entries) =>
  Effect.forEach(entries, ({ journal }) => read(journal), { concurrency: 8 })
)

/** The runs that one command started, the last one. */
export const last: Effect.Effect<ReadonlyArray<Entry>> = Effect.flatMap(RunIndex.list, (entries) =>
  Effect.forEach(
    entries.filter(({ invocation }) => invocation === entries[0]?.invocation),
    ({ journal }) => read(journal)
  )
)

/** The runs into a target, or the one of an id (all of its numbers, if the id has none). */
export const find = Effect.fn("Runs.find")(function* (
  settings: Settings,
  subject: string
): Effect.fn.Return<ReadonlyArray<Entry>, ExitCode.Failure> {
  const byId = isId(subject)
  const target = byId ? undefined : yield* Target.ofSettings(settings, subject)
  const state = yield* StateLocation.resolve(settings.get("state"), target)
  const isWanted = ({ number, stem }: RunFile.Found) => stem === subject || `${stem}.${number}` === subject
  const here = yield* RunFile.list(state)
  // By its id a run is found wherever its journal is.
  const paths = byId
    ? [...here, ...(yield* RunIndex.list).flatMap(({ journal }) => RunFile.parse(journal) ?? [])].filter(isWanted)
    : here
  const entries = yield* Effect.forEach([...new Set(paths.map(({ path }) => path))], read)
  // A folder for journals may hold those of other targets.
  const found = entries.filter(
    (entry) => !("run" in entry) || target === undefined || Target.isNamed(target, entry.run.identity.target)
  )
  if (found.length > 0) return found
  return yield* new UsageError({
    problem: `There is no journal of ${byId ? `a run ${subject}` : `runs into ${subject}`} in ${state}.`,
    nextStep: byId
      ? "See longshore list; or name the folder of its journal with --state (for a run into a folder that is FOLDER/.longshore)."
      : "Check the target; if the runs were given --state, give it here, too."
  })
})

/** The last runs of this user into a target or a place above it, as far as their journals can be read. */
export const covering = Effect.fn("Runs.covering")(function* (
  target: Target.Target
): Effect.fn.Return<ReadonlyArray<RunFile.Run>> {
  const { endpoint, to: place } = Target.spoken(target.text)
  const folders =
    target._tag === "Folder" ? ["", "..", "../.."].map((up) => Path.join(target.directory, up, ".longshore")) : []
  const beside = yield* Effect.forEach(folders, (folder) => Effect.orElseSucceed(RunFile.list(folder), () => []))
  const entries = [...(yield* all), ...(yield* Effect.forEach(beside.flat(), ({ path }) => read(path)))]
  const latest = new Map<string, RunFile.Run>()
  for (const entry of entries) {
    if (!("run" in entry)) continue
    const { run } = entry
    const its = Target.spoken(run.identity.target)
    const isAbove = `${place}/`.startsWith(`${its.to}/`) && (endpoint === undefined || its.endpoint === endpoint)
    const found = RunFile.parse(run.path)
    const other = found && latest.get(found.stem)
    if (isAbove && found && (RunFile.parse(other?.path ?? "")?.number ?? 0) < found.number) latest.set(found.stem, run)
  }
  return [...latest.values()]
})

/**
 * All that this user's journals tell of runs into a target: those in its folder for journals, and by the index those that
 * were kept elsewhere. Of what cannot be read only the former counts: nobody knows where the others went.
 */
export const into = Effect.fn("Runs.into")(function* (
  state: string,
  target: Target.Target
): Effect.fn.Return<ReadonlyArray<Entry>, JournalError> {
  const here = (yield* RunFile.list(state)).map(({ path }) => path)
  const known = (yield* RunIndex.list).map(({ journal }) => journal)
  const entries = yield* Effect.forEach([...new Set([...here, ...known])], read, { concurrency: 8 })
  return entries.filter((entry) =>
    "run" in entry ? entry.run.identity.target === target.text : here.includes(entry.path)
  )
})

const Count = Schema.Struct({ total: Schema.Finite, delivered: Schema.Finite })

/** A run in `--json`. */
export const Json = Schema.Struct({
  id: Schema.String.annotate({ description: "What resume and status take" }),
  journal: Schema.String.annotate({ description: "Its path" }),
  entityType: Schema.String,
  target: Schema.String,
  platformAddress: Schema.String,
  account: Schema.String.annotate({ description: "A name, or a hash of the access token" }),
  request: Schema.Json.annotate({ description: "What was asked for, as in the manifest" }),
  createdUtc: Schema.String.annotate({ description: "ISO 8601" }),
  updatedUtc: Schema.String.annotate({ description: "When its last step was: ISO 8601" }),
  stage: Schema.Literals(["asking", "waiting", "transferring", "publishing", "complete"]),
  exportId: Schema.optionalKey(Schema.String),
  files: Schema.optionalKey(Count),
  bytes: Schema.optionalKey(Count),
  completedUtc: Schema.optionalKey(Schema.String.annotate({ description: "ISO 8601" })),
  answerLost: Schema.Boolean.annotate({ description: "Whether an export was asked for that nobody knows of" })
})

export const toJson = ({ createdUtc, id, identity, path, summary, updatedUtc }: RunFile.Run): typeof Json.Type => ({
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

export const table = (runs: ReadonlyArray<RunFile.Run>): string =>
  Answer.table(
    ["RUN", "STAGE", "EXPORT", "FILES", "DELIVERED", "LAST STEP"],
    runs.map((run) => [run.id, stage(run), run.summary.exportId ?? "-", ...amounts(run), lastStep(run)])
  )

/** For runs into several targets. */
export const tableOfTargets = (runs: ReadonlyArray<RunFile.Run>): string =>
  Answer.table(
    ["RUN", "STAGE", "FILES", "DELIVERED", "LAST STEP", "TARGET"],
    runs.map((run) => [run.id, stage(run), ...amounts(run), lastStep(run), run.identity.target])
  )

/** What went into a pipe is not remembered file by file; the run's end is. */
const delivered = (summary: RunSummary, of: "files" | "bytes"): number =>
  (summary.stage === "complete" ? summary[of]?.total : summary[of]?.delivered) ?? 0

const stage = ({ summary }: RunFile.Run): string =>
  summary.answerLost ? `${summary.stage} (an answer was lost)` : summary.stage

const amounts = ({ summary }: RunFile.Run): ReadonlyArray<string> => [
  summary.files === undefined ? "-" : `${delivered(summary, "files")}/${summary.files.total}`,
  summary.bytes === undefined
    ? "-"
    : `${Progress.size(delivered(summary, "bytes"))} of ${Progress.size(summary.bytes.total)}`
]

/** To the second. */
const lastStep = ({ summary, updatedUtc }: RunFile.Run): string =>
  (summary.completedUtc ?? updatedUtc).replace(/\.\d+Z$/, "Z")
