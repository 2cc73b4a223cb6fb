/** `longshore gc`: its flags. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Setting from "../settings/Setting.ts"
import { durationFlag } from "../settings/units.ts"
import { config, json } from "./flags.ts"

const flags = {
  target: Argument.String("target").pipe(Argument.withDescription("What was given as --to: a folder or s3://…")),
  olderThan: durationFlag("older-than").pipe(
    Flag.withDescription("Also of unfinished runs whose last step is older than this: they fetch these parts again"),
    Flag.optional
  ),
  dryRun: Flag.Boolean("dry-run").pipe(Flag.withDescription("Only say what would be removed"), Flag.withDefault(false)),
  ...Setting.flags("endpoint", "region", "profile", "state"),
  config,
  json
}

/** What the command line said, before it is checked. */
export type GcFlags = Command.Command.Config.Infer<typeof flags>

export const gcCommand = Command.make("gc", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/gc.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Remove partial files and uploads of runs that are complete, given up or expired"),
  Command.withExamples([
    { command: "longshore gc ./data --dry-run", description: "What is left over, and why it would go or stay" },
    { command: "longshore gc s3://bucket/mews --older-than 7d", description: "Also what nobody resumed for a week" }
  ])
)
