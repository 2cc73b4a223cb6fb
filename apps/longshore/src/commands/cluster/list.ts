/** `longshore cluster list`: its flags. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { config, json, server, text } from "../flags.ts"

const flags = {
  account: text("account", "NAME", "Only of this account"),
  state: Flag.Literals("state", ["running", "failed", "cancelled", "complete"]).pipe(
    Flag.withDescription("Only in this state"),
    Flag.optional
  ),
  limit: Flag.Int("limit").pipe(
    Flag.filter(
      (limit) => limit >= 1 && limit <= 1000,
      (limit) => `"${limit}" is not a number from 1 to 1000`
    ),
    Flag.withDescription("At most so many"),
    Flag.withDefault(100)
  ),
  before: text("before", "ID", "Only those that were submitted before this run: the next page"),
  ...server,
  config,
  json
}

/** What the command line said, before it is checked. */
export type ClusterListFlags = Command.Command.Config.Infer<typeof flags>

export const listCommand = Command.make("list", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../../handlers/clusterList.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("List the runs of a cluster, the latest first"),
  Command.withExamples([
    { command: "longshore cluster list --state failed", description: "What somebody should look at" },
    { command: "longshore cluster list --account lisbon --json", description: "One account, for a script" }
  ])
)
