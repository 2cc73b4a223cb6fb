/** `longshore verify`: its flags. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Setting from "../settings/Setting.ts"
import { config, json, s3 } from "./flags.ts"

const flags = {
  subject: Argument.String("target").pipe(
    Argument.withDescription("What was given as --to, the folder of one export in it, or one manifest.json")
  ),
  quick: Flag.Boolean("quick").pipe(
    Flag.withDescription("Only whether every file is there and has its size: proves nothing about content"),
    Flag.withDefault(false)
  ),
  ...Setting.flags("concurrency"),
  ...s3,
  config,
  json
}

/** What the command line said, before it is checked. */
export type VerifyFlags = Command.Command.Config.Infer<typeof flags>

export const verifyCommand = Command.make("verify", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/verify.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Read back what was delivered, and say exactly what differs from its manifests"),
  Command.withExamples([
    { command: "longshore verify ./data", description: "Every export in a folder" },
    { command: "longshore verify s3://bucket/mews --json", description: "In a bucket, for a script" },
    { command: "longshore verify ./data --quick", description: "Only presence and sizes" }
  ])
)
