/**
 * Which process this is, and whether another one is still at work: what a lock needs to know. The operating system's
 * answer is the default.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { hostname } from "node:os"

/**
 * @since 0.1.0
 * @category models
 */
export const Process = Schema.Struct({
  host: Schema.String,
  pid: Schema.Int,
  /** When the process started, as the kernel counts; tells it from a later one with the same id. */
  started: Schema.NullOr(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Process = typeof Process.Type

/**
 * Start time since boot (proc(5), stat, field 22) and the boot; `null` where there is no /proc, and of a process that is
 * dead and was not waited for (a zombie): in containers whose first process waits for nobody, these stay.
 */
const startOf = (pid: number): string | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    if (fields[0] === "Z" || fields[0] === "X") return null
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${fields[19] ?? ""}`
  } catch {
    return null
  }
}

const hasCode = (cause: unknown, code: string): boolean =>
  typeof cause === "object" && cause !== null && "code" in cause && cause.code === code

/**
 * @since 0.1.0
 * @category services
 */
export const Processes = Context.Reference<{
  readonly self: () => Process
  /** Of a process on this host. */
  readonly isAlive: (other: Process) => boolean
}>("@longshore/journal-file/Processes", {
  defaultValue: () => ({
    self: () => ({ host: hostname(), pid: process.pid, started: startOf(process.pid) }),
    isAlive: ({ pid, started }) => {
      try {
        process.kill(pid, 0)
      } catch (cause) {
        // EPERM: it lives, and belongs to somebody else.
        if (hasCode(cause, "ESRCH")) return false
      }
      return started === null || startOf(pid) === started
    }
  })
})
