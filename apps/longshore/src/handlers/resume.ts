/** From a journal back to the command that began it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { ResumeFlags } from "../commands/resume.ts"
import * as Answer from "../output/Answer.ts"
import type * as ExitCode from "../output/ExitCode.ts"
import { UsageError } from "../output/Problem.ts"
import type { ExportOptions } from "../runs/runExport.ts"
import type * as RunFile from "../runs/RunFile.ts"
import * as Runs from "../runs/Runs.ts"
import * as Target from "../runs/Target.ts"
import * as Setting from "../settings/Setting.ts"
import * as Settings from "../settings/Settings.ts"
import * as Telemetry from "../telemetry/Telemetry.ts"
import { version } from "../version.ts"
import { deliver, refuse } from "./export.ts"

export const handle = Effect.fn("resume")(function* (flags: ResumeFlags) {
  const prepared = yield* Effect.exit(prepare(flags))
  if (Exit.isFailure(prepared)) return yield* refuse([], prepared.cause, flags.json)
  if (prepared.value !== undefined) return yield* deliver(prepared.value, flags.json)
  const text = flags.quiet ? "" : "Nothing to resume: all of these runs are finished."
  yield* Answer.give(flags, Effect.succeed({ json: { runs: [] }, text }))
}, Telemetry.command("resume"))

/** `undefined` if there is nothing to do. */
const prepare = Effect.fnUntraced(function* (
  flags: ResumeFlags
): Effect.fn.Return<ExportOptions | undefined, ExitCode.Failure> {
  const runs = yield* wanted(flags)
  const [first] = runs
  if (first === undefined) return undefined
  for (const run of runs) {
    if (placeOf(run) === placeOf(first)) continue
    return yield* new UsageError({
      problem: "These runs were not started alike.",
      nextStep: `Resume them one by one: ${runs.map(({ id }) => `longshore resume ${id}`).join(", ")}.`
    })
  }
  const { account, exportId, platformAddress, target } = first.identity
  const { endpoint, to } = Target.spoken(target)
  const settings = yield* Settings.load({
    given: flags,
    config: Option.getOrUndefined(flags.config),
    run: {
      ...known(first.context?.settings ?? {}),
      // Where its journals are, wherever that was said.
      state: first.folder,
      to,
      "platform-address": platformAddress,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(isHash(account) ? {} : { account })
    }
  })
  return {
    requests: runs.map(({ identity }) => identity.request),
    target: yield* Target.ofSettings(settings),
    exportId,
    fresh: false,
    settings,
    account,
    quiet: flags.quiet,
    verbose: flags.verbose,
    version
  }
})

const wanted = Effect.fnUntraced(function* (
  flags: ResumeFlags
): Effect.fn.Return<ReadonlyArray<RunFile.Run>, ExitCode.Failure> {
  const subject = Option.getOrUndefined(flags.run)
  if ((subject === undefined) !== flags.last) {
    return yield* new UsageError({
      problem: flags.last ? "A run and --last are two wishes." : "Which run?",
      nextStep: "Give a run's id (longshore list shows them), a target, or --last."
    })
  }
  const settings = yield* Settings.load({ given: flags, config: Option.getOrUndefined(flags.config) })
  // A run's id without its number stands for all of its journals.
  const stem = subject?.replace(/\.\d+$/, "") ?? ""
  const isId = subject !== undefined && Runs.isId(subject)
  const entries = subject === undefined ? yield* Runs.last : yield* Runs.find(settings, isId ? stem : subject)
  const runs: Array<RunFile.Run> = []
  for (const entry of entries) {
    if ("error" in entry) return yield* entry.error
    runs.push(entry.run)
  }
  if (runs.length === 0) {
    return yield* new UsageError({
      problem: "No run of this user is known.",
      nextStep: "Run longshore export; or name the target of the run."
    })
  }
  // Of each run the last number: those before it were finished, or it would not be.
  const latest = new Map(runs.map((run) => [run.id.replace(/\.\d+$/, ""), run]))
  if (isId) {
    const run = latest.get(stem)
    if (run !== undefined && subject !== stem && subject !== run.id) {
      return yield* new UsageError({
        problem: `The run ${subject} was followed by ${run.id}.`,
        nextStep: `Resume that: longshore resume ${run.id}.`
      })
    }
    return run === undefined ? [] : [run]
  }
  return [...latest.values()].filter((run) => flags.last || run.summary.stage !== "complete")
})

/** What must be the same for runs that one command resumes. */
const placeOf = ({ context, identity }: RunFile.Run): string =>
  JSON.stringify([identity.platformAddress, identity.account, identity.target, identity.exportId, context?.settings])

/** An account without a name is known by a hash of its access token. */
const isHash = (account: string): boolean => /^[0-9a-f]{12}$/.test(account)

/** Settings of another version that this one does not have are passed over. */
const known = (settings: { readonly [name: string]: string }): { readonly [N in Setting.Name]?: string } =>
  Object.fromEntries(
    Setting.names.flatMap((name) => {
      const text = settings[name]
      return text === undefined || Setting.parse(name, text) === undefined ? [] : [[name, text]]
    })
  )
