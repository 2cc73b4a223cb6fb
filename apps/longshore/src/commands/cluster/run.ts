/** `longshore cluster run`: its flags. */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Setting from "../../settings/Setting.ts"
import { config, quiet, s3, verbose } from "../flags.ts"

const flags = {
  ...Setting.flags(
    "to",
    "listen",
    "runner-host",
    "runner-port",
    "runner-listen",
    "lock-expiry",
    "termination-timeout",
    "keep-complete",
    "keep-failed",
    "on-expired",
    "max-wait",
    "poll",
    "concurrency",
    "part-size",
    "retries",
    "database-url-file",
    "cluster-token-file"
  ),
  ...s3,
  config,
  ...Setting.flags("log-file", "events"),
  quiet,
  verbose
}

/** What the command line said, before it is checked. */
export type ClusterRunFlags = Command.Command.Config.Infer<typeof flags>

export const runCommand = Command.make("run", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../../handlers/clusterRun.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription(
    "Be one runner of a cluster, until SIGTERM: many exports on several machines, over PostgreSQL"
  ),
  Command.withExamples([
    {
      command: "longshore cluster run --to s3://bucket/mews --config /etc/longshore.toml",
      description: "For the accounts of that file, with LONGSHORE_DATABASE_URL and LONGSHORE_CLUSTER_TOKEN"
    },
    {
      command: "longshore cluster run --to /srv/mews --runner-host 10.0.0.12 --listen 0.0.0.0:8080",
      description: "One of several machines that share a folder"
    }
  ])
)
