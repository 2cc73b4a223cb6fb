/** `longshore cluster resume`: its flags. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { config, json, policy, run, server } from "../flags.ts"

const flags = { run, ...policy, ...server, config, json }

/** What the command line said, before it is checked. */
export type ClusterResumeFlags = Command.Command.Config.Infer<typeof flags>

export const resumeCommand = Command.make("resume", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../../handlers/clusterResume.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Go on with a run of a cluster that failed or was cancelled"),
  Command.withExamples([
    { command: "longshore cluster resume 4f2a81c09b7d4e63a1f05c2d8e9b7a10", description: "What is delivered is kept" },
    {
      command: "longshore cluster resume 4f2a81c09b7d4e63a1f05c2d8e9b7a10 --on-expired renew",
      description: "Its export is gone: ask for another"
    }
  ])
)
