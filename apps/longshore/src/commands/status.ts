/** `longshore status`: its flags. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Setting from "../settings/Setting.ts"
import { config, json } from "./flags.ts"

const flags = {
  subject: Argument.String("target-or-run").pipe(
    Argument.withDescription("What was given as --to, or a run's id as this command and list print it")
  ),
  ...Setting.flags("endpoint", "state"),
  config,
  json
}

/** What the command line said, before it is checked. */
export type StatusFlags = Command.Command.Config.Infer<typeof flags>

export const statusCommand = Command.make("status", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/status.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Show how far runs are, from their journals alone: offline, without tokens"),
  Command.withExamples([
    { command: "longshore status ./data", description: "All runs into a folder" },
    { command: "longshore status Reservation-3f9a8d1c22b07e45.1", description: "One run" }
  ])
)
