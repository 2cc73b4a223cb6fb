/**
 * What a journal tells about a run, offline.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ExportId } from "./Export.ts"
import { Asked, Complete, Delivery, parseStepName, Ready } from "./internal/steps.ts"

/**
 * - `asking`: no export yet. `waiting`: it is not ready. `transferring`: files are on their way. `publishing`: all files
 *   are there, the manifest is not. `complete`: the manifest is there.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunSummary {
  readonly stage: "asking" | "waiting" | "transferring" | "publishing" | "complete"
  readonly exportId?: ExportId
  readonly files?: { readonly total: number; readonly delivered: number }
  readonly bytes?: { readonly total: number; readonly delivered: number }
  /** ISO 8601. */
  readonly completedUtc?: string
  /** `add` was sent, and what became of it is not known. */
  readonly answerLost: boolean
}

/**
 * Reads a journal's steps, by name. What is not known is passed over: a newer version may have written it. `exportId`
 * is that of a run which took up an existing export, which is no step.
 *
 * @since 0.1.0
 * @category reading
 */
export const summarize = (
  steps: ReadonlyMap<string, { readonly at: string; readonly value: unknown }>,
  adopted?: ExportId
): RunSummary => {
  const parsed = [...steps].map(([name, { value }]) => ({ ...parseStepName(name), value }))
  const renewal = parsed.reduce((latest, step) => Math.max(latest, step.renewal), 0)
  const current = parsed.filter((step) => step.renewal === renewal)
  const decode = <A>(schema: Schema.Codec<A, any>, value: unknown): A | undefined =>
    Option.getOrUndefined(Schema.decodeUnknownOption(Schema.toCodecJson(schema))(value))
  const last = <A>(base: string, schema: Schema.Codec<A, any>): A | undefined => {
    const found = current.filter((step) => step.base === base).sort((a, b) => b.again - a.again)[0]
    return found === undefined ? undefined : decode(schema, found.value)
  }
  const count = (base: string) => current.filter((step) => step.base === base).length

  const asked = last("add", Asked)
  const exportId = asked?._tag === "Accepted" ? asked.exportId : renewal === 0 ? adopted : undefined
  if (exportId === undefined) return { stage: "asking", answerLost: count("intent") > count("add") }

  const ready = last("ready", Schema.Option(Ready))
  if (ready === undefined || Option.isNone(ready)) return { stage: "waiting", exportId, answerLost: false }

  const sizes = new Map(ready.value.files.map((file) => [file.index, file.size]))
  let delivered = 0
  let bytes = 0
  for (const name of new Set(current.map((step) => step.base).filter((base) => base.startsWith("deliver ")))) {
    if (last(name, Delivery)?._tag !== "Delivered") continue
    delivered += 1
    bytes += sizes.get(Number(/-(\d+)$/.exec(name)?.[1] ?? 0) - 1) ?? 0
  }
  const complete = last("complete", Complete)
  const total = ready.value.files.length
  return {
    stage: complete !== undefined ? "complete" : delivered < total ? "transferring" : "publishing",
    exportId,
    files: { total, delivered },
    bytes: { total: [...sizes.values()].reduce((sum, size) => sum + size, 0), delivered: bytes },
    ...(complete === undefined ? {} : complete),
    answerLost: false
  }
}

/**
 * Which step a name in a journal stands for, whichever attempt and generation it is of: `plan Reservation-00001`.
 *
 * @since 0.1.0
 * @category reading
 */
export const baseOf = (name: string): string => parseStepName(name).base
