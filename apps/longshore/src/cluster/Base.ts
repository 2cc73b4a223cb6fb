/** The place below which a cluster delivers: `--to` of its runners. Whoever submits names a path in it, and no other place. */
import type { ExportId } from "@longshore/core/Export"
import { InvalidRequest, type SinkError } from "@longshore/core/ExportError"
import { ObjectKey } from "@longshore/core/ObjectSink"
import type { ExportTask } from "@longshore/workflow/ExportTask"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { UsageError } from "../output/Problem.ts"
import * as Leftovers from "../runs/Leftovers.ts"
import * as Target from "../runs/Target.ts"
import type { Settings } from "../settings/Settings.ts"

export const ofSettings = Effect.fnUntraced(function* (
  settings: Settings
): Effect.fn.Return<Target.Storage, UsageError> {
  const target = yield* Target.ofSettings(settings)
  if (target._tag !== "Stdout") return target
  return yield* new UsageError({
    problem: "A runner cannot deliver to stdout.",
    nextStep: "Name a folder that all runners share (--to /srv/mews), or a bucket (--to s3://bucket/prefix)."
  })
})

const isPath = Schema.is(ObjectKey)

/** Where something for this account goes. */
export const below = Effect.fnUntraced(function* (
  base: Target.Storage,
  { account, path }: { readonly account: string; readonly path?: string | undefined }
): Effect.fn.Return<Target.Storage, InvalidRequest> {
  const wanted = path ?? account
  if (!isPath(wanted)) {
    return yield* new InvalidRequest({
      parameter: "path",
      problem: `"${wanted}"${path === undefined ? ", the account's name," : ""} cannot be a folder's name: it takes letters, digits, '.', '_' and '-', in segments joined by '/'`
    })
  }
  return yield* Effect.mapError(
    Target.below(base, wanted),
    ({ problem }) => new InvalidRequest({ parameter: "path", problem: problem.replace(/\.$/, "") })
  )
})

/** The target of a task, which another runner or an older configuration may have made. */
export const targetOf = Effect.fnUntraced(function* (
  base: Target.Storage,
  { account, target }: Pick<ExportTask, "account" | "target">
): Effect.fn.Return<Target.Storage, InvalidRequest> {
  const path = Target.pathWithin(base, target)
  if (path !== undefined && isPath(path)) {
    const found = yield* below(base, { account, path })
    if (found.text === target) return found
  }
  return yield* new InvalidRequest({
    parameter: "target",
    problem: `${target} is not below ${base.text}, where this runner delivers`
  })
})

/** Bytes of an export's files that are on their way, in its target. */
export const stored = Effect.fnUntraced(function* (
  base: Target.Storage,
  task: ExportTask,
  exportId: ExportId
): Effect.fn.Return<number, InvalidRequest | SinkError> {
  const folder = `${task.request.entityType}/${exportId}`
  const found = yield* Leftovers.find(yield* targetOf(base, task), [], folder)
  return found.reduce((sum, { size }) => sum + size, 0)
})
