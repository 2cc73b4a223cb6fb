/** One process for each journal: a lock file beside it that names the process, so that a dead one's can be told. */
import { JournalError } from "@longshore/core/ExportError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs/promises"
import { readFileSync } from "node:fs"
import { hostname } from "node:os"
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
  Effect.acquireRelease(take(path), (mine) => Effect.promise(() => release(`${path}.lock`, mine))).pipe(Effect.asVoid)

const take = (path: string): Effect.Effect<string, JournalError> =>
  Effect.flatMap(
    Effect.tryPromise({ try: () => tryTake(`${path}.lock`), catch: (cause) => unavailable(`${path}.lock`, cause) }),
    ({ holder, mine }) =>
      holder === undefined
        ? Effect.succeed(mine)
        : new JournalError({
            reason: "Locked",
            location: path,
            problem: `process ${holder.pid} on ${holder.host} is working on this run`
          })
  )

const tryTake = async (lock: string): Promise<{ readonly mine: string; readonly holder?: Holder }> => {
  // What is linked into place is whole: nobody ever reads half a lock.
  const mine = `${lock}.${process.pid}-${randomUUID()}`
  await fs.writeFile(mine, JSON.stringify(self()), { mode: 0o600, flag: "wx" })
  try {
    for (let tries = 0; ; tries++) {
      try {
        await fs.link(mine, lock)
        return { mine: await fs.readFile(lock, "utf8") }
      } catch (cause) {
        if (codeOf(cause) !== "EEXIST") throw cause
      }
      const text = await fs.readFile(lock, "utf8").catch(() => undefined)
      if (text === undefined) continue
      const holder = Option.getOrUndefined(decode(text))
      const unknown = { host: "an unknown host", pid: 0, started: null }
      if (holder === undefined || holder.host !== hostname() || isAlive(holder) || tries > 10) {
        return { mine: "", holder: holder ?? unknown }
      }
      // Stale. Of several that find it so, one moves it away; that it moved the stale one is checked afterwards.
      const aside = `${mine}.stale`
      try {
        await fs.rename(lock, aside)
      } catch {
        continue
      }
      if ((await fs.readFile(aside, "utf8").catch(() => undefined)) !== text) {
        // Somebody was faster and took the lock in between: give it back.
        await fs.link(aside, lock).catch(() => undefined)
      }
      await fs.rm(aside, { force: true })
    }
  } finally {
    await fs.rm(mine, { force: true })
  }
}

/** Only our own lock: one that was taken over belongs to its new holder. */
const release = async (lock: string, mine: string): Promise<void> => {
  const text = await fs.readFile(lock, "utf8").catch(() => undefined)
  if (text === mine) await fs.rm(lock, { force: true })
}
