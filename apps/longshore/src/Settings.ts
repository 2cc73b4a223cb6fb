/** What the program needs to know before it can ask the API: flag, then environment, then default. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs/promises"
import * as Environment from "./Environment.ts"
import { ConfigError } from "./Problem.ts"
import { accountOf } from "./RunFile.ts"
import * as SecretPrompt from "./SecretPrompt.ts"

export interface SettingFlags {
  readonly platformAddress: string | undefined
  readonly clientTokenFile: string | undefined
  readonly accessTokenFile: string | undefined
  readonly account: string | undefined
}

export interface Settings {
  readonly platformAddress: string
  readonly clientToken: Redacted.Redacted
  readonly accessToken: Redacted.Redacted
  /** Part of a run's identity: a name that the user chose, or a hash of the access token. */
  readonly account: string
}

export const load = Effect.fn("Settings.load")(function* (
  flags: SettingFlags
): Effect.fn.Return<Settings, ConfigError> {
  const address =
    flags.platformAddress ?? (yield* Environment.get("LONGSHORE_PLATFORM_ADDRESS")) ?? "https://api.mews.com"
  const clientToken = yield* token("client", flags.clientTokenFile)
  const accessToken = yield* token("access", flags.accessTokenFile)
  return {
    platformAddress: normalize(address),
    clientToken: Redacted.make(clientToken, { label: "client token" }),
    accessToken: Redacted.make(accessToken, { label: "access token" }),
    account: flags.account ?? (yield* Environment.get("LONGSHORE_ACCOUNT")) ?? accountOf(accessToken)
  }
})

/** One spelling for one address, as it is part of a run's identity. What is no address is refused where it is used. */
const normalize = (address: string): string => (URL.parse(address)?.href ?? address).replace(/\/+$/, "")

/** A file that a flag names, the variable, a file that a variable names, a person. Never a flag: others can read those. */
const token = Effect.fnUntraced(function* (
  kind: "client" | "access",
  file: string | undefined
): Effect.fn.Return<string, ConfigError> {
  const variable = `LONGSHORE_${kind.toUpperCase()}_TOKEN`
  if (file !== undefined) return yield* read(file, `--${kind}-token-file`)
  const value = yield* Environment.get(variable)
  if (value !== undefined) return value.trim()
  const named = yield* Environment.get(`${variable}_FILE`)
  if (named !== undefined) return yield* read(named, `${variable}_FILE`)
  const answer = (yield* SecretPrompt.possible) ? yield* SecretPrompt.ask(`Mews ${kind} token (not shown)`) : ""
  if (answer !== "") return answer
  return yield* new ConfigError({
    problem: `There is no ${kind} token.`,
    nextStep: `Set ${variable}, or name a file that holds it with --${kind}-token-file or ${variable}_FILE.`
  })
})

/** Errors name the setting and not the path: it may be the token, by mistake. */
const read = Effect.fnUntraced(function* (path: string, setting: string): Effect.fn.Return<string, ConfigError> {
  const failure = (problem: string, nextStep: string) =>
    new ConfigError({ problem: `The file that ${setting} names ${problem}.`, nextStep })
  const text = yield* Effect.tryPromise({
    try: () => Fs.readFile(path, "utf8"),
    catch: (cause) =>
      failure(
        `cannot be read (${cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"})`,
        "Name a file that this user can read."
      )
  })
  const value = text.trim()
  return value !== "" && !/\s/.test(value)
    ? value
    : yield* failure(value === "" ? "is empty" : "holds more than one word", "Put the token into it, and nothing else.")
})
