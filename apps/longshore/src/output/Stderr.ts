/** Lines on stderr. Who draws there takes them over for as long as it draws. */

const plain = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

let writer = plain

export const line = (text: string): void => writer(text)

/** From now on lines go there, until what this answers with is called. */
export const takeOver = (other: (text: string) => void): (() => void) => {
  writer = other
  return () => {
    writer = plain
  }
}
