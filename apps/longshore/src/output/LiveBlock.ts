/**
 * Rows at the end of a terminal that are drawn anew in place, with lines scrolling above them. The cursor rests at the
 * start of the line under the rows. A frame is one write, and writes over what it changes: nothing is cleared first.
 * It takes nothing from the terminal that it does not give back in the same write, so that whatever ends the process
 * leaves the terminal in order.
 */

import { stripVTControlCharacters } from "node:util"

/** Where it draws: a part of `process.stderr`. */
export interface Screen {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  readonly write: (text: string) => unknown
}

/** Shown at once by terminals that know how, with the cursor out of the way. */
const begin = "\u001b[?2026h\u001b[?25l"
const end = "\u001b[?25h\u001b[?2026l"

/** Where a row is longer than the terminal believes, it is cut off and not continued. */
const clipped = "\u001b[?7l"
const wrapped = "\u001b[?7h"

const clearRight = "\u001b[K"
const clearBelow = "\u001b[J"
const up = (rows: number): string => (rows === 0 ? "" : `\u001b[${rows}A`)
const down = (rows: number): string => (rows === 0 ? "" : `\u001b[${rows}B`)

/** What was written, and the columns it took. */
interface Drawn {
  readonly text: string
  readonly width: number
}

export class LiveBlock {
  readonly #screen: Screen
  #drawn: ReadonlyArray<Drawn> = []
  /** How wide the rows are that a terminal which became lower pushed out of sight; it may show them again. */
  #above: ReadonlyArray<number> = []
  #columns = 0
  #rows = 0

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /** Columns that a row may fill: the last one stays free, as terminals disagree about it. */
  get width(): number {
    return columnsOf(this.#screen) - 1
  }

  /** Rows that fit: the last line is the cursor's. */
  get height(): number {
    return Math.max(1, rowsOf(this.#screen) - 1)
  }

  /**
   * Shows these rows, and lines above them that stay. `anew`: also what did not change, in case that something else wrote
   * to the terminal.
   */
  paint(rows: ReadonlyArray<string>, lines: ReadonlyArray<string> = [], anew = false): void {
    const next = rows.map((text): Drawn => ({ text, width: widthOf(text) }))
    const resized = this.#columns !== columnsOf(this.#screen) || this.#rows !== rowsOf(this.#screen)
    const text =
      resized || anew || lines.length > 0 || next.length !== this.#drawn.length
        ? this.#whole(next, lines, resized)
        : this.#changes(next)
    this.#drawn = next
    this.#columns = columnsOf(this.#screen)
    this.#rows = rowsOf(this.#screen)
    if (text !== "") this.#screen.write(`${begin}${text}${end}`)
  }

  /** Others wrote to the terminal, and where the rows are is not known: the next ones begin where the cursor is. */
  forget(): void {
    this.#drawn = []
    this.#above = []
  }

  #whole(next: ReadonlyArray<Drawn>, lines: ReadonlyArray<string>, resized: boolean): string {
    const columns = columnsOf(this.#screen)
    const before = [...this.#above, ...this.#drawn.map(({ width }) => width)]
    // A terminal that became narrower continues rows on lines below: that many lines up is where they began.
    const height = before.reduce((sum, width) => sum + lineCount(width, columns), 0)
    // There it still believes that a row is the end of the one above, until it is cleared.
    const start = `\r${up(height)}${resized ? clearBelow : ""}`
    this.#above = lines.length > 0 ? [] : outOfSight(before, height - this.height, columns)
    // A line that fills its last row leaves nothing to clear, and the cursor where clearing would hurt it.
    const kept = lines.map((line) => (line !== "" && line.length % columns === 0 ? line : `${line}${clearRight}`))
    const drawn = next.map(({ text }) => `${text}${clearRight}\r\n`).join("")
    return `${start}${kept.map((line) => `${line}\r\n`).join("")}${clipped}${drawn}${clearBelow}${wrapped}`
  }

  #changes(next: ReadonlyArray<Drawn>): string {
    let text = ""
    let skipped = 0
    for (const [index, { text: row }] of next.entries()) {
      if (row === this.#drawn[index]?.text) {
        skipped += 1
        continue
      }
      text += `${down(skipped)}${row}${clearRight}\r\n`
      skipped = 0
    }
    return text === "" ? "" : `\r${up(next.length)}${clipped}${text}${down(skipped)}${wrapped}`
  }
}

/** Lines of the terminal that a row takes. */
const lineCount = (width: number, columns: number): number => Math.max(1, Math.ceil(width / columns))

/** Of these rows those on the first lines, the last of them perhaps in part. */
const outOfSight = (widths: ReadonlyArray<number>, lines: number, columns: number): ReadonlyArray<number> => {
  const out: Array<number> = []
  let left = lines
  for (const width of widths) {
    if (left <= 0) break
    out.push(Math.min(width, left * columns))
    left -= lineCount(width, columns)
  }
  return out
}

/** Some terminals claim to have no size. */
const columnsOf = (screen: Screen): number => screen.columns || 80
const rowsOf = (screen: Screen): number => screen.rows || 24

const widthOf = (text: string): number => stripVTControlCharacters(text).length
