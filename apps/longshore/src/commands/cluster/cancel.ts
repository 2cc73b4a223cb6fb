/** `longshore cluster cancel`: its flags. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { config, json, run, server } from "../flags.ts"

const flags = { run, ...server, config, json }

/** What the command line said, before it is checked. */
export type ClusterCancelFlags = Command.Command.Config.Infer<typeof flags>

export const cancelCommand = Command.make("cancel", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../../handlers/clusterCancel.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Stop a run of a cluster within seconds; resume goes on with it"),
  Command.withExamples([
    { command: "longshore cluster cancel 4f2a81c09b7d4e63a1f05c2d8e9b7a10", description: "What is delivered is kept" }
  ])
)
