/** What a runner is told, all of it, checked: whatever is wrong is said before anything is begun. */
import * as Effect from "effect/Effect"
import type * as Context from "effect/Context"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { ConfigError, UsageError } from "../output/Problem.ts"
import * as Network from "../runs/Network.ts"
import { http } from "../runs/runExport.ts"
import type * as Target from "../runs/Target.ts"
import * as Credentials from "../settings/Credentials.ts"
import type * as Setting from "../settings/Setting.ts"
import type { HostPort } from "../settings/Setting.ts"
import * as Settings from "../settings/Settings.ts"
import { version } from "../version.ts"
import * as Base from "./Base.ts"
import * as ClusterAccounts from "./ClusterAccounts.ts"
import * as Database from "./Database.ts"
import * as Schedules from "./Schedules.ts"
import * as Tasks from "./Tasks.ts"

export interface Setup {
  /** Of no account: a runner is for all of them, whichever is chosen for other commands. */
  readonly settings: Settings.Settings
  readonly base: Target.Storage
  readonly url: Redacted.Redacted
  readonly front: Front | undefined
  /** The way to the API, for all accounts. */
  readonly http: Context.Context<HttpClient.HttpClient>
  readonly accounts: ReadonlyMap<string, ClusterAccounts.ClusterAccount>
  readonly tasks: Tasks.Tasks
  readonly schedules: ReadonlyArray<Schedules.ScheduleLayer>
}

export const load = Effect.fn("cluster.Setup.load")(function* (
  flags: Setting.Given & { readonly config: Option.Option<string> }
): Effect.fn.Return<Setup, ConfigError | UsageError, Scope.Scope> {
  const loaded = yield* Settings.load({ given: flags, config: Option.getOrUndefined(flags.config) })
  const settings = loaded.as(undefined)
  if (settings.get("events") === "-") {
    return yield* new UsageError({ problem: "A runner writes no events to stdout.", nextStep: "Name a file for them." })
  }
  yield* Network.prepare(settings)
  const base = yield* Base.ofSettings(settings)
  const url = yield* Database.address(settings)
  const front = yield* frontOf(settings)
  const client = yield* Layer.build(http(settings))
  const accounts = yield* Effect.provideContext(ClusterAccounts.load(settings, version), client)
  yield* Effect.forEach(accounts.values(), ({ options, settings }) => Credentials.refuseTokens(options, settings))
  const tasks = Tasks.make(base, accounts)
  const schedules = yield* Schedules.layers(settings.schedules.values(), [...accounts.keys()], tasks)
  return { settings, base, url, front, http: client, accounts, tasks, schedules }
})

/** What must not be seen. */
export const secretsOf = ({ accounts, front, url }: Setup): ReadonlyArray<string> => [
  ...Database.secretsOf(url),
  ...ClusterAccounts.secretsOf(accounts),
  ...(front === undefined ? [] : [Redacted.value(front.token)])
]

export interface Front {
  readonly listen: HostPort
  readonly token: Redacted.Redacted
}

/** The HTTP front that is wanted. Without a token everybody could start exports, so there is none. */
const frontOf = Effect.fnUntraced(function* (
  settings: Settings.Settings
): Effect.fn.Return<Front | undefined, ConfigError> {
  const listen = settings.get("listen")
  if (listen === undefined || listen === "none") return undefined
  const found = yield* Credentials.whereIs(settings, "cluster")
  const make =
    "Make one (openssl rand -hex 32), and set LONGSHORE_CLUSTER_TOKEN to it for all runners and clients, or LONGSHORE_CLUSTER_TOKEN_FILE to a file that holds it; or leave the front out: --listen none."
  if (found === undefined) {
    return yield* new ConfigError({ problem: "The HTTP front has no token that clients must show.", nextStep: make })
  }
  const token = yield* Credentials.fetch(found)
  if (token.length < 16) {
    return yield* new ConfigError({
      problem: `The token of the HTTP front, from ${found.origin.where}, is shorter than 16 characters.`,
      nextStep: make
    })
  }
  return { listen, token: Redacted.make(token, { label: "cluster token" }) }
})
