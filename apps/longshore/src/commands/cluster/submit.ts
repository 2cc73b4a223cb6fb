/** `longshore cluster submit`: its flags. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { config, entityTypes, json, policy, quiet, server, text, wanted } from "../flags.ts"

const flags = {
  entityTypes,
  account: text(
    "account",
    "NAME",
    "An account of the cluster's configuration (else LONGSHORE_ACCOUNT, a settings file)"
  ),
  path: text("path", "PATH", "Where to, below the cluster's target (default: the account's name)"),
  ...wanted,
  fresh: Flag.Boolean("fresh").pipe(
    Flag.withDescription("Export anew, whatever the cluster has run before"),
    Flag.withDefault(false)
  ),
  ...policy,
  wait: Flag.Boolean("wait").pipe(
    Flag.withAlias("w"),
    Flag.withDescription("Until all have ended; the exit code says how"),
    Flag.withDefault(false)
  ),
  ...server,
  config,
  json,
  quiet
}

/** What the command line said, before it is checked. */
export type ClusterSubmitFlags = Command.Command.Config.Infer<typeof flags>

export const submitCommand = Command.make("submit", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../../handlers/clusterSubmit.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription(
    "Give exports to a cluster, which goes on with them on its own; the same again joins the run"
  ),
  Command.withExamples([
    { command: "longshore cluster submit Reservation Customer --account lisbon", description: "Two types" },
    { command: "longshore cluster submit Bill --account lisbon --fresh --wait", description: "A new one, to its end" }
  ])
)
