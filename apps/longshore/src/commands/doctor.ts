/** `longshore doctor`: its flags. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Setting from "../settings/Setting.ts"
import { account, config, json, s3 } from "./flags.ts"

const flags = { ...Setting.flags("to"), ...account, ...s3, ...Setting.flags("state"), config, json }

/** What the command line said, before it is checked. */
export type DoctorFlags = Command.Command.Config.Infer<typeof flags>

export const doctorCommand = Command.make("doctor", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/doctor.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Tell whether an export would work here: tokens, network, clock, storage"),
  Command.withExamples([
    { command: "longshore doctor --to ./data", description: "Before the first export" },
    { command: "longshore doctor --to s3://bucket/mews --json", description: "For a ticket: no secret is in it" }
  ])
)
