/** Who asks, and where: the address, the two tokens, and the account's name. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs/promises"
import { ConfigError, UsageError } from "../output/Problem.ts"
import { accountOf } from "../runs/RunFile.ts"
import type { TokenReference } from "./ConfigFile.ts"
import * as Environment from "./Environment.ts"
import * as SecretPrompt from "./SecretPrompt.ts"
import * as Setting from "./Setting.ts"
import type { Origin, Settings } from "./Settings.ts"
import * as TextFile from "./TextFile.ts"

export interface Credentials {
  readonly platformAddress: string
  readonly clientToken: Redacted.Redacted
  readonly accessToken: Redacted.Redacted
  /** Part of a run's identity: a name that the user chose, or a hash of the access token. */
  readonly account: string
}

export const load = Effect.fn("Credentials.load")(function* (
  settings: Settings
): Effect.fn.Return<Credentials, ConfigError> {
  const clientToken = yield* token(settings, "client")
  const accessToken = yield* token(settings, "access")
  return {
    platformAddress: normalize(settings.get("platform-address") ?? ""),
    clientToken: Redacted.make(clientToken, { label: "client token" }),
    accessToken: Redacted.make(accessToken, { label: "access token" }),
    account: settings.get("account") ?? accountOf(accessToken)
  }
})

/** One spelling for one address, as it is part of a run's identity. What is no address is refused where it is used. */
export const normalize = (address: string): string => (URL.parse(address)?.href ?? address).replace(/\/+$/, "")

/** Where a token is to be taken from, and who says so. `undefined`: a person has to be asked. */
export interface TokenOrigin {
  readonly reference: TokenReference
  readonly origin: Origin
}

/**
 * A file that a flag names, the variable, a file that a variable names, the account's table, the files' general part.
 * Never a flag: others can read those. An account that is named on the command line goes before the environment, whose
 * tokens are most likely another account's.
 */
export const whereIs = Effect.fn("Credentials.whereIs")(function* (
  settings: Settings,
  kind: Kind
): Effect.fn.Return<TokenOrigin | undefined> {
  const { key, setting, variable } = secrets[kind]
  const file = settings.resolved(setting)
  const fromFile = file.text === undefined ? [] : [{ reference: { file: file.text }, origin: file.origin }]
  const fromEnvironment =
    (yield* Environment.get(variable)) === undefined
      ? []
      : [{ reference: { env: variable }, origin: { level: "environment" as const, where: variable } }]
  const inFiles = settings
    .inFiles((said) => said.secrets[key])
    .map(({ origin, value }) => ({ reference: value, origin }))
  if (fromFile[0]?.origin.level === "flag") return fromFile[0]
  const outside = [...fromEnvironment, ...fromFile]
  return (settings.isAccountNamed ? [...inFiles, ...outside] : [...outside, ...inFiles])[0]
})

/** What is secret, and where it is said. */
export const secrets = {
  client: { key: "client-token", setting: "client-token-file", variable: "LONGSHORE_CLIENT_TOKEN" },
  access: { key: "access-token", setting: "access-token-file", variable: "LONGSHORE_ACCESS_TOKEN" },
  database: { key: "database-url", setting: "database-url-file", variable: "LONGSHORE_DATABASE_URL" },
  cluster: { key: "cluster-token", setting: "cluster-token-file", variable: "LONGSHORE_CLUSTER_TOKEN" }
} as const

export type Kind = keyof typeof secrets

const token = Effect.fnUntraced(function* (
  settings: Settings,
  kind: "client" | "access"
): Effect.fn.Return<string, ConfigError> {
  const found = yield* whereIs(settings, kind)
  if (found !== undefined) return yield* fetch(found)
  const answer = (yield* SecretPrompt.possible) ? yield* SecretPrompt.ask(`Mews ${kind} token (not shown)`) : ""
  if (answer !== "") return answer
  const { origin, text: name } = settings.resolved("account")
  const account = name === undefined ? undefined : settings.accounts.get(name)
  const known = [...settings.accounts.keys()]
  const { setting, variable } = secrets[kind]
  return yield* new ConfigError({
    problem: `There is no ${kind} token${name === undefined ? "" : ` for the account "${name}"`}.`,
    nextStep:
      account !== undefined && origin.level !== "environment"
        ? `Write ${kind}-token = { env = "VARIABLE" } or { file = "PATH" } into ${account.origin.where}.`
        : name === undefined && known.length > 0
          ? `Name an account of the settings file with --account (${known.join(", ")}), or set ${variable}.`
          : `Set ${variable}, or name a file that holds it with --${setting} or ${variable}_FILE.`
  })
})

/** Errors name who refers to it, and neither the path nor the variable: those may be the token, by mistake. */
export const fetch = Effect.fn("Credentials.fetch")(function* ({
  origin,
  reference
}: TokenOrigin): Effect.fn.Return<string, ConfigError> {
  const isFile = "file" in reference
  const failure = (problem: string, nextStep: string) =>
    new ConfigError({ problem: `The ${isFile ? "file" : "variable"} that ${origin.where} names ${problem}.`, nextStep })
  const text = isFile
    ? yield* Effect.mapError(TextFile.read(reference.file), ({ problem }) =>
        failure(problem, "Name a file that this user can read, with the token and nothing else.")
      )
    : ((yield* Environment.get(reference.env)) ?? "")
  const value = text.trim()
  if (value !== "" && !/\s/.test(value)) return value
  return yield* isFile
    ? failure(value === "" ? "is empty" : "holds more than one word", "Put the token into it, and nothing else.")
    : failure(
        value === "" ? "is not set" : "holds more than one word",
        "Set it to the token, or correct the reference."
      )
})

/**
 * Whether everybody on this machine may read a file. That is for `config show` to tell and no reason to refuse it:
 * containers are given their secrets like that.
 */
export const isForAll = (path: string): Effect.Effect<boolean> =>
  Effect.tryPromise(() => Fs.stat(path)).pipe(
    Effect.map(({ mode }) => process.platform !== "win32" && (mode & 0o004) !== 0),
    Effect.orElseSucceed(() => false)
  )

/** What a run is known by stands in its journal, and is shown: none of it may be a token. */
export const refuseTokens = Effect.fn("Credentials.refuseTokens")(function* (
  credentials: Pick<Credentials, "accessToken" | "clientToken">,
  settings: Settings
): Effect.fn.Return<void, UsageError> {
  const tokens = [Redacted.value(credentials.clientToken), Redacted.value(credentials.accessToken)]
  for (const name of Setting.names) {
    const { origin, text = "" } = settings.resolved(name)
    if (origin.level === "default" || !tokens.some((token) => text.includes(token))) continue
    return yield* new UsageError({
      problem: `The setting ${name}, from ${origin.where}, holds a token.`,
      nextStep: "Put tokens into LONGSHORE_CLIENT_TOKEN and LONGSHORE_ACCESS_TOKEN, or into files, and nowhere else."
    })
  }
})
