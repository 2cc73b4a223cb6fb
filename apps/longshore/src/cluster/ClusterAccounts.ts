/** A cluster's accounts: those of the settings files, all of them, and their tokens from nowhere else. */
import * as Exports from "@longshore/core/Exports"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { ConfigError } from "../output/Problem.ts"
import { exportsOptions } from "../runs/runExport.ts"
import * as Credentials from "../settings/Credentials.ts"
import type { Settings } from "../settings/Settings.ts"

export interface ClusterAccount {
  readonly settings: Settings
  readonly options: Exports.ExportsOptions
}

/** By name. The first that cannot be used is an error, which names it. */
export const load = Effect.fn("ClusterAccounts.load")(function* (
  settings: Settings,
  version: string
): Effect.fn.Return<ReadonlyMap<string, ClusterAccount>, ConfigError, HttpClient.HttpClient> {
  if (settings.accounts.size === 0) {
    return yield* new ConfigError({
      problem: "A runner has the accounts of its settings file, and there are none.",
      nextStep:
        "Write [accounts.NAME] with client-token and access-token into it; docs/configuration.md has an example."
    })
  }
  const accounts = new Map<string, ClusterAccount>()
  const byToken = new Map<string, string>()
  for (const name of settings.accounts.keys()) {
    const own = settings.as(name)
    const [clientToken, accessToken] = [yield* token(own, name, "client"), yield* token(own, name, "access")]
    // Two names for one token would take the same slots, and its rate limit twice.
    const other = byToken.get(accessToken)
    if (other !== undefined) {
      return yield* new ConfigError({
        problem: `The accounts "${other}" and "${name}" have the same access token.`,
        nextStep: "Leave one of them out, or give each its own."
      })
    }
    byToken.set(accessToken, name)
    const credentials = {
      platformAddress: Credentials.normalize(own.get("platform-address") ?? ""),
      clientToken: Redacted.make(clientToken, { label: "client token" }),
      accessToken: Redacted.make(accessToken, { label: "access token" }),
      account: name
    }
    const options = exportsOptions({ settings: own, version }, credentials)
    yield* Effect.scoped(Layer.build(Exports.layer(options))).pipe(
      Effect.mapError(
        ({ problem }) =>
          new ConfigError({
            problem: `The account "${name}" has a platform-address that cannot be used: ${problem}.`,
            nextStep: `Correct it in ${own.resolved("platform-address").origin.where}.`
          })
      )
    )
    accounts.set(name, { settings: own, options })
  }
  return accounts
})

/** The tokens of all accounts, for whoever must not show them. */
export const secretsOf = (accounts: ReadonlyMap<string, ClusterAccount>): ReadonlyArray<string> =>
  [...accounts.values()].flatMap(({ options }) => [
    Redacted.value(options.clientToken),
    Redacted.value(options.accessToken)
  ])

const token = Effect.fnUntraced(function* (settings: Settings, account: string, kind: "client" | "access") {
  const { key } = Credentials.secrets[kind]
  const [found] = settings.inFiles(({ secrets }) => secrets[key])
  if (found === undefined) {
    return yield* new ConfigError({
      problem: `The account "${account}" has no ${key}.`,
      nextStep: `Write ${key} = { env = "VARIABLE" } or { file = "PATH" } into ${settings.accounts.get(account)?.origin.where ?? "its table"}.`
    })
  }
  return yield* Effect.mapError(
    Credentials.fetch({ reference: found.value, origin: found.origin }),
    ({ nextStep, problem }) =>
      new ConfigError({ problem: `The ${key} of the account "${account}" cannot be read: ${problem}`, nextStep })
  )
})
