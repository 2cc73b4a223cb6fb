/** Removes what runs left over and nobody will go on with. Only what our own journals own; under their locks. */
import type { JournalError } from "@longshore/core/ExportError"
import { ObjectKey } from "@longshore/core/ObjectSink"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { GcFlags } from "../commands/gc.ts"
import * as Answer from "../output/Answer.ts"
import type * as ExitCode from "../output/ExitCode.ts"
import { UsageError } from "../output/Problem.ts"
import * as Progress from "../output/Progress.ts"
import * as Redaction from "../output/Redaction.ts"
import * as Report from "../output/Report.ts"
import * as Leftovers from "../runs/Leftovers.ts"
import * as Ownership from "../runs/Ownership.ts"
import * as RunFile from "../runs/RunFile.ts"
import * as Runs from "../runs/Runs.ts"
import * as StateLocation from "../runs/StateLocation.ts"
import * as Network from "../runs/Network.ts"
import * as Target from "../runs/Target.ts"
import * as Settings from "../settings/Settings.ts"

/** What became of something that was left over, and why. */
const Item = Schema.Struct({
  key: Schema.String,
  location: Schema.String,
  kind: Schema.Literals(["partial", "upload", "notes"]),
  bytes: Schema.Finite,
  /** Those whose journals own it. */
  runs: Schema.Array(Schema.String),
  /** `garbage`: it would be removed, were it not for `--dry-run`. */
  outcome: Schema.Literals(["removed", "garbage", "kept", "failed"]),
  /** `notOurs`: no journal that is known here speaks of it. */
  reason: Schema.Literals(["complete", "givenUp", "expired", "old", "unfinished", "inUse", "notOurs"])
})

type Item = typeof Item.Type

/** What `gc --json` prints. */
export const GcJson = Answer.json({
  target: Schema.optionalKey(Schema.String),
  leftovers: Schema.optionalKey(Schema.Array(Item)),
  /** Bytes; with `--dry-run` those that would be. */
  freed: Schema.optionalKey(Schema.Finite)
})

export const handle = Effect.fn("gc")(function* (flags: GcFlags) {
  yield* Answer.give(flags, collect(flags))
})

const collect = Effect.fnUntraced(function* (flags: GcFlags): Effect.fn.Return<Answer.Answer, ExitCode.Failure> {
  const settings = yield* Settings.load({ given: flags, config: Option.getOrUndefined(flags.config) })
  yield* Network.prepare(settings)
  const target = yield* Target.ofSettings(settings, flags.target)
  if (target._tag === "Stdout") {
    return yield* new UsageError({
      problem: "A pipe keeps nothing, so nothing is left over.",
      nextStep: "Name a folder or s3://bucket/prefix."
    })
  }
  const state = yield* StateLocation.resolve(settings.get("state"), target)
  const entries = yield* Runs.into(state, target)
  const errors: Array<ExitCode.Failure> = entries.flatMap((entry) => ("error" in entry ? [entry.error] : []))
  const claims = Ownership.of(entries.flatMap((entry) => ("run" in entry ? [entry.run] : [])))
  const found = yield* Leftovers.find(target, claims.keys())
  if (entries.length === 0 && found.length === 0) {
    return yield* new UsageError({
      problem: `There is no journal of runs into ${target.text} in ${state}, and nothing is left over there.`,
      nextStep:
        target._tag === "S3"
          ? "Check the target and --endpoint; longshore list --all shows where runs went."
          : "Check the target; longshore list --all shows where runs went."
    })
  }
  const now: Ownership.Now = {
    millis: yield* Clock.currentTimeMillis,
    olderThan: Option.getOrUndefined(flags.olderThan)
  }
  const items: Array<Item> = []
  for (const group of groups(found, claims)) {
    const runs = group.claims.map(({ run }) => run.id)
    for (const { failure, leftover, outcome, reason } of yield* clear(group, now, flags.dryRun)) {
      if (failure !== undefined) errors.push(failure)
      const { key, kind, location, size } = leftover
      items.push({ key, location, kind, bytes: size, runs, outcome, reason })
    }
  }
  return answer(target, items, errors, flags.dryRun)
})

/** What has the same owners has the same fate. */
interface Group {
  readonly claims: ReadonlyArray<Ownership.Claim>
  readonly leftovers: ReadonlyArray<Leftovers.Leftover>
}

const isKey = Schema.is(ObjectKey)

const groups = (found: ReadonlyArray<Leftovers.Leftover>, claims: Ownership.Claims): ReadonlyArray<Group> => {
  const groups = new Map<string, Group>()
  for (const leftover of found) {
    const owners = isKey(leftover.key) ? (claims.get(leftover.key) ?? []) : []
    const folder = leftover.key.slice(0, leftover.key.lastIndexOf("/"))
    const name = JSON.stringify([folder, owners.map(({ run }) => run.path)])
    groups.set(name, { claims: owners, leftovers: [...(groups.get(name)?.leftovers ?? []), leftover] })
  }
  return [...groups.values()]
}

interface Fate extends Pick<Item, "outcome" | "reason"> {
  readonly leftover: Leftovers.Leftover
  readonly failure?: ExitCode.Failure
}

/** Decided from afar first, and again once no other process can be at work. */
const clear = Effect.fnUntraced(function* (
  group: Group,
  now: Ownership.Now,
  dryRun: boolean
): Effect.fn.Return<ReadonlyArray<Fate>> {
  const { claims, leftovers } = group
  const all = (fate: Omit<Fate, "leftover">) => leftovers.map((leftover): Fate => ({ ...fate, leftover }))
  if (claims.length === 0) return all({ outcome: "kept", reason: "notOurs" })
  const reason = Ownership.judge(claims, now)
  const work = Effect.gen(function* () {
    for (const { run } of claims) {
      if ((yield* FileJournal.holder(run.path)) !== undefined) return all({ outcome: "kept", reason: "inUse" })
    }
    if (reason === "unfinished") return all({ outcome: "kept", reason })
    return dryRun ? all({ outcome: "garbage", reason }) : yield* Effect.scoped(remove(group, now))
  })
  return yield* work.pipe(
    Effect.catch((failure) =>
      Effect.succeed(
        all(failure.reason === "Locked" ? { outcome: "kept", reason: "inUse" } : { outcome: "failed", reason, failure })
      )
    )
  )
})

const remove = Effect.fnUntraced(function* (
  { claims, leftovers }: Group,
  now: Ownership.Now
): Effect.fn.Return<ReadonlyArray<Fate>, JournalError, Scope.Scope> {
  const current: Array<RunFile.Run> = []
  for (const path of new Set(claims.map(({ run }) => run.path))) {
    yield* FileJournal.lock(path)
    current.push(yield* RunFile.read(path))
  }
  const owners = Ownership.of(current)
  return yield* Effect.forEach(
    leftovers,
    Effect.fnUntraced(function* (leftover): Effect.fn.Return<Fate> {
      const reason = Ownership.judge(isKey(leftover.key) ? (owners.get(leftover.key) ?? []) : [], now)
      if (reason === "unfinished") return { leftover, outcome: "kept", reason }
      return yield* leftover.remove.pipe(
        Effect.match({
          onSuccess: (): Fate => ({ leftover, outcome: "removed", reason }),
          onFailure: (failure): Fate => ({ leftover, outcome: "failed", reason, failure })
        })
      )
    })
  )
})

const answer = (
  target: Target.Target,
  items: ReadonlyArray<Item>,
  errors: ReadonlyArray<ExitCode.Failure>,
  dryRun: boolean
): Answer.Answer => {
  const redact = Redaction.make()
  const reports = errors.map(Report.ofFailure)
  for (const report of reports) process.stderr.write(`${Report.paragraph(report, redact)}\n`)
  const gone = items.filter(({ outcome }) => outcome === "removed" || outcome === "garbage")
  const freed = gone.reduce((sum, { bytes }) => sum + bytes, 0)
  const total = `${Progress.size(freed)} ${dryRun ? "would be freed" : "freed"}.`
  const json: Omit<typeof GcJson.Type, "version" | "ok" | "exitCode"> = { target: target.text, leftovers: items, freed }
  return {
    json,
    text: items.length === 0 ? `Nothing is left over in ${target.text}.` : `${table(items)}\n${total}`,
    ...(reports[0] === undefined ? {} : { exitCode: reports[0].exitCode })
  }
}

const words: { readonly [R in Item["reason"]]: (run: string) => string } = {
  complete: (run) => `the run ${run} is complete`,
  givenUp: (run) => `the run ${run} gave this export up for another one`,
  expired: (run) => `the export of the run ${run} has expired`,
  old: (run) => `nobody went on with the run ${run} for long enough`,
  unfinished: (run) => `longshore resume ${run} goes on with it; --older-than DURATION gives it up`,
  inUse: (run) => `a process works on the run ${run} now`,
  notOurs: () => "no journal here speaks of it"
}

const outcomes: { readonly [O in Item["outcome"]]: string } = {
  removed: "removed",
  garbage: "would remove",
  kept: "kept",
  failed: "failed"
}

const table = (items: ReadonlyArray<Item>): string =>
  Answer.table(
    ["", "SIZE", "WHAT", "WHY"],
    items.map(({ bytes, kind, location, outcome, reason, runs }) => [
      outcomes[outcome],
      kind === "notes" ? "-" : Progress.size(bytes),
      kind === "notes" ? `notes about ${location}` : location,
      words[reason](runs.join(" and "))
    ])
  )
