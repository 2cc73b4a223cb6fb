/** Gives exports to a cluster, and waits for them if that is wished. */
import type { ExportRequest } from "@longshore/core/Export"
import * as Exports from "@longshore/core/Exports"
import { ObjectKey } from "@longshore/core/ObjectSink"
import type { Submission } from "@longshore/workflow/ClusterApi"
import type { Client } from "@longshore/workflow/ClusterClient"
import type { RunStatus } from "@longshore/workflow/RunStatus"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as ClusterClient from "../cluster/Client.ts"
import * as Policy from "../cluster/Policy.ts"
import * as Run from "../cluster/Run.ts"
import type { ClusterSubmitFlags } from "../commands/cluster/submit.ts"
import * as Answer from "../output/Answer.ts"
import * as ExitCode from "../output/ExitCode.ts"
import { UsageError } from "../output/Problem.ts"
import * as Redaction from "../output/Redaction.ts"
import * as Report from "../output/Report.ts"
import * as Stderr from "../output/Stderr.ts"
import { exportId, exportRequests } from "../runs/exportRequests.ts"
import type { Settings } from "../settings/Settings.ts"

/** What became of one entity type. */
const Submitted = Schema.Union([
  Schema.Struct({ entityType: Schema.String, ok: Schema.Literal(true), run: Run.Json }),
  Schema.Struct({
    entityType: Schema.String,
    ok: Schema.Literal(false),
    error: Report.Report,
    run: Schema.optionalKey(Run.Json.annotate({ description: "If it was submitted" }))
  })
])

/** What `cluster submit --json` prints: one of `runs` for each entity type. */
export const ClusterSubmitJson = Answer.json({ runs: Schema.optionalKey(Schema.Array(Submitted)) })

export const handle = Effect.fn("cluster submit")(function* (flags: ClusterSubmitFlags) {
  yield* Answer.give(flags, Effect.scoped(work(flags)))
})

interface Outcome {
  readonly entityType: string
  readonly run?: RunStatus
  readonly error?: Report.Report
}

const work = Effect.fnUntraced(function* (flags: ClusterSubmitFlags) {
  // The account is the cluster's, which this machine's files need not have.
  const given = { ...flags, account: Option.none() }
  const { client, settings } = yield* ClusterClient.connect({ given, config: flags.config })
  const submissions = yield* submissionsOf(flags, settings)
  const redact = Redaction.make()
  const tell = (text: string) => {
    if (!flags.quiet) Stderr.line(redact(text))
  }
  const outcomes = yield* Effect.forEach(
    submissions,
    (submission) => {
      const { entityType } = submission.request
      return client.submit(submission).pipe(
        Effect.filterOrElse(
          () => !flags.wait,
          (run) => follow(client, run, tell)
        ),
        Effect.exit,
        Effect.map((exit): Outcome =>
          Exit.isSuccess(exit)
            ? { entityType, run: exit.value, ...(isUnwanted(exit.value) ? { error: Run.reportOf(exit.value) } : {}) }
            : { entityType, error: Report.ofCause(exit.cause) }
        )
      )
    },
    { concurrency: "unbounded" }
  )
  for (const { entityType, error } of outcomes) {
    if (error !== undefined) Stderr.line(Report.paragraph(error, redact, outcomes.length > 1 ? entityType : undefined))
  }
  return {
    json: {
      runs: outcomes.map(({ entityType, error, run }) => ({
        entityType,
        ok: error === undefined,
        ...(error === undefined ? {} : { error }),
        ...(run === undefined ? {} : { run: Run.toJson(run) })
      }))
    },
    text: outcomes
      .flatMap(({ error, run }) => (run === undefined || error !== undefined ? [] : Run.line(run)))
      .join("\n"),
    exitCode: ExitCode.ofAll(outcomes.map(({ error }) => error?.exitCode ?? ExitCode.ok))
  }
})

const isUnwanted = ({ state }: RunStatus): boolean => state === "failed" || state === "cancelled"

/** What the flags mean, or what is wrong with them: nothing is submitted before all of it is right. */
const submissionsOf = Effect.fnUntraced(function* (flags: ClusterSubmitFlags, settings: Settings) {
  const account = Option.getOrUndefined(flags.account) ?? settings.get("account")
  if (account === undefined) {
    return yield* new UsageError({
      problem: "There is no account.",
      nextStep: "Name one of the cluster's with --account, LONGSHORE_ACCOUNT or a settings file."
    })
  }
  const requests = yield* exportRequests(flags)
  const id = yield* exportId(flags.exportId, requests)
  for (const request of requests) yield* Exports.validate(request)
  const path = Option.getOrUndefined(flags.path)
  if (path !== undefined && !isPath(path)) {
    return yield* new UsageError({
      problem: `--path "${path}" is not made of letters, digits, '.', '_' and '-', in segments joined by '/' that do not begin with a dot.`,
      nextStep: "Name a place below the cluster's target, such as lisbon/daily."
    })
  }
  const policy = Policy.said(settings)
  const occasion = flags.fresh ? DateTime.formatIso(yield* DateTime.now) : undefined
  return requests.map((request: ExportRequest): Submission => ({
    account,
    request,
    ...(path === undefined ? {} : { path }),
    ...(id === undefined ? {} : { exportId: id }),
    ...(occasion === undefined ? {} : { occasion }),
    ...policy
  }))
})

const isPath = Schema.is(ObjectKey)

/** How often a run is looked at, and how often figures are told. */
const look = "5 seconds"
const tellEvery = 30_000

/** Until it runs no more. Each stage is told at once. */
const follow = Effect.fnUntraced(
  function* (client: Client, submitted: RunStatus, tell: (text: string) => void) {
    const { id, task } = submitted
    const name = task.request.entityType
    const told = { at: 0, stage: "", text: "" }
    for (let run = submitted; ; run = yield* patiently(client.wait(id, look), (text) => tell(`${name}: ${text}`))) {
      const now = yield* Clock.currentTimeMillis
      const text = Run.progress(run)
      if (run.stage !== told.stage || (text !== told.text && now - told.at >= tellEvery)) {
        Object.assign(told, { at: now, stage: run.stage, text })
        tell(`${name}: ${text}`)
      }
      if (Run.isOver(run)) return run
    }
  },
  (effect, _, { id, task }, tell) =>
    Effect.onInterrupt(effect, () =>
      Effect.sync(() => tell(`${task.request.entityType}: the run goes on. Next: longshore cluster status ${id}`))
    )
)

/** Runners come and go, and a front with them: it is asked again for ten minutes, which is told once. */
const patiently = <A, E extends ExitCode.Failure>(asked: Effect.Effect<A, E>, tell: (text: string) => void) =>
  Effect.catchIf(
    asked,
    ({ _tag }) => _tag === "ClusterUnavailable",
    (error) => {
      tell(`${error.message} The run goes on; asking again`)
      return Effect.retry(Effect.delay(asked, "1 second"), {
        while: ({ _tag }) => _tag === "ClusterUnavailable",
        schedule: Schedule.spaced("1 second").pipe(Schedule.upTo({ duration: "10 minutes" }))
      })
    }
  )
