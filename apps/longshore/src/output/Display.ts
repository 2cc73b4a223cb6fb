/**
 * Shows progress on stderr: on a terminal a block that is drawn anew, with notes scrolling above it; elsewhere a plain
 * line every few seconds.
 */
import type { ExportEvent } from "@longshore/core/ExportEvent"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Progress } from "./Progress.ts"
import type { Redaction } from "./Redaction.ts"

export interface Display {
  readonly listen: (event: ExportEvent) => Effect.Effect<void>
  readonly failed: (entityType: string) => Effect.Effect<void>
  /** A line that stays. */
  readonly note: (line: string) => Effect.Effect<void>
}

/** Where a display draws: a part of `process.stderr`. */
interface Screen {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly write: (text: string) => unknown
}

export interface DisplayOptions {
  readonly entityTypes: ReadonlyArray<string>
  readonly quiet: boolean
  readonly redact: Redaction
  readonly screen: Screen
  /** `TERM`: a dumb terminal is treated as none. */
  readonly term: string | undefined
}

const frame = "130 millis"
const plainInterval = 3_000

/** Draws until the scope closes, and leaves the terminal in order. */
export const make = Effect.fnUntraced(function* (
  options: DisplayOptions
): Effect.fn.Return<Display, never, Scope.Scope> {
  const { entityTypes, quiet, redact, screen, term } = options
  const progress = new Progress(entityTypes)
  const animated = screen.isTTY === true && term !== "dumb"
  if (quiet) {
    return { listen: () => Effect.void, failed: () => Effect.void, note: () => Effect.void }
  }
  let drawn = 0
  let last = yield* Clock.currentTimeMillis
  // From the first column: a terminal echoes ^C where the cursor is.
  const clear = () => (drawn === 0 ? "" : `\r\u001b[${drawn}A\u001b[0J`)
  const block = (now: number): string => {
    // Some terminals claim to have no columns.
    const columns = screen.columns === undefined || screen.columns < 20 ? 80 : screen.columns
    const rows = progress.rows(now, columns - 1).map(redact)
    drawn = rows.length
    return rows.map((row) => `${row}\n`).join("")
  }
  const note = (line: string) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const text = `${redact(line)}\n`
      if (animated) screen.write(`${clear()}${text}${block(now)}`)
      else screen.write(text)
    })
  const tick = Effect.map(Clock.currentTimeMillis, (now) => {
    if (animated) screen.write(clear() + block(now))
    else if (now - last >= plainInterval) {
      last = now
      screen.write(`${redact(progress.line(now))}\n`)
    }
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(frame), tick)))
  // What is said afterwards stands below the last state of things.
  yield* Effect.addFinalizer(() => (animated && drawn > 0 ? tick : Effect.void))
  return {
    listen: (event) => {
      const line = progress.apply(event)
      return line === undefined ? Effect.void : note(line)
    },
    failed: (entityType) => Effect.sync(() => progress.fail(entityType)),
    note
  }
})
