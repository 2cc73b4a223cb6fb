/** `longshore config`: its flags. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Setting from "../settings/Setting.ts"
import { config, json } from "./flags.ts"

const flags = {
  origin: Flag.Boolean("origin").pipe(
    Flag.withDescription("Also show who says so: a flag, a variable, a file, or nobody"),
    Flag.withDefault(false)
  ),
  ...Setting.flags("account"),
  config,
  json
}

/** What the command line said, before it is checked. */
export type ConfigShowFlags = Command.Command.Config.Infer<typeof flags>

const show = Command.make("show", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/configShow.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Show every setting, where the tokens are (never the tokens), the accounts and the files"),
  Command.withExamples([
    { command: "longshore config show --origin", description: "What holds here, and why" },
    { command: "longshore config show --account berlin", description: "What would hold for that account" }
  ])
)

export const configCommand = Command.make("config").pipe(
  Command.withDescription("Settings, from flags, environment and files"),
  Command.withSubcommands([show])
)
