/** Proves a target again from its manifests, and says what differs and what repairs it. */
import * as Crc32 from "@longshore/core/Crc32"
import { ObjectKey } from "@longshore/core/ObjectSink"
import * as Verification from "@longshore/core/Verification"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { crc32 } from "node:zlib"
import type { VerifyFlags } from "../commands/verify.ts"
import * as Answer from "../output/Answer.ts"
import * as Damage from "../output/Damage.ts"
import * as ExitCode from "../output/ExitCode.ts"
import { UsageError } from "../output/Problem.ts"
import * as Progress from "../output/Progress.ts"
import * as Runs from "../runs/Runs.ts"
import * as Network from "../runs/Network.ts"
import * as Target from "../runs/Target.ts"
import * as TargetSink from "../runs/TargetSink.ts"
import * as Settings from "../settings/Settings.ts"

/** What `verify --json` prints. */
export const VerifyJson = Answer.json({
  proved: Schema.optionalKey(Verification.Verification.fields.proved),
  exports: Schema.optionalKey(Verification.Verification.fields.exports),
  unnamed: Schema.optionalKey(Verification.Verification.fields.unnamed),
  /** What repairs it, if something differs. */
  nextStep: Schema.optionalKey(Schema.String)
})

export const handle = Effect.fn("verify")(function* (flags: VerifyFlags) {
  const work = Effect.gen(function* () {
    const settings = yield* Settings.load({ given: flags, config: Option.getOrUndefined(flags.config) })
    yield* Network.prepare(settings)
    const [, folder = flags.subject, manifest] = /^(|.*\/)(manifest\.json)$/.exec(flags.subject) ?? []
    const target = yield* Target.ofSettings(settings, folder === "" ? "." : folder)
    if (target._tag === "Stdout") {
      return yield* new UsageError({
        problem: "What was given to a pipe cannot be read back.",
        nextStep: "Name a folder or s3://bucket/prefix."
      })
    }
    const reading = yield* reporting
    const found = yield* Verification.verify({
      ...(manifest === undefined ? {} : { manifest: ObjectKey.make(manifest) }),
      quick: flags.quick,
      concurrency: settings.get("concurrency") ?? 8,
      onProgress: reading
    }).pipe(
      Effect.provide(TargetSink.layer(target, { readOnly: true })),
      Effect.provideService(Crc32.Crc32, (bytes, seed) => crc32(bytes, seed))
    )
    if (found.exports.every(({ problem }) => problem?._tag === "Missing")) {
      return yield* new UsageError({
        problem: `There is no manifest in ${flags.subject} or below it.`,
        nextStep:
          "Check the path. An export that is not complete has no manifest yet: longshore status TARGET shows how far it is."
      })
    }
    const nextStep = yield* next(found, target)
    return {
      json: { ...found, ...(nextStep === undefined ? {} : { nextStep }) },
      text: [...lines(found), ...(nextStep === undefined ? [] : [`Next: ${nextStep}`])].join("\n"),
      exitCode: exitCode(found)
    }
  })
  yield* Answer.give(flags, work)
})

/** What could not be read may be right; what differs is wrong. */
const isUnread = ({ _tag }: Verification.Difference | Verification.ManifestProblem): boolean =>
  _tag === "Unreadable" || _tag === "NewerFormat"

const troubles = ({ differences, problem }: Verification.VerifiedExport) => [
  ...(problem === undefined ? [] : [problem]),
  ...differences.map(({ difference }) => difference)
]

const exitCode = ({ exports }: Verification.Verification): number => {
  const all = exports.flatMap(troubles)
  return all.length === 0 ? ExitCode.ok : all.every(isUnread) ? ExitCode.sink : ExitCode.integrity
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

const lines = ({ exports, proved, unnamed }: Verification.Verification): ReadonlyArray<string> => {
  const files = exports.reduce((sum, found) => sum + found.files, 0)
  const bytes = exports.reduce((sum, found) => sum + found.bytes, 0)
  const all = exports.flatMap(troubles)
  const wrong = all.filter((trouble) => !isUnread(trouble)).length
  const unread = all.length - wrong
  const what = `${plural(exports.length, "export")}, ${Progress.files(files)}, ${Progress.size(bytes)}`
  const told = [
    ...(wrong === 0 ? [] : [plural(wrong, "difference")]),
    ...(unread === 0 ? [] : [`${unread} could not be read`])
  ].join(", ")
  const well =
    proved === "content"
      ? "read back, and all of it is as it was delivered."
      : "all there, with their sizes. Their content was not read: without --quick it is."
  return [
    ...exports.flatMap((found) => [
      `${found.location.slice(0, -"/manifest.json".length)}: ${Progress.files(found.files)}, ${Progress.size(found.bytes)}${troubles(found).length === 0 ? ", right" : ""}`,
      ...(found.problem === undefined ? [] : [`  ${Damage.ofManifest(found.problem)}`]),
      ...found.differences.map(({ difference, name }) => `  ${name} ${Damage.ofFile(difference)}`)
    ]),
    ...[Damage.ofUnnamed(unnamed)].filter((line) => line !== ""),
    `${what}: ${told === "" ? well : `${told}.`}`
  ]
}

/** What repairs it. A damaged file may look like the one that was delivered, by size and time: so it has to go first. */
const next = Effect.fnUntraced(function* (
  { exports }: Verification.Verification,
  target: Target.Target
): Effect.fn.Return<string | undefined> {
  const all = exports.flatMap(troubles)
  if (all.length === 0) return undefined
  if (all.every(isUnread)) {
    return all.some(({ _tag }) => _tag === "NewerFormat")
      ? "Update Longshore, and verify again."
      : "See to it that these can be read, and verify again."
  }
  const damaged = exports.filter((found) => troubles(found).some((trouble) => !isUnread(trouble)))
  const remove = all.some((trouble) => !isUnread(trouble) && trouble._tag !== "Missing")
    ? "Remove what differs, or move it away; then r"
    : "R"
  const known = yield* Runs.covering(target)
  const commands = damaged.map((found) => {
    const id = found.exportId ?? found.location.split("/").at(-2)
    const run = known.find(({ summary }) => summary.exportId === id)
    return run === undefined ? undefined : `longshore resume ${run.id}`
  })
  const again = commands.every((command) => command !== undefined)
    ? commands.join(" and ")
    : "the command that delivered it again"
  return `${remove}un ${again}: only what is missing is fetched. Mews keeps an export for about a week; after that, export anew with --fresh.`
})

const interval = 3_000

/** A line every few seconds, while it takes long. */
const reporting = Effect.map(Clock.currentTimeMillis, (began) => {
  let last = began
  return (read: number, total: number) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      if (now - last < interval) return
      last = now
      const rate = (1000 * read) / (now - began)
      const left = `, ${Progress.size(rate)}/s, ${Progress.duration((1000 * (total - read)) / rate)} left`
      process.stderr.write(
        read < total
          ? `Read back ${Progress.size(read)} of ${Progress.size(total)}${left}\n`
          : "All is read; looking at what differs\n"
      )
    })
})
