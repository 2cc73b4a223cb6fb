/** `--log-file`: every line that stays, with its time, at the end of a file that only its owner can read. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import { ConfigError } from "./Problem.ts"

export interface LogFile {
  /** Is written when this returns. Says what is wrong with the file if it cannot be: a run does not end by that. */
  readonly write: (text: string) => Effect.Effect<string | undefined>
}

/** Opens it until the scope closes, and begins with this line: a log that takes no lines is found out at once. */
export const open = Effect.fn("LogFile.open")(function* (
  path: string,
  first: string
): Effect.fn.Return<LogFile, ConfigError, Scope.Scope> {
  const refuse = (code: string) =>
    new ConfigError({
      problem: `The log file ${path} cannot be written (${code}).`,
      nextStep:
        "Name a file with room, in a folder that is there, that this user may write to (--log-file), or leave it out."
    })
  const descriptor = yield* Effect.acquireRelease(
    Effect.try({
      // Non-blocking: a pipe that nobody reads is refused, and not waited for.
      try: () => Fs.openSync(path, flags, 0o600),
      catch: (cause) => refuse(codeOf(cause))
    }),
    (descriptor) => Effect.sync(() => Fs.closeSync(descriptor))
  )
  // A line that a full disk cut short is ended before the next one.
  let torn = false
  /** Answers with the code of what went wrong. */
  const append = (text: string) =>
    Effect.map(DateTime.now, (now) => {
      const time = DateTime.formatIso(now)
      const lines = text.split("\n").map((line) => `${time} ${line}\n`)
      const bytes = Buffer.from(`${torn ? "\n" : ""}${lines.join("")}`)
      try {
        for (let written = 0; written < bytes.length;) {
          written += Fs.writeSync(descriptor, bytes, written)
          torn = written < bytes.length
        }
        return undefined
      } catch (cause) {
        return codeOf(cause)
      }
    })
  const code = yield* append(first)
  if (code !== undefined) return yield* refuse(code)
  return {
    write: (text) =>
      Effect.map(append(text), (code) =>
        code === undefined ? undefined : `The log file ${path} cannot be written (${code}); the run goes on without it`
      )
  }
})

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = Fs.constants
const flags = O_WRONLY | O_APPEND | O_CREAT | (O_NONBLOCK ?? 0)

const codeOf = (cause: unknown): string => (cause instanceof Error && "code" in cause ? String(cause.code) : "unknown")
