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
 * A process, as a lock names it. The schema of what a lock file holds.
 *
 * @example
 * ```ts
 * import { Processes } from "@longshore/journal-file"
 * import { Effect, Schema } from "effect"
 *
 * const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Processes.Process))
 * const { pid } = await Effect.runPromise(decode('{"host":"here","pid":7,"started":null}'))
 * pid // => 7
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const Process = Schema.Struct({
  /** The machine's host name. A process of another host is never taken for dead. */
  host: Schema.String,
  /** The operating system's number of it. */
  pid: Schema.Int,
  /**
   * When the process started, as the kernel counts (on Linux the boot's id, and ticks since then); tells it from a later
   * one with the same number. `null` where that cannot be told.
   */
  started: Schema.NullOr(Schema.String)
})

/**
 * A process, as a lock names it.
 *
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
 * Which process this is, and whether another one is at work. The default asks the operating system: `kill(pid, 0)` (kill(2)) and,
 * on Linux, the start time in `/proc/<pid>/stat` (proc_pid_stat(5), field 22). Provide your own where these do not tell: a
 * cluster that knows better which of its members are alive, or a test that plays several processes.
 *
 * @example A test plays a process that died
 * ```ts
 * import { FileJournal, Processes } from "@longshore/journal-file"
 * import { Effect, Layer } from "effect"
 *
 * const process = (pid: number) =>
 *   Layer.succeed(Processes.Processes, {
 *     self: () => ({ host: "here", pid, started: null }),
 *     isAlive: (other) => other.pid !== 1
 *   })
 * const path = "./payments.jsonl"
 * const open = Layer.build(FileJournal.layer({ path, identity: "payments" }))
 *
 * const program = Effect.gen(function* () {
 *   yield* Effect.provide(open, process(1)) // still open, and its process is gone
 *   yield* Effect.provide(open, process(2))
 *   const error = yield* Effect.flip(Effect.provide(open, process(3)))
 *   return error.reason
 * })
 * await Effect.runPromise(Effect.scoped(program)) // => "Locked"
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export const Processes = Context.Reference<{
  /** This process. */
  readonly self: () => Process
  /** Whether a process on this host still runs. A zombie does not. */
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
