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
 * Which file, and what it is about.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileJournalOptions {
  /**
   * The file. Made if it is missing, with the folders above it, for its owner only (0600, 0700). `<path>.lock.*` is its
   * lock, and `<path>.new` what it is written anew into. One file for each run.
   */
  readonly path: string
  /**
   * What the run is about, as JSON without secrets. A journal of another identity is refused. The order of keys does not
   * matter. `RunIdentity.make` of `@longshore/core` gives one for an export.
   */
  readonly identity: Schema.Json
  /**
   * What else a reader should know, such as how the run was started. It is not compared, and takes the place of what an
   * earlier process said. Default: what the earlier process said.
   */
  readonly context?: Schema.Json
}

/**
 * What a journal holds, for whoever looks at a run from outside.
 *
 * @since 0.1.0
 * @category models
 */
export interface JournalContent {
  /** When its first process opened it. ISO 8601. */
  readonly createdUtc: string
  /** What the run is about. */
  readonly identity: Schema.Json
  /** What the process that opened it last had to say beside it, if anything. */
  readonly context: Schema.Json | undefined
  /** By name, in the order in which they were finished. `at` is ISO 8601, `value` as the step's `success` encodes it. */
  readonly steps: ReadonlyMap<string, { readonly at: string; readonly value: unknown }>
  /** Whether a crash left its end unfinished: half a line, or zeros. That counts as not written. */
  readonly torn: boolean
}

/**
 * The journal of one run, in a file. A step's line is on the disk (fsync(2)) before the run goes on. This is the journal for
 * a program on one machine that should go on where its last process stopped; `Journal.layerMemory` of `@longshore/core` is for
 * one that may start over.
 *
 * One process at a time: another one gets a `JournalError` of reason `Locked`, after a third of a second at most, unless the
 * process that holds the lock is gone. That is told by host, process id and the time it started, so it ends where these
 * do: on network shares that several hosts lock, and in containers that share a folder but not their processes.
 *
 * What a crash left unfinished at its end is dropped; anything else that is not expected is refused and left as it is. So
 * building the layer fails with a `JournalError` of reason
 *
 * - `Locked`: another process works on this run;
 * - `OtherRequest`: it has another `identity`;
 * - `NewerVersion`: a later version of Longshore wrote it;
 * - `Broken`: it is no journal, or was edited;
 * - `NoSpace`, `Unavailable`: the file or its folder cannot be read or written.
 *
 * A line that cannot be written later stops the run: the effect of the step dies with a `JournalError`, because a step that is
 * done and not remembered would be done again.
 *
 * @example A second process goes on with what the first one did
 * ```ts
 * import { Journal } from "@longshore/core"
 * import { FileJournal } from "@longshore/journal-file"
 * import { Effect, Schema } from "effect"
 *
 * let calls = 0
 * const step = { name: "ask", success: Schema.Int, error: Schema.Never, execute: Effect.sync(() => ++calls) }
 * const run = Journal.Journal.use((journal) => journal.step(step))
 *
 * const layer = FileJournal.layer({ path: "./state/payments.jsonl", identity: { what: "payments" } })
 * await Effect.runPromise(Effect.provide(run, layer)) // => 1
 * await Effect.runPromise(Effect.provide(run, layer)) // => 1
 * calls // => 1
 * ```
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
 * Reads a journal without touching it or its lock: for looking at a run from outside, also while it goes on.
 *
 * Fails with a `JournalError` of reason `Unavailable` if the file is not there or cannot be read, `Broken` if it is no journal or
 * its first line was never finished, `NewerVersion` if a later version of Longshore wrote it.
 *
 * @example
 * ```ts
 * import { FileJournal } from "@longshore/journal-file"
 * import { Effect, Layer } from "effect"
 *
 * const path = "./payments.jsonl"
 * const journal = FileJournal.layer({ path, identity: { what: "payments" } })
 *
 * const program = Effect.gen(function* () {
 *   const { identity, steps, torn } = yield* FileJournal.read(path)
 *   return { identity, done: [...steps.keys()], torn }
 * }).pipe(Effect.provide(journal))
 *
 * await Effect.runPromise(program) // => { identity: { what: "payments" }, done: [], torn: false }
 * ```
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
 * Keeps every process from a journal until the scope closes, without opening it: for tidying up after a run. Fails with a
 * `JournalError` of reason `Locked` if a process works on the run, and with `Unavailable` or `NoSpace` if the lock cannot be
 * written. The journal's folder has to be there; the journal itself need not be.
 *
 * @example
 * ```ts
 * import { FileJournal } from "@longshore/journal-file"
 * import { Effect, Layer } from "effect"
 *
 * const path = "./payments.jsonl"
 * const open = Effect.scoped(Layer.build(FileJournal.layer({ path, identity: "payments" })))
 *
 * const program = Effect.gen(function* () {
 *   yield* FileJournal.lock(path)
 *   return (yield* Effect.flip(open)).reason
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => "Locked"
 * ```
 *
 * @since 0.1.0
 * @category maintenance
 */
export const lock = (path: string): Effect.Effect<void, JournalError, Scope.Scope> =>
  Effect.flatMap(Disk, (disk) => acquire(disk, path))

/**
 * The process that works with a journal, if there is one. Touches nothing, so it may be another one in the next moment. A
 * process on another host counts as alive, as nobody here can tell. Fails with a `JournalError` of reason `Unavailable` if
 * the folder cannot be read.
 *
 * @example
 * ```ts
 * import { FileJournal } from "@longshore/journal-file"
 * import { Effect } from "effect"
 *
 * const path = "./payments.jsonl"
 * const pid = Effect.map(FileJournal.holder(path), (process) => process?.pid)
 * const journal = FileJournal.layer({ path, identity: "payments" })
 *
 * await Effect.runPromise(Effect.provide(pid, journal)) // => process.pid
 * await Effect.runPromise(pid) // => undefined
 * ```
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
