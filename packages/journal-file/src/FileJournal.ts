/**
 * A journal in one file: JSON lines, one for each finished step, synced before the run goes on. A person can read it.
 *
 * ```jsonl
 * {"format":"longshore-journal/1","createdUtc":"2026-11-24T03:00:00.000Z","identity":{…}}
 * {"at":"2026-11-24T03:00:00.210Z","step":"intent","value":{"process":"5be1…"}}
 * {"at":"2026-11-24T03:00:00.480Z","step":"add","value":{"_tag":"Accepted","exportId":"3fa85f64-…"}}
 * ```
 *
 * @since 0.1.0
 */
import { JournalError } from "@longshore/core/ExportError"
import * as Journal from "@longshore/core/Journal"
import { Disk, ensureFolder } from "@longshore/disk/Disk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Path from "node:path"
import * as file from "./internal/file.ts"
import { acquire, locks } from "./internal/lock.ts"
import { parse } from "./internal/parse.ts"
import type { Process } from "./Processes.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface FileJournalOptions {
  /** Made if it is missing, with the folders above it, for its owner only. `<path>.lock.*` is its lock. */
  readonly path: string
  /** What the run is about. A journal of another identity is refused. The order of keys does not matter. */
  readonly identity: Schema.Json
  /**
   * What else a reader should know, such as how the run was started. It is not compared, and takes the place of what an
   * earlier process said.
   */
  readonly context?: Schema.Json
}

/**
 * What a journal holds.
 *
 * @since 0.1.0
 * @category models
 */
export interface JournalContent {
  /** ISO 8601. */
  readonly createdUtc: string
  readonly identity: Schema.Json
  /** What the process that opened it last had to say beside it. */
  readonly context: Schema.Json | undefined
  /** By name, in the order in which they were finished. `at` is ISO 8601. */
  readonly steps: ReadonlyMap<string, { readonly at: string; readonly value: unknown }>
  /** Whether a crash left its end unfinished. That counts as not written. */
  readonly torn: boolean
}

/**
 * The journal of one run. One process at a time: another one gets a `JournalError` of reason `Locked`, unless the
 * process that holds the lock is gone. That is told by host, process id and the time it started, so it ends where these
 * do: on network shares that several hosts lock, and in containers that share a folder but not their processes.
 *
 * What a crash left unfinished at its end is dropped; anything else that is not expected is refused and left as it is. A line that cannot be
 * written stops the run: it dies with a `JournalError`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: FileJournalOptions): Layer.Layer<Journal.Journal, JournalError> =>
  Layer.effect(Journal.Journal, make(options))

const make = Effect.fnUntraced(function* ({ context, identity, path }: FileJournalOptions) {
  const disk = yield* Disk
  const about = file.about(path)
  yield* about(ensureFolder(disk, Path.dirname(path)))
  yield* acquire(disk, path)
  const bytes = yield* about(file.read(disk, path))
  const parsed = yield* parse(path, bytes ?? new Uint8Array())
  if (parsed !== undefined && canonical(parsed.identity) !== canonical(identity)) {
    return yield* new JournalError({ reason: "OtherRequest", location: path, problem: "it is about another request" })
  }
  const known = new Map([...(parsed?.steps ?? [])].map(([name, { value }]) => [name, value]))
  const kept = context ?? parsed?.context
  const first = {
    format: "longshore-journal/1",
    createdUtc: parsed?.createdUtc ?? DateTime.formatIso(yield* DateTime.now),
    identity: parsed?.identity ?? identity,
    ...(kept === undefined ? {} : { context: kept })
  }
  const steps = bytes?.subarray(parsed?.firstLength ?? 0, parsed?.length ?? 0) ?? new Uint8Array()
  const out = yield* file.begin(disk, path, first, steps)
  return Journal.make({
    get: (name) => (known.has(name) ? Option.some(known.get(name)) : Option.none()),
    set: Effect.fnUntraced(function* (name, value) {
      const at = DateTime.formatIso(yield* DateTime.now)
      yield* Effect.orDie(out.append({ at, step: name, value }))
      known.set(name, value)
    }, Effect.uninterruptible)
  })
})

/**
 * Reads a journal without touching it or its lock: for looking at a run from outside.
 *
 * @since 0.1.0
 * @category reading
 */
export const read = Effect.fnUntraced(function* (path: string): Effect.fn.Return<JournalContent, JournalError> {
  const bytes = yield* file.about(path)(file.read(yield* Disk, path))
  if (bytes === undefined) {
    return yield* new JournalError({ reason: "Unavailable", location: path, problem: "there is no such file" })
  }
  const parsed = yield* parse(path, bytes)
  if (parsed === undefined) {
    return yield* new JournalError({ reason: "Broken", location: path, problem: "its first line was never finished" })
  }
  const { context, createdUtc, identity, steps, torn } = parsed
  return { context, createdUtc, identity, steps, torn }
})

/**
 * Keeps every process from a journal until the scope closes, without opening it: for tidying up after a run. Its folder
 * has to be there.
 *
 * @since 0.1.0
 * @category maintenance
 */
export const lock = (path: string): Effect.Effect<void, JournalError, Scope.Scope> =>
  Effect.flatMap(Disk, (disk) => acquire(disk, path))

/**
 * The process that works with a journal, if there is one. Touches nothing, so it may be another one in the next moment.
 *
 * @since 0.1.0
 * @category reading
 */
export const holder = (path: string): Effect.Effect<Process | undefined, JournalError> =>
  Effect.flatMap(Disk, (disk) =>
    Effect.map(
      file.about(path)(locks(disk, path)),
      (found) => found.find(({ holder, isOver }) => holder !== undefined && !isOver)?.holder
    )
  )

const canonical = (json: Schema.Json): string =>
  JSON.stringify(json, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  )
