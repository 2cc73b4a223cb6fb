/** What holds for this command: flag, then environment, then project file, then user file, then default. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Path from "node:path"
import { ConfigError } from "../output/Problem.ts"
import * as ConfigFile from "./ConfigFile.ts"
import * as Environment from "./Environment.ts"
import * as Setting from "./Setting.ts"

/** Who said it. `run`: the command that is resumed. */
export type Level = "flag" | "run" | "environment" | "project file" | "user file" | "default"

export interface Origin {
  readonly level: Level
  /** For people: `--concurrency`, `LONGSHORE_CONCURRENCY`, `/home/me/.config/longshore/config.toml [accounts.berlin]`. */
  readonly where: string
}

export interface Resolved<N extends Setting.Name> {
  readonly value: Setting.Value<N> | undefined
  /** As it was written; paths are absolute. */
  readonly text: string | undefined
  readonly origin: Origin
}

export interface Settings {
  readonly get: <N extends Setting.Name>(name: N) => Setting.Value<N> | undefined
  readonly resolved: <N extends Setting.Name>(name: N) => Resolved<N>
  /** The accounts that files name, each with the strongest file that has it. */
  readonly accounts: ReadonlyMap<string, { readonly said: ConfigFile.Said; readonly origin: Origin }>
  readonly files: ReadonlyArray<ConfigFile.ConfigFile>
}

export interface Sources {
  readonly given: Setting.Given
  /** `--config`. */
  readonly config: string | undefined
  /** What the run that is resumed was started with. */
  readonly run?: { readonly [N in Setting.Name]?: string }
}

/** Reads the files and the environment. What cannot be meant is refused, whoever said it. */
export const load = Effect.fn("Settings.load")(function* (sources: Sources): Effect.fn.Return<Settings, ConfigError> {
  const files = yield* ConfigFile.load(sources.config ?? (yield* Environment.get("LONGSHORE_CONFIG")))
  const environment = new Map<Setting.Name, { readonly text: string; readonly origin: Origin }>()
  for (const name of Setting.names) {
    for (const variable of Setting.variables(name)) {
      const text = yield* Environment.get(variable)
      if (text === undefined || environment.has(name)) continue
      if (Setting.parse(name, text) === undefined) {
        return yield* new ConfigError({
          problem: `The variable ${variable} is not ${Setting.about(name).expected}.`,
          nextStep: "Correct it, or unset it."
        })
      }
      environment.set(name, { text, origin: { level: "environment", where: variable } })
    }
  }
  const accounts = new Map<string, { readonly said: ConfigFile.Said; readonly origin: Origin }>()
  for (const file of files) {
    for (const [name, said] of file.accounts) {
      if (!accounts.has(name)) {
        accounts.set(name, { said, origin: { level: file.kind, where: `${file.path} [accounts.${name}]` } })
      }
    }
  }

  /** Levels in their order, the account's own table before the general part of files. */
  const candidates = (name: Setting.Name, account: string | undefined) => {
    const flag = Option.getOrUndefined(sources.given[name] ?? Option.none())
    const run = sources.run?.[name]
    const own = account === undefined ? undefined : accounts.get(account)
    const at = (text: string | undefined, origin: Origin) => (text === undefined ? [] : [{ text, origin }])
    const found = environment.get(name)
    return [
      ...at(flag, { level: "flag", where: `--${name}` }),
      ...at(run, { level: "run", where: "the run that is resumed" }),
      ...(found === undefined ? [] : [found]),
      ...(own === undefined ? [] : at(own.said.settings[name], own.origin)),
      ...files.flatMap((file) => at(file.settings[name], { level: file.kind, where: file.path })),
      ...at(Setting.about(name).default, { level: "default", where: "default" })
    ]
  }
  const account = candidates("account", undefined)[0]?.text
  const resolved = <N extends Setting.Name>(name: N): Resolved<N> => {
    const found = candidates(name, account)[0]
    if (found === undefined)
      return { value: undefined, text: undefined, origin: { level: "default", where: "default" } }
    const isPlace = Setting.about(name).isPath === true && !/^-$|^[a-z][a-z0-9+.-]+:/i.test(found.text)
    const text = isPlace ? Path.resolve(found.text) : found.text
    return { value: Setting.parse(name, text), text, origin: found.origin }
  }
  return { get: (name) => resolved(name).value, resolved, accounts, files }
})
