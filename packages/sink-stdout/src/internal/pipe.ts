import { SinkError } from "@longshore/core/ExportError"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type * as Scope from "effect/Scope"
import type { Writable } from "node:stream"

const words: Record<string, readonly [SinkError["reason"], string]> = {
  EPIPE: ["Closed", "the reader closed the pipe"],
  ERR_STREAM_DESTROYED: ["Closed", "the reader closed the pipe"],
  ERR_STREAM_WRITE_AFTER_END: ["Closed", "the reader closed the pipe"],
  ECONNRESET: ["Closed", "the reader closed the pipe"],
  ENOSPC: ["NoSpace", "the disk behind it is full"],
  EDQUOT: ["NoSpace", "the quota of the disk behind it is used up"],
  EFBIG: ["NoSpace", "the file behind it may not become larger"]
}

const failure = (cause: unknown): SinkError => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "UNKNOWN"
  const [reason, problem] = words[code] ?? ["Unknown", "it cannot be written to"]
  return new SinkError({ reason, location: "stdout", problem: `${problem} (${code})` })
}

/**
 * Writes a chunk and waits until it is taken, so that a slow reader holds the transfer back instead of filling the
 * memory.
 */
export const makePipe = Effect.fnUntraced(function* (
  writable: Writable
): Effect.fn.Return<(chunk: Uint8Array) => Effect.Effect<void, SinkError>, never, Scope.Scope> {
  let broken: unknown
  // Some streams never tell a write that was under way when they were destroyed.
  let waiting: (() => void) | undefined
  // Without a listener the error of a closed pipe would end the process with a stack trace.
  const onError = (cause: unknown) => {
    broken = cause
  }
  const onClose = () => waiting?.()
  yield* Effect.acquireRelease(
    Effect.sync(() => writable.on("error", onError).on("close", onClose)),
    () =>
      Effect.sync(() => {
        writable.off("close", onClose)
        // A pipe that broke stays broken: its late errors still need somebody to hear them.
        if (broken === undefined && !writable.destroyed) writable.off("error", onError)
      })
  )
  const turn = yield* Semaphore.make(1)
  return (chunk) =>
    Semaphore.withPermit(
      turn,
      Effect.callback<void, SinkError>((resume) => {
        waiting = () => resume(Effect.fail(failure(broken ?? { code: "EPIPE" })))
        if (broken !== undefined || writable.destroyed || writable.writableEnded) return waiting()
        writable.write(chunk, (cause) => {
          if (cause) broken ??= cause
          resume(cause ? Effect.fail(failure(cause)) : Effect.void)
        })
      })
    )
})
