/** `--events`: what the library tells, as lines of JSON at the end of a file. */
import * as EventLine from "@longshore/core/EventLine"
import type { ExportEvent } from "@longshore/core/ExportEvent"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs/promises"
import { ConfigError, UsageError } from "./Problem.ts"
import * as Redaction from "./Redaction.ts"

export interface EventLogOptions {
  /** `-` is stdout. */
  readonly path: string
  readonly redact: Redaction.Redaction
  /** Is given one line, once: when nothing more can be written. The run goes on. */
  readonly tell: (line: string) => Effect.Effect<void>
}

/** Whose event it is, where a program has many runs of one type: becomes part of the line. */
export interface About {
  readonly run?: string
  readonly account?: string
}

interface Waiting<Event> {
  readonly event: Event
  readonly about: About
}

/** Lines are written this often; meanwhile the bytes that come for one file are one sum. */
const interval = "1 second"

/** More events than this only wait for a disk or a reader that is stuck. */
const mostWaiting = 100_000

const encode = Schema.encodeSync(EventLine.EventLine)

/** Opens the file, or says why it cannot be. What is waiting is written when the scope closes, whatever closes it. */
export const make = Effect.fnUntraced(function* ({
  path,
  redact,
  tell
}: EventLogOptions): Effect.fn.Return<
  (event: ExportEvent, about?: About) => Effect.Effect<void>,
  ConfigError,
  Scope.Scope
> {
  const write = path === "-" ? toStdout : yield* toFile(path)
  const stringify = Redaction.stringify(redact)
  let waiting: Array<Waiting<ExportEvent>> = []
  const received = new Map<string, Waiting<ExportEvent & { readonly _tag: "BytesReceived" }>>()
  let broken = false

  const giveUp = (why: string) =>
    Effect.suspend(() => {
      if (broken) return Effect.void
      broken = true
      waiting = []
      received.clear()
      return tell(`events can no longer be written to ${path === "-" ? "stdout" : path} (${why}); the run goes on`)
    })
  const flush = Effect.promise(async () => {
    const events = [...waiting, ...received.values()]
    waiting = []
    received.clear()
    const lines = events.map(({ about, event }) => `${stringify({ ...encode(EventLine.make(event)), ...about })}\n`)
    if (events.length > 0) await write(lines.join(""))
  }).pipe(
    Effect.catchCause((cause) => giveUp(codeOf(Cause.squash(cause)))),
    Effect.uninterruptible
  )
  yield* Effect.addFinalizer(() => flush)
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(interval), flush)))

  return (event, about = {}) =>
    Effect.suspend(() => {
      if (broken) return Effect.void
      if (event._tag === "BytesReceived") {
        const sum = received.get(event.key)?.event.bytes ?? 0
        received.set(event.key, { event: { ...event, bytes: event.bytes + sum }, about })
        return Effect.void
      }
      // What is said of one file keeps its order.
      const sum = "key" in event ? received.get(event.key) : undefined
      if (sum !== undefined) {
        received.delete(sum.event.key)
        waiting.push(sum)
      }
      waiting.push({ event, about })
      return waiting.length > mostWaiting ? giveUp("it takes them too slowly") : Effect.void
    })
})

/** Events are only for a stdout that nothing else needs. */
export const check = (
  path: string | undefined,
  stdout: { readonly data: boolean; readonly json: boolean }
): Effect.Effect<void, UsageError> =>
  path === "-" && (stdout.data || stdout.json)
    ? Effect.fail(
        new UsageError({
          problem: `--events - and ${stdout.data ? "--to -" : "--json"} both need stdout.`,
          nextStep: "Name a file for the events."
        })
      )
    : Effect.void

type Write = (text: string) => Promise<void>

const toFile = Effect.fnUntraced(function* (path: string): Effect.fn.Return<Write, ConfigError, Scope.Scope> {
  const refused = (cause: unknown) =>
    new ConfigError({
      problem: `The file for events, ${path}, cannot be written (${codeOf(cause)}).`,
      nextStep: "Name a file that this user can write, in a folder that exists, or leave --events out."
    })
  const handle = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => Fs.open(path, "a", 0o600), catch: refused }),
    (file) => Effect.promise(() => file.close().catch(() => undefined)),
    { interruptible: true }
  )
  // A crash may have left the last line unfinished.
  let before = (yield* Effect.tryPromise({ try: () => isCutShort(path), catch: refused })) ? "\n" : ""
  return async (text) => {
    await handle.appendFile(before + text)
    before = ""
  }
})

const isCutShort = async (path: string): Promise<boolean> => {
  const stat = await Fs.stat(path)
  if (!stat.isFile() || stat.size === 0) return false
  // Who may only write cannot know.
  const file = await Fs.open(path, "r").catch(() => undefined)
  if (file === undefined) return false
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, stat.size - 1).finally(() => file.close())
  return buffer.toString() !== "\n"
}

const toStdout: Write = (text) =>
  new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error == null ? resolve() : reject(error)))
  })

const codeOf = (cause: unknown): string =>
  cause instanceof Error ? ("code" in cause ? String(cause.code) : cause.message) : "unknown"
