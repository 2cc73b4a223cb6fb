/** A cluster's HTTP front as the settings say it: where, with which token, and how it is reached. */
import * as ClusterClient from "@longshore/workflow/ClusterClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { ConfigError } from "../output/Problem.ts"
import * as Network from "../runs/Network.ts"
import * as Credentials from "../settings/Credentials.ts"
import type * as Setting from "../settings/Setting.ts"
import * as Settings from "../settings/Settings.ts"

export interface Connection {
  readonly client: ClusterClient.Client
  readonly settings: Settings.Settings
}

/** Nothing is sent yet. */
export const connect = Effect.fn("Cluster.connect")(function* (flags: {
  readonly given: Setting.Given
  readonly config: Option.Option<string>
}): Effect.fn.Return<Connection, ConfigError, Scope.Scope> {
  const loaded = yield* Settings.load({ given: flags.given, config: Option.getOrUndefined(flags.config) })
  // The accounts are the cluster's: what this machine's files say of one is not meant.
  const settings = loaded.as(undefined)
  yield* Network.prepare(settings)
  const found = yield* Credentials.whereIs(settings, "cluster")
  if (found === undefined) {
    return yield* new ConfigError({
      problem: "There is no token for the cluster.",
      nextStep:
        "Set LONGSHORE_CLUSTER_TOKEN to the one that its runners have, or name a file that holds it with --cluster-token-file or LONGSHORE_CLUSTER_TOKEN_FILE."
    })
  }
  const token = Redacted.make(yield* Credentials.fetch(found), { label: "cluster token" })
  const { origin, text: url = "" } = settings.resolved("server")
  const client = yield* ClusterClient.make({ url, token, plainHttp: settings.get("plain-http") === "allow" }).pipe(
    Effect.provideContext(yield* Layer.build(Network.client({ maxSockets: 16 }))),
    Effect.mapError(
      ({ problem }) =>
        new ConfigError({
          problem: `The cluster's address, from ${origin.where}, is not valid: ${problem}.`,
          nextStep:
            "Correct --server (or LONGSHORE_SERVER). Where the network between here and the cluster is trusted, --plain-http allow (or LONGSHORE_PLAIN_HTTP) sends the token over http:."
        })
    )
  )
  return { client, settings }
})
