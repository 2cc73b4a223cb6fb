/** Effect's scripts for shells, told what the program knows about its words and the command tree does not say. */
import { entityTypes } from "@longshore/core/Export"
import * as Completions from "effect/cli/Completions"
import * as Effect from "effect/Effect"
import { longshore } from "../cli.ts"
import type { CompletionsFlags } from "../commands/completions.ts"
import * as Setting from "../settings/Setting.ts"

export const handle = Effect.fn("completions")(function* ({ shell }: CompletionsFlags) {
  const script = Completions.generate("longshore", shell, refine(Completions.fromCommand(longshore)))
  yield* Effect.sync(() => process.stdout.write(`${script}\n`))
})

const refine = (command: Completions.CommandDescriptor): Completions.CommandDescriptor => ({
  ...command,
  flags: command.flags.map((flag) => ({
    ...flag,
    type: typeOf(flag.name) ?? flag.type,
    // `--no-json` works, and says what holds anyway.
    negation: false
  })),
  arguments: command.arguments.map((argument) => ({ ...argument, type: typeOf(argument.name) ?? argument.type })),
  subcommands: command.subcommands.map(refine)
})

/** What stands for a flag or an argument of this name, where that is more than text. */
const typeOf = (name: string): Completions.ArgumentType | undefined => {
  if (name === "entity-type") return { _tag: "Choice", values: entityTypes }
  if (/^(to|state|target|target-or-run|run)$/.test(name)) return { _tag: "Path", pathType: "directory" }
  const isPath =
    name === "config" || Setting.names.some((known) => known === name && Setting.about(known).isPath === true)
  return isPath ? { _tag: "Path", pathType: "file" } : undefined
}
