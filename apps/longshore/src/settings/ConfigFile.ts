/**
 * Files with settings: the project's `longshore.toml`, in this folder or the nearest above it, and the user's
 * `~/.config/longshore/config.toml`. They hold settings, and accounts with theirs; tokens only by reference.
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
import * as Os from "node:os"
import * as Path from "node:path"
import { parse as parseToml } from "smol-toml"
import { ConfigError } from "../output/Problem.ts"
import * as Environment from "./Environment.ts"
import * as Setting from "./Setting.ts"

/** Where a token is kept. Never the token. */
export type TokenReference = { readonly env: string } | { readonly file: string }

/** What a file, or an account in it, says. */
export interface Said {
  readonly settings: { readonly [N in Setting.Name]?: string }
  readonly clientToken: TokenReference | undefined
  readonly accessToken: TokenReference | undefined
}

export interface ConfigFile extends Said {
  readonly path: string
  readonly kind: "project file" | "user file"
  readonly accounts: ReadonlyMap<string, Said>
}

/** The files that are there, the strongest first. `named` stands in the project file's place. */
export const load = Effect.fn("ConfigFile.load")(function* (
  named: string | undefined
): Effect.fn.Return<ReadonlyArray<ConfigFile>, ConfigError> {
  const project = named === undefined ? yield* nearest(process.cwd()) : yield* read(Path.resolve(named), "project file")
  if (named !== undefined && project === undefined) {
    return yield* new ConfigError({
      problem: `There is no settings file ${Path.resolve(named)}.`,
      nextStep: "Correct --config (or LONGSHORE_CONFIG), or leave it out."
    })
  }
  const user = yield* read(yield* userPath, "user file")
  return [project, user].filter((file) => file !== undefined)
})

/** As the XDG base directories have it, where a relative path counts as unset. */
export const userPath = Effect.map(Environment.get("XDG_CONFIG_HOME"), (home) =>
  home !== undefined && Path.isAbsolute(home)
    ? Path.join(home, "longshore", "config.toml")
    : Path.join(Os.homedir(), ".config", "longshore", "config.toml")
)

const nearest = Effect.fnUntraced(function* (from: string): Effect.fn.Return<ConfigFile | undefined, ConfigError> {
  for (let folder = from; ; folder = Path.dirname(folder)) {
    const found = yield* read(Path.join(folder, "longshore.toml"), "project file")
    if (found !== undefined || folder === Path.dirname(folder)) return found
  }
})

const read = Effect.fnUntraced(function* (
  path: string,
  kind: ConfigFile["kind"]
): Effect.fn.Return<ConfigFile | undefined, ConfigError> {
  const text = yield* Effect.tryPromise({
    try: () => Fs.readFile(path, "utf8"),
    catch: (cause) => (cause instanceof Error && "code" in cause ? String(cause.code) : "unknown")
  }).pipe(
    Effect.catch((code) =>
      code === "ENOENT" || code === "ENOTDIR"
        ? Effect.undefined
        : Effect.fail(refusal(path)(`cannot be read (${code})`, "Make it readable for this user, or move it away."))
    )
  )
  return text === undefined ? undefined : yield* interpret(path, kind, text)
})

const refusal =
  (path: string) =>
  (problem: string, nextStep: string): ConfigError =>
    new ConfigError({ problem: `The settings file ${path} ${problem}.`, nextStep })

const interpret = Effect.fnUntraced(function* (
  path: string,
  kind: ConfigFile["kind"],
  text: string
): Effect.fn.Return<ConfigFile, ConfigError> {
  const toml = yield* Effect.try({
    try: () => parseToml(text),
    // The parser's words quote the line, which may hold a token: only its place is told.
    catch: (cause) => {
      const line = Predicate.hasProperty(cause, "line") ? ` (line ${String(cause.line)})` : ""
      return refusal(path)(`is not TOML${line}`, "Correct it; docs/configuration.md has an example.")
    }
  })
  const { accounts = {}, ...general } = toml
  if (!isTable(accounts)) return yield* refusal(path)("has accounts that are no tables", "Write [accounts.NAME].")
  const byName = new Map<string, Said>()
  for (const [name, table] of Object.entries(accounts)) {
    if (!isTable(table)) {
      return yield* refusal(path)(`has an account "${name}" that is no table`, `Write [accounts.${name}].`)
    }
    byName.set(name, yield* said(path, `accounts.${name}.`, table))
  }
  return { path, kind, accounts: byName, ...(yield* said(path, "", general)) }
})

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)

const said = Effect.fnUntraced(function* (
  path: string,
  within: string,
  table: Record<string, unknown>
): Effect.fn.Return<Said, ConfigError> {
  const settings: { [N in Setting.Name]?: string } = {}
  const tokens: Record<string, TokenReference> = {}
  for (const [key, value] of Object.entries(table)) {
    if (key === "client-token" || key === "access-token") {
      tokens[key] = yield* reference(path, `${within}${key}`, value)
      continue
    }
    const name = Setting.names.find((name) => name === key)
    if (name === undefined || (within !== "" && name === "account")) {
      return yield* refusal(path)(
        `has a key "${within}${key}", which is no setting`,
        "longshore config show lists the settings."
      )
    }
    const text =
      typeof value === "string"
        ? value
        : typeof value === "number" || typeof value === "bigint"
          ? String(value)
          : undefined
    if (text === undefined || Setting.parse(name, text) === undefined) {
      return yield* refusal(path)(
        `has a value of "${within}${key}" that is not ${Setting.about(name).expected}`,
        "Correct it."
      )
    }
    settings[name] = Setting.about(name).isPath === true ? place(path, text) : text
  }
  return { settings, clientToken: tokens["client-token"], accessToken: tokens["access-token"] }
})

const reference = Effect.fnUntraced(function* (
  path: string,
  key: string,
  value: unknown
): Effect.fn.Return<TokenReference, ConfigError> {
  const entries = isTable(value) ? Object.entries(value) : []
  const [kind, where] = entries[0] ?? []
  if (entries.length === 1 && typeof where === "string" && where !== "") {
    if (kind === "env") return { env: where }
    if (kind === "file") return { file: place(path, where) }
  }
  return yield* refusal(path)(
    `has a ${key} that is no reference`,
    `Tokens are not written into settings files: write ${key.slice(key.lastIndexOf(".") + 1)} = { env = "VARIABLE" } or { file = "PATH" }.`
  )
})

/** A path that a file names is meant relative to that file, `~` is the user's home. Addresses and `-` are no paths. */
const place = (file: string, text: string): string => {
  if (text === "-" || /^[a-z][a-z0-9+.-]+:/i.test(text)) return text
  if (text === "~" || text.startsWith("~/")) return Path.join(Os.homedir(), text.slice(1))
  return Path.resolve(Path.dirname(file), text)
}
