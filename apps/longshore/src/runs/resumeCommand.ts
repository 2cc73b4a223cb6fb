/** The command line that goes on where this process stopped: its own, quoted for a shell. */
import * as Path from "node:path"

/** What helps after an error besides running the command again. */
const helpful: Readonly<Record<string, readonly [flag: string, value: string]>> = {
  AddRejected: ["--on-busy", "wait"],
  AddOutcomeUnknown: ["--on-busy", "wait"],
  ExportFailed: ["--on-expired", "renew"],
  ExportExpired: ["--on-expired", "renew"],
  ExportNotFound: ["--on-expired", "renew"]
}

/** The command that goes on after errors of these tags. */
export const nextCommand = (argv: ReadonlyArray<string>, tags: ReadonlyArray<string>): string => {
  const flags = new Map(tags.flatMap((tag) => (helpful[tag] === undefined ? [] : [helpful[tag]])))
  const isReplaced = (word: string | undefined): boolean => flags.has(word?.replace(/=.*$/, "") ?? "")
  const kept = argv.filter(
    (word, index) => !isReplaced(word) && !(isReplaced(argv[index - 1]) && !argv[index - 1]?.includes("="))
  )
  return resumeCommand([...kept, ...[...flags].flat()])
}

/** `argv` is that of Node.js: the program, the script, the arguments. No flag takes a token, so none is in it. */
export const resumeCommand = (argv: ReadonlyArray<string>): string => {
  const [, script = "longshore", ...args] = argv
  const program = Path.basename(script).startsWith("longshore") ? ["longshore"] : ["node", script]
  return [...program, ...args].map(quote).join(" ")
}

const quote = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
