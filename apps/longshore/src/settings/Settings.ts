/** What holds for this command: flag, then environment, then project file, then user file, then default. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Path from "node:path"
import { nearest } from "../output/nearest.ts"
import { ConfigError } from "../output/Problem.ts"
import * as ConfigFile from "./ConfigFile.ts"
import * as Environment from "./Environment.ts"
import type { Schedule } from "./Schedule.ts"
import * as Setting from "./Setting.ts"

export const Origin = Schema.Struct({
  /** Who said it. `run`: the command that is resumed. */
  level: Schema.Literals(["flag", "run", "environment", "project file", "user file", "default"]),
  /** For people: `--concurrency`, `LONGSHORE_CONCURRENCY`, `/home/me/.config/longshore/config.toml [accounts.berlin]`. */
  where: Schema.String
})

export type Origin = typeof Origin.Type

export interface Resolved<N extends Setting.Name> {
  readonly value: Setting.Value<N> | undefined
  /** As it was written; paths are absolute. */
  readonly text: string | undefined
  readonly origin: Origin
}

export interface Settings {
  readonly get: <N extends Setting.Name>(name: N) => Setting.Value<N> | undefined
  readonly resolved: <N extends Setting.Name>(name: N) => Resolved<N>
  /** The accounts that files have, each from the strongest file that has it. */
  readonly accounts: ReadonlyMap<string, Account>
  readonly files: ReadonlyArray<ConfigFile.ConfigFile>
  /** A cluster's schedules that files have, each from the strongest file that has it. */
  readonly schedules: ReadonlyMap<string, Schedule>
  /** The same for an account of a file, as if the command line named it; or for none. */
  readonly as: (account: string | undefined) => Settings
  /** Whether the command line, or the run that is resumed, says which account is meant, and a file has it. */
  readonly isAccountNamed: boolean
  /** What files say about whom to ask and as whom, the strongest first. */
  readonly inFiles: <A>(of: (said: ConfigFile.Said) => A | undefined) => ReadonlyArray<Found<A>>
}

export interface Account {
  readonly said: ConfigFile.Said
  readonly file: ConfigFile.ConfigFile
  readonly origin: Origin
}

interface Found<A> {
  readonly value: A
  readonly origin: Origin
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
  const environment = new Map<Setting.Name, ReadonlyArray<Found<string>>>()
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
      environment.set(name, at(text, { level: "environment", where: variable }))
    }
  }
  const accounts = new Map<string, Account>()
  for (const file of files) {
    for (const [name, said] of file.accounts) {
      if (accounts.has(name)) continue
      const where = `${file.path} [${ConfigFile.tableOf(name)}]`
      accounts.set(name, { said, file, origin: { level: file.kind, where } })
    }
  }

  /** The account's own table before the general part of files. */
  const fromFiles = <A>(
    of: (said: ConfigFile.Said) => A | undefined,
    own: Account | undefined,
    general = files
  ): ReadonlyArray<Found<A>> => [
    ...(own === undefined ? [] : at(of(own.said), own.origin)),
    ...general.flatMap((file) => at(of(file), { level: file.kind, where: file.path }))
  ]
  /** The levels that are asked before files, and the one after them. */
  const fromFlag = (name: Setting.Name) =>
    at(Option.getOrUndefined(sources.given[name] ?? Option.none()), { level: "flag", where: `--${name}` })
  const fromRun = (name: Setting.Name) => at(sources.run?.[name], { level: "run", where: "the run that is resumed" })
  const fromDefault = (name: Setting.Name) => at(Setting.about(name).default, { level: "default", where: "default" })
  const fromVariable = (name: Setting.Name) => environment.get(name) ?? []

  const chosen = [
    ...fromFlag("account"),
    ...fromRun("account"),
    ...fromVariable("account"),
    ...fromFiles((file) => file.settings.account, undefined)
  ][0]
  const account = chosen === undefined ? undefined : accounts.get(chosen.value.trim())
  const isAccountNamed = account !== undefined && (chosen?.origin.level === "flag" || chosen?.origin.level === "run")
  // A run's account may be one that was only a name.
  if (chosen !== undefined && account === undefined && accounts.size > 0 && chosen.origin.level !== "run") {
    const known = [...accounts.keys()]
    const near = nearest(chosen.value, known)
    return yield* new ConfigError({
      problem: `The account that ${chosen.origin.where} names is in no settings file.`,
      nextStep:
        near === undefined ? `Name one of ${known.join(", ")}.` : `Did you mean ${near}? There are ${known.join(", ")}.`
    })
  }
  const schedules = new Map(files.toReversed().flatMap((file) => [...file.schedules]))

  /** What holds for an account of a file; or for none of them. */
  const of = (account: Account | undefined, isAccountNamed: boolean): Settings => {
    // An account's tokens go nowhere but to its own address: for both, only its own file is asked.
    const inFiles: Settings["inFiles"] = (of) => fromFiles(of, account, account === undefined ? files : [account.file])

    const hasTokens = inFiles(({ secrets }) => secrets["access-token"] ?? secrets["client-token"]).length > 0

    const candidates = (name: Setting.Name) => {
      if (name === "platform-address") {
        const address = inFiles((file) => file.settings[name])
        // The environment's address is for the environment's tokens.
        const asked = isAccountNamed && hasTokens ? address : [...fromVariable(name), ...address]
        return [...fromFlag(name), ...fromRun(name), ...asked, ...fromDefault(name)]
      }
      const written = fromFiles((file) => file.settings[name], account)
      return [...fromFlag(name), ...fromRun(name), ...fromVariable(name), ...written, ...fromDefault(name)]
    }
    const resolved = <N extends Setting.Name>(name: N): Resolved<N> => {
      const found = candidates(name)[0]
      if (found === undefined)
        return { value: undefined, text: undefined, origin: { level: "default", where: "default" } }
      const written = found.value.trim()
      const isPlace = Setting.about(name).isPath === true && !/^-$|^[a-z][a-z0-9+.-]+:/i.test(written)
      const text = isPlace ? Path.resolve(written) : written
      return { value: Setting.parse(name, text), text, origin: found.origin }
    }
    return {
      get: (name) => resolved(name).value,
      resolved,
      accounts,
      files,
      schedules,
      as: (name) => of(name === undefined ? undefined : accounts.get(name), name !== undefined),
      isAccountNamed,
      inFiles
    }
  }
  return of(account, isAccountNamed)
})

const at = <A>(value: A | undefined, origin: Origin): ReadonlyArray<Found<A>> =>
  value === undefined ? [] : [{ value, origin }]
