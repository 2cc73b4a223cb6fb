/** Which objects of a target the journals of runs speak of, and whether what is left over of them is of any more use. */
import * as Manifest from "@longshore/core/Manifest"
import type { ObjectKey } from "@longshore/core/ObjectSink"
import type { RunExport } from "@longshore/core/RunSummary"
import * as Duration from "effect/Duration"
import type * as RunFile from "./RunFile.ts"

/** A run that wrote an object, as part of an export. */
export interface Claim {
  readonly run: RunFile.Run
  readonly export: RunExport
}

/** By key: two runs may have taken up the same export. */
export type Claims = ReadonlyMap<ObjectKey, ReadonlyArray<Claim>>

export const of = (runs: ReadonlyArray<RunFile.Run>): Claims => {
  const claims = new Map<ObjectKey, Array<Claim>>()
  for (const run of runs) {
    const { entityType } = run.identity.request
    for (const one of run.exports) {
      const files = one.files.map(({ index }) => Manifest.fileKey(entityType, one.exportId, index))
      for (const key of [...files, Manifest.key(entityType, one.exportId)]) {
        claims.set(key, [...(claims.get(key) ?? []), { run, export: one }])
      }
    }
  }
  return claims
}

/** From `unfinished`, when somebody may go on with it, to what is most surely of no more use. */
const verdicts = ["unfinished", "old", "expired", "givenUp", "complete"] as const

export type Verdict = (typeof verdicts)[number]

export interface Now {
  readonly millis: number
  /** Runs whose last step is older than this are taken for forgotten. */
  readonly olderThan: Duration.Duration | undefined
}

/** It is of use as long as it is to one of them. */
export const judge = (claims: ReadonlyArray<Claim>, now: Now): Verdict => {
  const found = new Set(claims.map((claim) => judgeOne(claim, now)))
  return verdicts.find((verdict) => found.has(verdict)) ?? "unfinished"
}

const judgeOne = ({ export: { expiresUtc, state }, run }: Claim, { millis, olderThan }: Now): Verdict => {
  if (state !== "unfinished") return state
  if (expiresUtc !== undefined && Date.parse(expiresUtc) <= millis) return "expired"
  const age = millis - Date.parse(run.updatedUtc)
  return olderThan !== undefined && age >= Duration.toMillis(olderThan) ? "old" : "unfinished"
}
