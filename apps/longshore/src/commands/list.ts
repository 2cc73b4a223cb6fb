/** `longshore list`: its flags. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { json } from "./flags.ts"

const flags = {
  all: Flag.Boolean("all").pipe(
    Flag.withAlias("a"),
    Flag.withDescription("Also those that are complete"),
    Flag.withDefault(false)
  ),
  json
}

/** What the command line said, before it is checked. */
export type ListFlags = Command.Command.Config.Infer<typeof flags>

export const listCommand = Command.make("list", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/list.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("List this user's runs that are not finished, wherever they go: offline, without tokens"),
  Command.withExamples([
    { command: "longshore list", description: "What can be resumed" },
    { command: "longshore list --all --json", description: "Every run whose journal is still there" }
  ])
)
