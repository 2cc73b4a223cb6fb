/**
 * Files with settings: the project's `longshore.toml`, in this folder or the nearest above it, and the user's
 * `~/.config/longshore/config.toml`. They hold settings, accounts with theirs, and a cluster's schedules; tokens only by
 * reference.
 *
 * ```toml
 * to = "./data"
 * account = "berlin"
 *
 * [accounts.berlin]
 * client-token = { env = "MEWS_CLIENT_TOKEN" }
 * access-token = { file = "~/.secrets/berlin" }
 * ```
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { parse as parseToml } from "smol-toml"
import { nearest } from "../output/nearest.ts"
import { ConfigError } from "../output/Problem.ts"
import * as Environment from "./Environment.ts"
import * as Schedule from "./Schedule.ts"
import * as Setting from "./Setting.ts"
import * as TextFile from "./TextFile.ts"

/** Where a token, or what else is secret, is kept. Never the secret. */
export type TokenReference = { readonly env: string } | { readonly file: string }

/** What a file, or an account in it, says. */
export interface Said {
  readonly settings: { readonly [N in Setting.Name]?: string }
  /** By what they are called there: `client-token`. */
  readonly secrets: { readonly [K in Setting.SecretKey]?: TokenReference }
}

export interface ConfigFile extends Said {
  readonly path: string
  readonly kind: "project file" | "user file"
  readonly accounts: ReadonlyMap<string, Said>
  readonly schedules: ReadonlyMap<string, Schedule.Schedule>
}

/** The files that are there, the strongest first. `named` stands in the project file's place. */
export const load = Effect.fn("ConfigFile.load")(function* (
  named: string | undefined
): Effect.fn.Return<ReadonlyArray<ConfigFile>, ConfigError> {
  const home = yield* Environment.home
  const at = (path: string, kind: ConfigFile["kind"], trusted: boolean) => read({ path, kind, trusted, home })
  const project =
    named === undefined
      ? yield* Effect.flatMap(find(process.cwd()), (path) =>
          path === undefined ? Effect.undefined : at(path, "project file", false)
        )
      : yield* at(Path.resolve(named), "project file", true)
  if (named !== undefined && project === undefined) {
    return yield* new ConfigError({
      problem: `There is no settings file ${Path.resolve(named)}.`,
      nextStep: "Correct --config (or LONGSHORE_CONFIG), or leave it out."
    })
  }
  const user = yield* at(yield* userPath, "user file", true)
  return [project, user].filter((file) => file !== undefined)
})

export const userPath = Effect.map(Environment.folder("XDG_CONFIG_HOME", ".config"), (folder) =>
  Path.join(folder, "config.toml")
)

/** The project's file, in this folder or the nearest above it. */
const find = Effect.fnUntraced(function* (from: string): Effect.fn.Return<string | undefined, ConfigError> {
  for (let folder = from; ; folder = Path.dirname(folder)) {
    const path = Path.join(folder, "longshore.toml")
    const found = yield* Effect.option(Effect.tryPromise(() => Fs.lstat(path)))
    if (found._tag === "None") {
      if (folder === Path.dirname(folder)) return undefined
      continue
    }
    // In a shared folder above, such as /tmp, anybody may have put one.
    const { uid } = found.value
    if (process.getuid === undefined || uid === process.getuid() || uid === 0) return path
    return yield* refusal(path)("belongs to another user", `If you trust it, name it: --config ${path}.`)
  }
})

/** A file, and how it is taken. */
interface Reading {
  readonly path: string
  readonly kind: ConfigFile["kind"]
  /** Somebody named it, or it is the user's own: not merely found in a folder. */
  readonly trusted: boolean
  readonly home: string
}

const refusal =
  (path: string) =>
  (problem: string, nextStep: string): ConfigError =>
    new ConfigError({ problem: `The settings file ${path} ${problem}.`, nextStep })

const read = Effect.fnUntraced(function* (reading: Reading): Effect.fn.Return<ConfigFile | undefined, ConfigError> {
  const { kind, path } = reading
  const text = yield* TextFile.read(path).pipe(
    Effect.catch(({ isMissing, problem }) =>
      isMissing
        ? Effect.undefined
        : Effect.fail(refusal(path)(problem, "Put a file there that this user can read, or move it away."))
    )
  )
  if (text === undefined) return undefined
  const toml = yield* Effect.try({
    try: () => parseToml(text),
    // The parser's words quote the line, which may hold a token: only its place is told.
    catch: (cause) => {
      const line = Predicate.hasProperty(cause, "line") ? ` (line ${String(cause.line)})` : ""
      return refusal(path)(`is not TOML${line}`, "Correct it; docs/configuration.md has an example.")
    }
  })
  const { accounts = {}, schedules = {}, ...general } = toml
  if (!isTable(accounts)) return yield* refusal(path)("has accounts that are no tables", "Write [accounts.NAME].")
  const byName = new Map<string, Said>()
  for (const [name, table] of Object.entries(accounts)) {
    // As the setting `account` can say it, and a terminal can show it.
    if (name === "" || name !== name.trim() || /\p{C}/u.test(name)) {
      return yield* refusal(path)(
        "has an account whose name is empty, begins or ends with a space, or has a control character",
        "Give it another name."
      )
    }
    if (!isTable(table)) {
      return yield* refusal(path)(`has an account "${name}" that is no table`, `Write [${tableOf(name)}].`)
    }
    byName.set(name, yield* said(reading, `${tableOf(name)}.`, table))
  }
  return {
    path,
    kind,
    accounts: byName,
    schedules: yield* schedulesOf(reading, schedules),
    ...(yield* said(reading, "", general))
  }
})

const schedulesOf = Effect.fnUntraced(function* (
  reading: Reading,
  tables: unknown
): Effect.fn.Return<ReadonlyMap<string, Schedule.Schedule>, ConfigError> {
  const refuse = refusal(reading.path)
  if (!isTable(tables)) return yield* refuse("has schedules that are no tables", "Write [schedules.NAME].")
  const byName = new Map<string, Schedule.Schedule>()
  for (const [name, table] of Object.entries(tables)) {
    const where = `${reading.path} [schedules.${name}]`
    if (!reading.trusted) return yield* refuse("has schedules", yield* trusting(reading))
    const schedule = isTable(table) ? Schedule.parse(name, table, where) : "is no table"
    if (typeof schedule === "string") {
      return yield* new ConfigError({
        problem: `The schedule ${where} ${schedule}.`,
        nextStep: "Correct it; docs/configuration.md has an example."
      })
    }
    byName.set(name, schedule)
  }
  return byName
})

/** An account's table as TOML writes it. */
export const tableOf = (account: string): string =>
  `accounts.${/^[A-Za-z0-9_-]+$/.test(account) ? account : JSON.stringify(account)}`

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)

const said = Effect.fnUntraced(function* (
  reading: Reading,
  within: string,
  table: Record<string, unknown>
): Effect.fn.Return<Said, ConfigError> {
  const refuse = refusal(reading.path)
  const settings: { [N in Setting.Name]?: string } = {}
  const secrets: { [K in Setting.SecretKey]?: TokenReference } = {}
  for (const [key, value] of Object.entries(table)) {
    const secret = Setting.secretKeys.find((secret) => secret === key)
    const name = Setting.names.find(
      (name) => name === key || (secret !== undefined && Setting.about(name).inFiles === secret)
    )
    // An account's table has what is an account's.
    const isMisplaced = within !== "" && name !== undefined && (name === "account" || Setting.about(name).isGeneral)
    if (secret !== undefined && name !== undefined && !isMisplaced) {
      if (!reading.trusted && Setting.about(name).needsTrust?.("") === true) {
        return yield* refuse(
          `says "${key}", which a file that was only found in a folder must not`,
          yield* trusting(reading)
        )
      }
      secrets[secret] = yield* reference(reading, `${within}${key}`, value)
      continue
    }
    const instead = name === undefined || isMisplaced ? undefined : Setting.about(name).inFiles
    if (instead !== undefined) {
      return yield* refuse(`has a key "${within}${key}"`, `Write ${instead} = { file = "PATH" } in its place.`)
    }
    if (name === undefined || isMisplaced) {
      const near = nearest(key, keys)
      return yield* refuse(
        `has a key "${within}${key}", which is no setting`,
        near === undefined || near === key
          ? `Leave it out${near === key ? " there" : ""}; longshore config show lists the settings.`
          : `Did you mean ${near}? longshore config show lists the settings.`
      )
    }
    const text = typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined
    if (text === undefined || Setting.parse(name, text) === undefined) {
      return yield* refuse(
        `has a value of "${within}${key}" that is not ${Setting.about(name).expected}`,
        "Correct it."
      )
    }
    if (!reading.trusted && Setting.about(name).needsTrust?.(text) === true) {
      return yield* refuse(
        `says "${within}${key}", which a file that was only found in a folder must not`,
        yield* trusting(reading)
      )
    }
    settings[name] = Setting.about(name).isPath === true ? place(reading, text) : text
  }
  return { settings, secrets }
})

const trusting = ({ path }: Reading): Effect.Effect<string> =>
  Effect.map(
    userPath,
    (user) =>
      `If you trust it, name it (--config ${path}, or LONGSHORE_CONFIG); or say this in the user's file, ${user}.`
  )

/** What a file may say. */
const keys: ReadonlyArray<string> = [
  ...Setting.names.map((name) => Setting.about(name).inFiles ?? name),
  "accounts",
  "schedules"
]

const reference = Effect.fnUntraced(function* (
  reading: Reading,
  key: string,
  value: unknown
): Effect.fn.Return<TokenReference, ConfigError> {
  const entries = isTable(value) ? Object.entries(value) : []
  const [kind, where] = entries[0] ?? []
  if (entries.length === 1 && typeof where === "string" && where !== "") {
    if (kind === "env" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(where)) return { env: where }
    if (kind === "file") return { file: place(reading, where) }
  }
  // What stands there may be the token.
  return yield* refusal(reading.path)(
    `has a ${key} that is no reference`,
    `Tokens are not written into settings files: write ${key.slice(key.lastIndexOf(".") + 1)} = { env = "VARIABLE" } or { file = "PATH" }.`
  )
})

/** A path that a file names is meant relative to that file, `~` is the user's home. Addresses and `-` are no paths. */
const place = ({ home, path }: Reading, text: string): string => {
  if (text === "-" || /^[a-z][a-z0-9+.-]+:/i.test(text)) return text
  if (text === "~" || text.startsWith("~/")) return Path.join(home, text.slice(1))
  return Path.resolve(Path.dirname(path), text)
}
