/** One process for each journal: lock files beside it name processes, so that those of dead ones can be told. */
import { JournalError } from "@longshore/core/ExportError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs/promises"
import { readFileSync } from "node:fs"
import { hostname } from "node:os"
import * as Path from "node:path"
import { codeOf, unavailable } from "./file.ts"

const Holder = Schema.Struct({
  host: Schema.String,
  pid: Schema.Int,
  /** When the process started, as the kernel counts; tells it from a later one with the same id. */
  started: Schema.NullOr(Schema.String)
})
type Holder = typeof Holder.Type
const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Holder))

/** Start time since boot (proc(5), stat, field 22) and the boot; `null` where there is no /proc. */
const startOf = (pid: number): string | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${fields[19] ?? ""}`
  } catch {
    return null
  }
}

const isAlive = (holder: Holder): boolean => {
  try {
    process.kill(holder.pid, 0)
  } catch (cause) {
    // EPERM: it lives, and belongs to somebody else.
    if (codeOf(cause) === "ESRCH") return false
  }
  return holder.started === null || startOf(holder.pid) === holder.started
}

const self = (): Holder => ({ host: hostname(), pid: process.pid, started: startOf(process.pid) })

/** Locks this journal for the scope, or says who has it. */
export const acquire = (path: string): Effect.Effect<void, JournalError, Scope.Scope> =>
  Effect.acquireRelease(take(path), (mine) => Effect.promise(() => fs.rm(mine, { force: true }))).pipe(Effect.asVoid)

/** How often one looks again before it believes that somebody else is at work. Two that begin together part in these. */
const tries = 6

/**
 * Every process puts up a lock of its own and then looks for others. As each looks after its own is up, of two at least
 * one sees the other, and steps back: two never hold. Locks of dead processes are cleared away by whoever sees them.
 */
const take = Effect.fnUntraced(function* (path: string): Effect.fn.Return<string, JournalError> {
  const mine = `${path}.lock.${process.pid}-${randomUUID()}`
  const attempt = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({ try: run, catch: (cause) => unavailable(path, cause) })
  for (let n = 1; ; n++) {
    const other = yield* attempt(async () => {
      // Renamed into place: nobody ever reads half a lock.
      await fs.writeFile(`${mine}.tmp`, JSON.stringify(self()), { mode: 0o600 })
      await fs.rename(`${mine}.tmp`, mine)
      const found = await findOther(path, mine)
      if (found !== undefined) await fs.rm(mine, { force: true })
      return found
    })
    if (other === undefined) return mine
    if (n === tries) {
      const problem = `process ${other.pid} on ${other.host} is working on this run`
      return yield* new JournalError({ reason: "Locked", location: path, problem })
    }
    yield* Effect.sleep(Duration.millis(yield* Random.nextBetween(5, 20 * n)))
  }
})

const findOther = async (path: string, mine: string): Promise<Holder | undefined> => {
  const folder = Path.dirname(path)
  const prefix = `${Path.basename(path)}.lock.`
  let other: Holder | undefined
  for (const name of await fs.readdir(folder)) {
    const lock = Path.join(folder, name)
    if (!name.startsWith(prefix) || lock === mine) continue
    if (name.endsWith(".tmp")) {
      // Of a process that died in the moment before the rename.
      const stat = await fs.stat(lock).catch(() => undefined)
      if (stat !== undefined && Date.now() - stat.mtimeMs > 60_000) await fs.rm(lock, { force: true })
      continue
    }
    const text = await fs.readFile(lock, "utf8").catch(() => undefined)
    if (text === undefined) continue
    const holder = Option.getOrElse(decode(text), (): Holder => ({ host: "an unknown host", pid: 0, started: null }))
    if (holder.host === hostname() && !isAlive(holder)) await fs.rm(lock, { force: true })
    else other = holder
  }
  return other
}
