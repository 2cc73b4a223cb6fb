/**
 * What a journal tells about a run, offline: how far it is, and which exports it had. `FileJournal.read` of
 * `@longshore/journal-file` gives the steps; a memory of one's own keeps the same names and values.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ExportId } from "./Export.ts"
import { Asked, Complete, Delivery, parseStepName, Ready } from "./internal/steps.ts"

/**
 * How far a run is. What belongs to an export that was given up for another is not counted.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunSummary {
  /**
   * `asking`: no export yet. `waiting`: it is not ready. `transferring`: files are on their way. `publishing`: all
   * files are there, the manifest is not. `complete`: the manifest is there.
   */
  readonly stage: "asking" | "waiting" | "transferring" | "publishing" | "complete"
  /** Known once the API accepted it. */
  readonly exportId?: ExportId
  /** How many, known once the export is ready. */
  readonly files?: { readonly total: number; readonly delivered: number }
  /**
   * Bytes of all files, and of those that are delivered; known once the export is ready. Parts of files are the sink's
   * to tell.
   */
  readonly bytes?: { readonly total: number; readonly delivered: number }
  /** ISO 8601. */
  readonly completedUtc?: string
  /** `add` was sent, and what became of it is not known: an export may be running whose id nobody knows. */
  readonly answerLost: boolean
}

/**
 * Reads a journal's steps, by name. What is not known is passed over: a newer version may have written it. `adopted` is
 * the export of a run which took up an existing one, which is no step.
 *
 * @example A process was killed after it had asked
 * ```ts
 * import { RunSummary } from "@longshore/core"
 *
 * const steps = new Map([["intent", { at: "2026-11-24T03:00:00.000Z", value: { process: "9f1c6a5e00d3b7a2" } }]])
 * RunSummary.summarize(steps) // => { stage: "asking", answerLost: true }
 * ```
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
  /** Under which Mews knows it. */
  readonly exportId: ExportId
  /**
   * `unfinished`: the run goes on with it. `complete`: its manifest is there. `givenUp`: another one took its place.
   */
  readonly state: "unfinished" | "complete" | "givenUp"
  /** Their places, from 0, and their bytes. Empty until it is ready. */
  readonly files: ReadonlyArray<{ readonly index: number; readonly size: number }>
  /** When Mews takes its files away, if it said so. ISO 8601. */
  readonly expiresUtc: string | undefined
}

/**
 * All exports that a journal's steps tell of, in their order. `adopted` is that of a run which took up an existing
 * export.
 *
 * @example
 * ```ts
 * import { Export, RunSummary } from "@longshore/core"
 *
 * const exportId = Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
 * const value = { _tag: "Accepted", exportId }
 * const [found] = RunSummary.exportsOf(new Map([["add", { at: "2026-11-24T03:00:00.000Z", value }]]))
 * found?.state // => "unfinished"
 * ```
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
 * Which step a name in a journal stands for, whichever attempt and generation it is of.
 *
 * @example
 * ```ts
 * import { RunSummary } from "@longshore/core"
 *
 * // The second delivery of a file of a renewed export.
 * RunSummary.baseOf("2.deliver Bill-00001#2") // => "deliver Bill-00001"
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const baseOf = (name: string): string => parseStepName(name).base
