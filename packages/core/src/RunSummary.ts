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

const decode = <A>(schema: Schema.Codec<A, any>, value: unknown): A | undefined =>
  Option.getOrUndefined(Schema.decodeUnknownOption(Schema.toCodecJson(schema))(value))

/**
 * An export that a run works on, or worked on before it was renewed.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunExport {
  readonly exportId: ExportId
  /** - `unfinished`: the run goes on with it. `complete`: its manifest is there. `givenUp`: another one took its place. */
  readonly state: "unfinished" | "complete" | "givenUp"
  /** Known once it is ready. */
  readonly files: ReadonlyArray<{ readonly index: number; readonly size: number }>
  /** When Mews takes its files away, if it said so. ISO 8601. */
  readonly expiresUtc: string | undefined
}

/**
 * All exports that a journal's steps tell of, in their order. `adopted` is that of a run which took up an existing export.
 *
 * @since 0.1.0
 * @category reading
 */
export const exportsOf = (
  steps: ReadonlyMap<string, { readonly at: string; readonly value: unknown }>,
  adopted?: ExportId
): ReadonlyArray<RunExport> => {
  const found = new Map<number, RunExport>()
  const parsed = [...steps].map(([name, { value }]) => ({ ...parseStepName(name), value }))
  const latest = parsed.reduce((latest, step) => Math.max(latest, step.renewal), 0)
  const enter = (renewal: number, exportId: ExportId) =>
    found.set(renewal, {
      exportId,
      state: renewal < latest ? "givenUp" : "unfinished",
      files: [],
      expiresUtc: undefined
    })
  if (adopted !== undefined) enter(0, adopted)
  for (const { base, renewal, value } of parsed) {
    const asked = base === "add" ? decode(Asked, value) : undefined
    if (asked?._tag === "Accepted") enter(renewal, asked.exportId)
    const known = found.get(renewal)
    if (known === undefined) continue
    if (base === "renew") found.set(renewal, { ...known, state: "givenUp" })
    if (base === "complete") found.set(renewal, { ...known, state: "complete" })
    const ready =
      base === "ready" ? Option.flatten(Option.fromUndefinedOr(decode(Schema.Option(Ready), value))) : Option.none()
    if (Option.isSome(ready)) {
      const { expiresUtc, files } = ready.value
      found.set(renewal, {
        ...known,
        files: files.map(({ index, size }) => ({ index, size })),
        expiresUtc: expiresUtc ?? undefined
      })
    }
  }
  return [...found].sort(([a], [b]) => a - b).map(([, one]) => one)
}

/**
 * Which step a name in a journal stands for, whichever attempt and generation it is of: `plan Reservation-00001`.
 *
 * @since 0.1.0
 * @category reading
 */
export const baseOf = (name: string): string => parseStepName(name).base
