/** `longshore cluster status`: its flags. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { config, json, run, server } from "../flags.ts"

const flags = { run, ...server, config, json }

/** What the command line said, before it is checked. */
export type ClusterStatusFlags = Command.Command.Config.Infer<typeof flags>

export const statusCommand = Command.make("status", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../../handlers/clusterStatus.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Show how far a run of a cluster is, and what it needs"),
  Command.withExamples([
    { command: "longshore cluster status 4f2a81c09b7d4e63a1f05c2d8e9b7a10", description: "State, files, bytes" }
  ])
)
