/** What somebody most likely meant. */

/** The one of `words` that is at most three letters away, in any case. */
export const nearest = (word: string, words: ReadonlyArray<string>): string | undefined =>
  words
    .map((known) => ({ known, distance: distance(word.toLowerCase(), known.toLowerCase()) }))
    // Of a short word, most letters have to be right.
    .filter(({ distance, known }) => distance <= Math.min(3, known.length / 2))
    .sort((a, b) => a.distance - b.distance)[0]?.known

/** How many letters to add, drop or change (Levenshtein). */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of a.split("").entries()) {
    const next = [i + 1]
    for (const [j, other] of b.split("").entries()) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)))
    }
    row = next
  }
  return row[b.length] ?? 0
}
