/** `longshore plan`: the flags of `export`, so that one word makes the one of the other. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { flags as exportFlags } from "./export.ts"

const flags = {
  ...exportFlags,
  offline: Flag.Boolean("offline").pipe(
    Flag.withDescription("Ask neither the API nor the bucket: by the journals alone"),
    Flag.withDefault(false)
  )
}

/** What the command line said, before it is checked. */
export type PlanFlags = Command.Command.Config.Infer<typeof flags>

export const planCommand = Command.make("plan", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/plan.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Say what export would do with these flags: changes nothing, asks for nothing"),
  Command.withExamples([
    { command: "longshore plan Reservation Customer --to ./data", description: "What is asked for, what is reused" },
    { command: "longshore plan Bill --to ./data --offline --json", description: "From the journals, for a script" }
  ])
)
