/** Lines of JSON on stderr in place of what people read: `--progress json`. */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { bytesOf, type Progress, type RunProgress } from "./Progress.ts"

const common = {
  version: Schema.Literal(1),
  /** ISO 8601, as all times here. */
  at: Schema.String
}

const counted = Schema.Struct({ done: Schema.Finite, total: Schema.Finite })

/** One line. `progress`: how things are, every second while they change. `line`: what people would read. */
export const ProgressJson = Schema.Union([
  Schema.Struct({
    ...common,
    type: Schema.Literal("progress"),
    runs: Schema.Array(
      Schema.Struct({
        entityType: Schema.String,
        exportId: Schema.optionalKey(Schema.String),
        stage: Schema.Literals(["asking", "waiting", "transferring", "publishing", "complete", "failed"]),
        /** Why it waits, such as the export's status. */
        detail: Schema.optionalKey(Schema.String),
        stageSince: Schema.String,
        files: counted,
        bytes: counted,
        bytesPerSecond: Schema.optionalKey(Schema.Finite),
        secondsLeft: Schema.optionalKey(Schema.Finite),
        /** Until when the links at hand, and the export itself, can be used. */
        linksUntil: Schema.optionalKey(Schema.String),
        exportUntil: Schema.optionalKey(Schema.String)
      })
    )
  }),
  Schema.Struct({ ...common, type: Schema.Literal("line"), text: Schema.String })
])

export type ProgressJson = typeof ProgressJson.Type

export const ofProgress = (progress: Progress, now: number): ProgressJson => ({
  version: 1,
  type: "progress",
  at: iso(now),
  runs: progress.runs.map((run) => ofRun(run, now))
})

export const ofLine = (text: string, now: number): ProgressJson => ({ version: 1, type: "line", at: iso(now), text })

const ofRun = (run: RunProgress, now: number) => {
  const { detail, entityType, exportId, exportUntil, linksUntil, rate, since, stage } = run
  const moves = stage === "transferring"
  const left = rate.left(now)
  return {
    entityType,
    stage,
    ...(exportId === undefined ? {} : { exportId }),
    ...(detail === "" ? {} : { detail }),
    stageSince: iso(since),
    files: { done: stage === "complete" ? run.totalFiles : run.doneFiles, total: run.totalFiles },
    bytes: { done: stage === "complete" ? run.totalBytes : bytesOf(run), total: run.totalBytes },
    ...(moves ? { bytesPerSecond: Math.round(rate.perSecond) } : {}),
    ...(moves && left !== undefined ? { secondsLeft: Math.round(left / 1000) } : {}),
    ...(moves && linksUntil !== undefined ? { linksUntil: iso(linksUntil) } : {}),
    ...(moves && exportUntil !== undefined ? { exportUntil: iso(exportUntil) } : {})
  }
}

const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))
