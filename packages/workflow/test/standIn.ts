/** An `ExportCluster` that has no engine: runs are what a test says they are. */
import { InvalidRequest } from "@longshore/core/ExportError"
import * as Exports from "@longshore/core/Exports"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { ExportCluster, type ExportTask, RunStatus } from "../src/index.ts"

export interface StandIn {
  readonly service: ExportCluster.ExportCluster["Service"]
  /** By id, in the order of submission. */
  readonly runs: Map<string, RunStatus.RunStatus>
  /** Changes what a run is. */
  readonly set: (id: string, change: Partial<RunStatus.RunStatus>) => void
  /** While it is not undefined, everything that is asked does this first. */
  broken: Effect.Effect<void> | undefined
}

/** No part of a run's key. */
const unset = { onBusy: undefined, onExpired: undefined, maxWait: undefined, poll: undefined, partSize: undefined }

export const make = (): StandIn => {
  const runs = new Map<string, RunStatus.RunStatus>()
  const asked = <A, E>(answer: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => (standIn.broken === undefined ? answer : Effect.andThen(standIn.broken, answer)))
  const find = (id: string) =>
    Effect.suspend(() => {
      const run = runs.get(id)
      return run === undefined ? Effect.fail(new RunStatus.RunNotFound({ id })) : Effect.succeed(run)
    })
  const standIn: StandIn = {
    runs,
    broken: undefined,
    set: (id, change) => {
      const run = runs.get(id)
      if (run === undefined) throw new Error(`There is no run ${id}.`)
      runs.set(id, { ...run, ...change })
    },
    service: ExportCluster.ExportCluster.of({
      submit: (task) =>
        asked(
          Effect.map(Exports.validate(task.request), () => {
            const key = JSON.stringify({ ...task, ...unset })
            const id = createHash("sha256").update(key).digest("hex").slice(0, 32)
            const submittedUtc = new Date(Date.UTC(2026, 4, 1, 3, 0, runs.size)).toISOString()
            const run = runs.get(id) ?? { id, task, state: "running" as const, stage: "asking" as const, submittedUtc }
            const stopped = run.state === "failed" || run.state === "cancelled"
            runs.set(id, stopped ? { ...run, state: "running", task: { ...run.task, ...task } } : run)
            return runs.get(id) ?? run
          })
        ),
      status: (id) => asked(find(id)),
      wait: (id, timeout = Duration.infinity) =>
        asked(
          Effect.gen(function* () {
            const until = Date.now() + Duration.toMillis(timeout)
            for (;;) {
              const run = yield* find(id)
              if (run.state !== "running" || Date.now() >= until) return run
              yield* Effect.sleep(20)
            }
          })
        ),
      cancel: (id) =>
        asked(
          Effect.map(find(id), ({ state }) => {
            if (state === "running") standIn.set(id, { state: "cancelled" })
          })
        ),
      resume: (id, policy) =>
        asked(
          Effect.map(find(id), ({ state, task }) => {
            if (state === "failed" || state === "cancelled") {
              standIn.set(id, { state: "running", task: { ...task, ...policy } })
            }
          })
        ),
      list: ({ account, before, limit = 100, state } = {}) =>
        asked(
          Effect.gen(function* () {
            if (before !== undefined) yield* find(before)
            const latest = [...runs.values()].reverse()
            const page = before === undefined ? latest : latest.slice(latest.findIndex(({ id }) => id === before) + 1)
            return page
              .filter((run) => account === undefined || run.task.account === account)
              .filter((run) => state === undefined || run.state === state)
              .slice(0, limit)
          })
        )
    })
  }
  return standIn
}

/** A program's way from a submission to a task. It knows two accounts. */
export const tasks = ({
  path,
  ...submission
}: {
  readonly account: string
  readonly path?: string
} & Omit<ExportTask.ExportTask, "platformAddress" | "target" | "account">): Effect.Effect<
  ExportTask.ExportTask,
  InvalidRequest
> =>
  ["lisbon", "porto"].includes(submission.account)
    ? Effect.succeed({
        ...submission,
        platformAddress: "https://api.mews.com",
        target: `s3://bucket/mews/${path ?? submission.account}`
      })
    : Effect.fail(
        new InvalidRequest({
          parameter: "account",
          problem: `this runner's configuration has no account "${submission.account}"`
        })
      )
