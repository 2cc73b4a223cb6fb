/** One process for each journal: lock files beside it name processes, so that those of dead ones can be told. */
import { JournalError } from "@longshore/core/ExportError"
import type { Disk, DiskError } from "@longshore/disk/Disk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Path from "node:path"
import { Process, Processes } from "../Processes.ts"
import { about, read } from "./file.ts"

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Process))

/**
 * Locks this journal for the scope, or says who has it. A lock has one name, however the journal's path is written
 * (`./state/run.jsonl`), and wherever the program goes meanwhile.
 */
export const acquire = (disk: Disk, path: string): Effect.Effect<void, JournalError, Scope.Scope> =>
  Effect.acquireRelease(take(disk, Path.resolve(path)), (mine) => Effect.ignore(disk.remove(mine))).pipe(Effect.asVoid)

/** How often one looks again before it believes that somebody else is at work. Two that begin together part in these. */
const tries = 6

/**
 * Every process puts up a lock of its own and then looks for others. As each looks after its own is up, of two at least
 * one sees the other, and steps back: two never hold. Locks of dead processes are cleared away by whoever sees them.
 */
const take = Effect.fnUntraced(function* (disk: Disk, path: string): Effect.fn.Return<string, JournalError> {
  const { self } = yield* Processes
  const me = self()
  const number = (yield* Random.nextIntBetween(0, 2 ** 32)).toString(16).padStart(8, "0")
  // As `locks` finds it: a path such as `./run.jsonl` has more than one spelling.
  const mine = Path.join(Path.dirname(path), `${Path.basename(path)}.lock.${me.pid}-${number}`)
  const attempt = Effect.gen(function* () {
    // Synced, then renamed into place: nobody ever reads half a lock, also not after a power cut.
    const content = new TextEncoder().encode(JSON.stringify(me))
    yield* Effect.scoped(
      Effect.flatMap(disk.open(`${mine}.tmp`, "update"), (file) => Effect.andThen(file.write([content], 0), file.sync))
    )
    yield* disk.rename(`${mine}.tmp`, mine)
    const found = yield* findOther(disk, path, mine)
    if (found !== undefined) yield* disk.remove(mine)
    return found
  }).pipe(Effect.tapError(() => Effect.ignore(disk.remove(mine))))
  for (let n = 1; ; n++) {
    const other = yield* about(path)(attempt)
    if (other === undefined) return mine
    if (n === tries) {
      const problem = `process ${other.pid} on ${other.host} is working on this run`
      return yield* new JournalError({ reason: "Locked", location: path, problem })
    }
    yield* Effect.sleep(Duration.millis(yield* Random.nextBetween(5, 20 * n)))
  }
})

/** Another process that holds the journal. What dead ones left is cleared away. */
const findOther = Effect.fnUntraced(function* (
  disk: Disk,
  path: string,
  mine: string
): Effect.fn.Return<Process | undefined, DiskError> {
  let other: Process | undefined
  for (const { holder, isOver, lock } of yield* locks(disk, path)) {
    if (lock === mine) continue
    if (isOver) yield* disk.remove(lock)
    else other = holder ?? other
  }
  return other
})

interface Lock {
  readonly lock: string
  /** `undefined`: not put up yet. */
  readonly holder: Process | undefined
  /** Its process is dead. */
  readonly isOver: boolean
}

/** The locks beside a journal, without touching them. */
export const locks = Effect.fnUntraced(function* (
  disk: Disk,
  path: string
): Effect.fn.Return<ReadonlyArray<Lock>, DiskError> {
  const { isAlive, self } = yield* Processes
  const folder = Path.dirname(path)
  const prefix = `${Path.basename(path)}.lock.`
  const found: Array<Lock> = []
  for (const name of yield* disk.list(folder)) {
    const lock = Path.join(folder, name)
    if (!name.startsWith(prefix)) continue
    if (name.endsWith(".tmp")) {
      // Of a process that died in the moment before the rename.
      const stat = yield* disk.stat(lock)
      const age = (yield* Clock.currentTimeMillis) - Number((stat?.mtimeNs ?? 0n) / 1_000_000n)
      if (stat !== undefined) found.push({ lock, holder: undefined, isOver: age > 60_000 })
      continue
    }
    const bytes = yield* read(disk, lock)
    // Its process has just taken it down.
    if (bytes === undefined) continue
    const text = new TextDecoder().decode(bytes)
    const holder = Option.getOrElse(decode(text), (): Process => ({ host: "an unknown host", pid: 0, started: null }))
    found.push({ lock, holder, isOver: holder.host === self().host && !isAlive(holder) })
  }
  return found
})
