/**
 * Help as the build wrote it, from the command tree itself. Whoever asks for it in so many words (`longshore export
 * --help`) does not wait until the tree and all that it stands on are loaded, which takes longer than Node.js does.
 */
import { readFileSync } from "node:fs"
import { stripVTControlCharacters } from "node:util"
import * as Stdout from "./Stdout.ts"

/** By the words of the command, with colours. */
export type Texts = Readonly<Record<string, string>>

/** In the folder of the program. */
export const file = "help.json"

const texts = (): Texts => JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"))

/** Prints the help that is asked for, or says that the tree has to be asked. */
export const answer = (words: ReadonlyArray<string>): boolean => {
  const { FORCE_COLOR, NO_COLOR, TERM } = process.env
  const flag = words.at(-1)
  if ((flag !== "--help" && flag !== "-h") || FORCE_COLOR) return false
  const text = new Map(Object.entries(texts())).get(words.slice(0, -1).join(" "))
  if (text === undefined) return false
  Stdout.watch(() => false)
  process.stdout.write(process.stdout.isTTY && !NO_COLOR && TERM !== "dumb" ? text : stripVTControlCharacters(text))
  return true
}
