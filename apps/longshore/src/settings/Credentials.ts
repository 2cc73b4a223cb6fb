/** Who asks, and where: the address, the two tokens, and the account's name. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs/promises"
import { ConfigError } from "../output/Problem.ts"
import { accountOf } from "../runs/RunFile.ts"
import type { TokenReference } from "./ConfigFile.ts"
import * as Environment from "./Environment.ts"
import * as SecretPrompt from "./SecretPrompt.ts"
import type { Origin, Settings } from "./Settings.ts"

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
  kind: "client" | "access"
): Effect.fn.Return<TokenOrigin | undefined> {
  const of = kind === "client" ? ("clientToken" as const) : ("accessToken" as const)
  const variable = `LONGSHORE_${kind.toUpperCase()}_TOKEN`
  const file = settings.resolved(`${kind}-token-file`)
  const fromFile = file.text === undefined ? undefined : { reference: { file: file.text }, origin: file.origin }
  if (fromFile?.origin.level === "flag") return fromFile

  const { origin: chosen, text: name } = settings.resolved("account")
  const own = name === undefined ? undefined : settings.accounts.get(name)
  const reference = own?.said[of]
  const fromAccount = own === undefined || reference === undefined ? undefined : { reference, origin: own.origin }
  if (fromAccount !== undefined && (chosen.level === "flag" || chosen.level === "run")) return fromAccount

  if ((yield* Environment.get(variable)) !== undefined) {
    return { reference: { env: variable }, origin: { level: "environment", where: variable } }
  }
  if (fromFile !== undefined) return fromFile
  if (fromAccount !== undefined) return fromAccount
  for (const { kind: level, path, [of]: reference } of settings.files) {
    if (reference !== undefined) return { reference, origin: { level, where: path } }
  }
  return undefined
})

const token = Effect.fnUntraced(function* (
  settings: Settings,
  kind: "client" | "access"
): Effect.fn.Return<string, ConfigError> {
  const found = yield* whereIs(settings, kind)
  if (found !== undefined) return yield* fetch(found)
  const answer = (yield* SecretPrompt.possible) ? yield* SecretPrompt.ask(`Mews ${kind} token (not shown)`) : ""
  if (answer !== "") return answer
  const account = settings.get("account")
  const known = [...settings.accounts.keys()]
  return yield* new ConfigError({
    problem: `There is no ${kind} token${account === undefined ? "" : ` for the account "${account}"`}.`,
    nextStep:
      known.length > 0 && account !== undefined && !known.includes(account)
        ? `Name an account of the settings file (${known.join(", ")}), or set LONGSHORE_${kind.toUpperCase()}_TOKEN.`
        : `Set LONGSHORE_${kind.toUpperCase()}_TOKEN, or name a file that holds it with --${kind}-token-file or LONGSHORE_${kind.toUpperCase()}_TOKEN_FILE.`
  })
})

const fetch = ({ origin, reference }: TokenOrigin): Effect.Effect<string, ConfigError> =>
  "file" in reference
    ? read(reference.file, origin.where)
    : Effect.flatMap(Environment.get(reference.env), (value) =>
        value === undefined
          ? Effect.fail(
              new ConfigError({
                problem: `The variable ${reference.env}, which ${origin.where} names, is not set.`,
                nextStep: "Set it, or correct the reference."
              })
            )
          : Effect.succeed(value.trim())
      )

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
