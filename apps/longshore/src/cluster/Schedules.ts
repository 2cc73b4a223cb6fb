/** The schedules of the settings files, as a cluster's. */
import * as Exports from "@longshore/core/Exports"
import * as ExportSchedule from "@longshore/workflow/ExportSchedule"
import { type ExportTask, policyOf } from "@longshore/workflow/ExportTask"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { nearest } from "../output/nearest.ts"
import { ConfigError } from "../output/Problem.ts"
import * as Schedule from "../settings/Schedule.ts"
import type { Submission, Tasks } from "./Tasks.ts"

/** One of them. */
export type ScheduleLayer = ReturnType<typeof ExportSchedule.layer<never>>

/** Layers of them. What could not be submitted when its time comes is an error now, with its place in the file. */
export const layers = Effect.fnUntraced(function* (
  schedules: Iterable<Schedule.Schedule>,
  accounts: ReadonlyArray<string>,
  tasks: Tasks
): Effect.fn.Return<ReadonlyArray<ScheduleLayer>, ConfigError> {
  const now = yield* DateTime.now
  return yield* Effect.forEach(schedules, (schedule) =>
    Effect.gen(function* () {
      const refused = (problem: string, nextStep: string) =>
        new ConfigError({ problem: `The schedule ${schedule.where} ${problem}.`, nextStep })
      const stranger = schedule.accounts?.find((name) => !accounts.includes(name))
      if (stranger !== undefined) {
        const near = nearest(stranger, accounts)
        return yield* refused(
          `names an account "${stranger}" that no settings file has`,
          near === undefined ? `Name some of ${accounts.join(", ")}.` : `Did you mean ${near}?`
        )
      }
      const submissions = (scheduled: DateTime.Utc): ReadonlyArray<Submission> =>
        (schedule.accounts ?? accounts).flatMap((account) =>
          Schedule.requests(schedule, scheduled).map((request) => ({
            account,
            request,
            // Several accounts share no folder: each export has one of its own, and each account one above.
            ...(schedule.path === undefined ? {} : { path: `${schedule.path}/${account}` }),
            ...policyOf({
              onExpired: schedule.onExpired,
              maxWait: schedule.maxWait === undefined ? undefined : Duration.toMillis(schedule.maxWait)
            })
          }))
        )
      for (const submission of submissions(now)) {
        yield* tasks(submission).pipe(
          Effect.tap(({ request }) => Exports.validate(request)),
          Effect.mapError(({ parameter, problem }) =>
            refused(
              `could not be submitted: ${parameter}: ${problem}`,
              "Correct it; docs/configuration.md has an example."
            )
          )
        )
      }
      return ExportSchedule.layer({
        name: schedule.name,
        cron: schedule.cron,
        tasks: (scheduled) =>
          Effect.forEach(submissions(scheduled), (submission): Effect.Effect<ReadonlyArray<ExportTask>> =>
            tasks(submission).pipe(
              Effect.map((task) => [task]),
              Effect.catch((error) => Effect.as(Effect.logError(`schedule ${schedule.name}: ${error.message}`), []))
            )
          ).pipe(Effect.map((found) => found.flat()))
      })
    })
  )
})
