/** `longshore resume`: its flags. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Setting from "../settings/Setting.ts"
import { config, output, transfer } from "./flags.ts"

const flags = {
  run: Argument.String("run").pipe(
    Argument.withDescription("A run's id, as list and status print it, or a target: all its unfinished runs"),
    Argument.optional
  ),
  last: Flag.Boolean("last").pipe(
    Flag.withDescription("What the last command started, all of it"),
    Flag.withDefault(false)
  ),
  ...transfer,
  ...Setting.flags("client-token-file", "access-token-file", "ca-file", "region", "profile", "state"),
  config,
  ...output
}

/** What the command line said, before it is checked. */
export type ResumeFlags = Command.Command.Config.Infer<typeof flags>

export const resumeCommand = Command.make("resume", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/resume.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Go on with a run as it was started; flags that are given here replace those of then"),
  Command.withExamples([
    { command: "longshore resume --last", description: "What was started last" },
    { command: "longshore resume Reservation-3f9a8d1c22b07e45.1", description: "One run" },
    { command: "longshore resume ./data", description: "Everything into a folder that is not finished" }
  ])
)
