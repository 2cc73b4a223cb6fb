/** The command tree, and how it speaks of wrong command lines. */
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { completionsCommand } from "./commands/completions.ts"
import { configCommand } from "./commands/config.ts"
import { exportCommand } from "./commands/export.ts"
import { listCommand } from "./commands/list.ts"
import { resumeCommand } from "./commands/resume.ts"
import { simulateCommand } from "./commands/simulate.ts"
import { statusCommand } from "./commands/status.ts"
import * as ExitCode from "./output/ExitCode.ts"
import * as Redaction from "./output/Redaction.ts"
import { version } from "./version.ts"

/** The whole tree. */
export const longshore = Command.make("longshore").pipe(
  Command.withDescription(
    "Takes bulk exports off the Mews Connector API and lays them, whole and verified, in the storage you name"
  ),
  Command.withSubcommands([
    exportCommand,
    resumeCommand,
    listCommand,
    statusCommand,
    configCommand,
    simulateCommand,
    completionsCommand
  ])
)

/** A wrong command line is one paragraph on stderr, as every other failure; the help stays where it is asked for. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Effect.sync(() => {
          const redact = Redaction.make()
          // Behind a flag that is not known, what looks like an argument is its value, perhaps a secret.
          const unknown = event.errors.filter((error) => error._tag === "UnrecognizedOption")
          const errors = unknown.length > 0 ? unknown : event.errors
          const problem = errors.map(describe).join(" ")
          const help = `${event.commandPath.join(" ")} --help`
          process.stderr.write(redact(`longshore: ${problem} Next: ${help} shows what it takes.`) + "\n")
        })
      : CliOutput.defaultPresenter.present(event)
}

const describe = (error: CliError.NonShowHelpErrors): string => {
  if (error._tag !== "InvalidValue")
    return `${error.message
      .trim()
      .replace(/\s*\n\s*/g, " ")
      .replace(/[.?]?$/, "")}.`
  // Some explanations repeat the value, and are whole sentences then.
  const expected = error.expected.startsWith(`"${error.value}" `)
    ? error.expected
    : `"${error.value}" is not ${error.expected}`
  return `${error.kind === "flag" ? "--" : ""}${error.option}: ${expected}.`
}

const layer = Layer.merge(
  CliOutput.layerPresenter(presenter),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] })
)

/** Runs the command line. Commands that come to their end set `process.exitCode` themselves. */
export const run = (args: ReadonlyArray<string>) =>
  Command.runWith(longshore, { version })(args).pipe(
    Effect.provide(layer),
    Effect.catchIf(CliError.isCliError, (error) =>
      Effect.sync(() => {
        const asked = error._tag === "ShowHelp" && error.errors.length === 0
        process.exitCode = asked ? ExitCode.ok : ExitCode.usage
      })
    )
  )
