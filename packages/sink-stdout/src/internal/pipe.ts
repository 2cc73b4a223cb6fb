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
  ENOSPC: ["NoSpace", "the disk behind it is full"]
}

const failure = (cause: unknown): SinkError => {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "UNKNOWN"
  const [reason, problem] = words[code] ?? ["Unknown", "it cannot be written to"]
  return new SinkError({ reason, location: "stdout", problem: `${problem} (${code})` })
}

/**
 * Writes chunks and waits until each is taken, so that a slow reader holds the transfer back instead of filling the
 * memory.
 */
export const makePipe = Effect.fnUntraced(function* (
  writable: Writable
): Effect.fn.Return<(chunks: ReadonlyArray<Uint8Array>) => Effect.Effect<void, SinkError>, never, Scope.Scope> {
  // Without a listener the error of a closed pipe would end the process with a stack trace.
  let broken: unknown
  const listener = (cause: unknown) => {
    broken = cause
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => writable.on("error", listener)),
    // A pipe that broke stays broken: its late errors still need somebody to hear them.
    () =>
      Effect.sync(() =>
        broken === undefined && !writable.destroyed ? void writable.off("error", listener) : undefined
      )
  )
  const turn = yield* Semaphore.make(1)
  const write = (chunk: Uint8Array) =>
    Effect.callback<void, SinkError>((resume) => {
      if (broken !== undefined || writable.destroyed || writable.writableEnded) {
        resume(Effect.fail(failure(broken ?? { code: "EPIPE" })))
        return
      }
      writable.write(chunk, (cause) => {
        if (cause) broken = cause
        resume(cause ? Effect.fail(failure(cause)) : Effect.void)
      })
    })
  return (chunks) => Semaphore.withPermit(turn, Effect.forEach(chunks, write, { discard: true }))
})
