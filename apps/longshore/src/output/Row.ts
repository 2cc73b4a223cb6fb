/** A row of a terminal before it is written: pieces of text, each in one style. */

/** Colours of the terminal's own palette, by number as SGR has them. */
const styles = { plain: "", bold: "1", dim: "2", red: "31", green: "32", cyan: "36" } as const

export interface Piece {
  readonly text: string
  readonly style?: keyof typeof styles
}

export type Row = ReadonlyArray<Piece>

/** Its text, as a terminal is given it. Longer than `width`, its end is cut off. */
export const render = (row: Row, options: { readonly width: number; readonly colour: boolean }): string => {
  let room = options.width
  const whole = row.reduce((sum, piece) => sum + piece.text.length, 0) <= room
  let written = ""
  for (const { style = "plain", text } of row) {
    const shown = whole || text.length < room ? text : `${text.slice(0, Math.max(0, room - 1))}…`
    room -= shown.length
    const code = options.colour ? styles[style] : ""
    written += code === "" ? shown : `\u001b[${code}m${shown}\u001b[0m`
    if (!whole && shown.endsWith("…")) break
  }
  return written
}
