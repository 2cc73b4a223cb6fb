/** The command tree, and how it speaks of wrong command lines. */
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { clusterCommand } from "./commands/cluster.ts"
import { completionsCommand } from "./commands/completions.ts"
import { configCommand } from "./commands/config.ts"
import { doctorCommand } from "./commands/doctor.ts"
import { exportCommand } from "./commands/export.ts"
import { gcCommand } from "./commands/gc.ts"
import { listCommand } from "./commands/list.ts"
import { planCommand } from "./commands/plan.ts"
import { resumeCommand } from "./commands/resume.ts"
import { simulateCommand } from "./commands/simulate.ts"
import { statusCommand } from "./commands/status.ts"
import { verifyCommand } from "./commands/verify.ts"
import * as ExitCode from "./output/ExitCode.ts"
import { version } from "./version.ts"

/** The whole tree. */
export const longshore = Command.make("longshore").pipe(
  Command.withDescription(
    "Takes bulk exports off the Mews Connector API and lays them, whole and verified, in the storage you name"
  ),
  Command.withSubcommands([
    exportCommand,
    planCommand,
    resumeCommand,
    listCommand,
    statusCommand,
    verifyCommand,
    doctorCommand,
    gcCommand,
    clusterCommand,
    configCommand,
    completionsCommand,
    simulateCommand
  ])
)

/** A wrong command line is answered as every other failure, also in JSON; the help stays where it is asked for. */
const presenter = (args: ReadonlyArray<string>): CliOutput.Presenter => ({
  present: (event) => {
    if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
    // Behind a flag that is not known, what looks like an argument is its value, perhaps a secret.
    const unknown = event.errors.filter((error) => error._tag === "UnrecognizedOption")
    const errors = unknown.length > 0 ? unknown : event.errors
    return Effect.flatMap(
      Effect.promise(() => Promise.all([import("./output/Answer.ts"), import("./output/Problem.ts")])),
      ([Answer, { UsageError }]) =>
        Answer.give(
          { json: args.includes("--json") },
          new UsageError({
            problem: errors.map(describe).join(" "),
            nextStep: `${event.commandPath.join(" ")} --help shows what it takes.`
          })
        )
    )
  }
})

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

const layer = (args: ReadonlyArray<string>) =>
  Layer.merge(
    CliOutput.layerPresenter(presenter(args)),
    CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] })
  )

/** Runs the command line. Commands that come to their end set `process.exitCode` themselves. */
export const run = (args: ReadonlyArray<string>) =>
  Command.runWith(longshore, { version })(args).pipe(
    Effect.provide(layer(args)),
    Effect.catchIf(CliError.isCliError, (error) =>
      Effect.sync(() => {
        const asked = error._tag === "ShowHelp" && error.errors.length === 0
        process.exitCode = asked ? ExitCode.ok : ExitCode.usage
      })
    )
  )
