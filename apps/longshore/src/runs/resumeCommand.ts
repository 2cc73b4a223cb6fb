/** The command line that goes on where this process stopped: its own, quoted for a shell. */
import * as Path from "node:path"

/** `argv` is that of Node.js: the program, the script, the arguments. No flag takes a token, so none is in it. */
export const resumeCommand = (argv: ReadonlyArray<string>): string => {
  const [, script = "longshore", ...args] = argv
  const program = Path.basename(script).startsWith("longshore") ? ["longshore"] : ["node", script]
  return [...program, ...args].map(quote).join(" ")
}

const quote = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
