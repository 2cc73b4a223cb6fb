/**
 * What a person, a log or a program sees of runs on stderr: lines that stay, and progress in one of several ways. A bar is
 * a block at the end of a terminal; plain and JSON are lines now and then, the rarer the longer nothing changes.
 */
import type { ExportEvent } from "@longshore/core/ExportEvent"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Environment from "../settings/Environment.ts"
import type * as Setting from "../settings/Setting.ts"
import { LiveBlock, type Screen } from "./LiveBlock.ts"
import type { LogFile } from "./LogFile.ts"
import * as Narration from "./Narration.ts"
import { bytesOf, isOver, Progress } from "./Progress.ts"
import * as ProgressJson from "./ProgressJson.ts"
import * as ProgressRows from "./ProgressRows.ts"
import type { Redaction } from "./Redaction.ts"
import { render } from "./Row.ts"
import * as Stderr from "./Stderr.ts"

export type Mode = Exclude<Setting.Value<"progress">, "auto">

export interface Display {
  readonly listen: (event: ExportEvent) => Effect.Effect<void>
  readonly failed: (entityType: string) => Effect.Effect<void>
  /** A line that stays. */
  readonly note: (line: string) => Effect.Effect<void>
  /** A line that stays, also for who wants to hear of errors alone. */
  readonly say: (text: string) => Effect.Effect<void>
  /** Shows progress until the scope closes; what is said afterwards stands below it. */
  readonly draw: Effect.Effect<void, never, Scope.Scope>
}

export interface DisplayOptions {
  readonly entityTypes: ReadonlyArray<string>
  readonly mode: Mode
  readonly colour: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly redact: Redaction
  readonly screen: Screen
  /** Where lines go besides. */
  readonly log: () => LogFile | undefined
}

/** What `--progress` comes to on this screen. `dataOnTerminal`: the export itself is shown there. */
export const modeFor = Effect.fnUntraced(function* (
  wanted: Setting.Value<"progress">,
  screen: Screen,
  dataOnTerminal: boolean
): Effect.fn.Return<Mode> {
  if (wanted !== "auto" && wanted !== "bar") return wanted
  // A terminal that cannot move its cursor is none, whatever is wished.
  if (screen.isTTY !== true || dataOnTerminal || (yield* Environment.get("TERM")) === "dumb") return "plain"
  if (wanted === "bar") return "bar"
  // Builds are read afterwards, also those that are given a terminal.
  const ci = yield* Environment.get("CI")
  return ci === undefined || ci === "false" || ci === "0" ? "bar" : "plain"
})

/** https://no-color.org */
export const wantsColour = Effect.map(Environment.get("NO_COLOR"), (text) => text === undefined)

/** Milliseconds between looks at whether there is something to show. */
const frames: Record<Mode, number> = { bar: 125, plain: 1_000, json: 1_000, none: 60_000 }

/** A block is drawn whole now and then, in case that something else wrote to the terminal. */
const refresh = 5_000

/** Milliseconds between lines: a part of the time that the stage has taken, between two bounds. */
const spacing = (mode: Mode, changing: boolean, lasted: number): number => {
  if (!changing) return Math.min(Math.max(lasted / 4, 10_000), 30 * 60_000)
  return mode === "json" ? 1_000 : Math.min(Math.max(lasted / 30, 3_000), 60_000)
}

export const make = Effect.fnUntraced(function* (options: DisplayOptions): Effect.fn.Return<Display> {
  const { colour, log, mode, quiet, redact, screen } = options
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const progress = new Progress(options.entityTypes, now())
  const narrate = Narration.make(options.verbose)
  const block = new LiveBlock(screen)
  let drawing = false

  let tallest = 0
  let refreshed = 0
  const paint = (lines: ReadonlyArray<string> = [], last = false) => {
    const height = block.height
    const rows = ProgressRows.rows(progress, now(), block.width, height).map((row) =>
      render(
        row.map((piece) => ({ ...piece, text: redact(piece.text) })),
        { width: block.width, colour }
      )
    )
    // What stands below must not go up and down with every file that ends.
    tallest = last ? 0 : Math.min(height, Math.max(tallest, rows.length))
    while (rows.length < tallest) rows.push("")
    const anew = last || now() - refreshed >= refresh
    if (anew) refreshed = now()
    block.paint(rows, lines, anew)
  }

  /** What was shown by the last line, and when. */
  const shown = { at: now(), state: "" }
  const report = () => {
    const { runs } = progress
    if (runs.every(isOver)) return
    const state = runs.map((run) => `${run.stage} ${run.detail} ${run.doneFiles} ${bytesOf(run)}`).join()
    const since = Math.max(...runs.filter((run) => !isOver(run)).map((run) => run.since))
    if (now() - shown.at < spacing(mode, state !== shown.state, now() - since)) return
    shown.at = now()
    shown.state = state
    const text =
      mode === "json"
        ? JSON.stringify(ProgressJson.ofProgress(progress, now()))
        : runs.map((run) => ProgressRows.line(run, now())).join(" | ")
    screen.write(`${redact(text)}\n`)
  }

  const show = (text: string) => {
    if (drawing && mode === "bar") paint(text.split("\n"))
    else if (mode === "json") screen.write(`${JSON.stringify(ProgressJson.ofLine(text, now()))}\n`)
    else screen.write(`${text}\n`)
  }
  let complained = false
  const say = Effect.fnUntraced(function* (text: string, isShown = true) {
    const clean = redact(text)
    const trouble = yield* log()?.write(clean) ?? Effect.undefined
    if (trouble !== undefined && !complained) {
      complained = true
      show(redact(trouble))
    }
    if (isShown) show(clean)
  })
  const note = (text: string) => say(text, !quiet)

  const draw = Effect.gen(function* () {
    if (quiet || mode === "none") return
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        drawing = true
        // Stopped by a terminal and woken again, there are a shell's lines where the block was.
        const woken = () => block.forget()
        process.on("SIGCONT", woken)
        const giveBack = Stderr.takeOver((text) => show(redact(text)))
        return () => {
          process.off("SIGCONT", woken)
          giveBack()
        }
      }),
      (release) =>
        Effect.sync(() => {
          release()
          progress.advance(now())
          if (mode === "bar") paint([], true)
          drawing = false
        })
    )
    const tick = Effect.sync(() => {
      progress.advance(now())
      if (mode === "bar") paint()
      else report()
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(frames[mode]), tick)))
  })

  return {
    listen: (event) => {
      progress.apply(event)
      const line = narrate(event)
      return line === undefined ? Effect.void : note(line)
    },
    failed: (entityType) => Effect.sync(() => progress.fail(entityType, now())),
    note,
    say: (text) => say(text),
    draw
  }
})
