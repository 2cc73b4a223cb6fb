/** `longshore status`: its flags. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"

const flags = {
  subject: Argument.String("target-or-run").pipe(
    Argument.withDescription("What was given as --to, or a run's id as this command prints it")
  ),
  state: Flag.String("state").pipe(
    Flag.withMetavar("PATH"),
    Flag.withDescription("Folder for journals, if the runs were given one (LONGSHORE_STATE)"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object on stdout"), Flag.withDefault(false))
}

/** What the command line said, before it is checked. */
export type StatusFlags = Command.Command.Config.Infer<typeof flags>

export const statusCommand = Command.make("status", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../statusHandler.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Show how far runs are, from their journals alone: offline, without tokens"),
  Command.withExamples([
    { command: "longshore status ./data", description: "All runs into a folder" },
    { command: "longshore status Reservation-3f9a8d1c22b07e45.1", description: "One run" }
  ])
)
