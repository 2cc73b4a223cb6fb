/** Every setting and who says so; the tokens' places, never the tokens. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ConfigShowFlags } from "../commands/config.ts"
import * as Answer from "../output/Answer.ts"
import type { ConfigError } from "../output/Problem.ts"
import * as Redaction from "../output/Redaction.ts"
import * as ConfigFile from "../settings/ConfigFile.ts"
import * as Credentials from "../settings/Credentials.ts"
import * as Setting from "../settings/Setting.ts"
import * as Settings from "../settings/Settings.ts"

const Token = Schema.Struct({
  name: Schema.Literals(Setting.secretKeys),
  /** Whether there is one where it should be. */
  set: Schema.Boolean,
  reference: Schema.optionalKey(
    Schema.Union([Schema.Struct({ env: Schema.String }), Schema.Struct({ file: Schema.String })])
  ),
  origin: Schema.optionalKey(Settings.Origin),
  /** What is wrong with its place. */
  problem: Schema.optionalKey(Schema.String)
})

/** What `config show --json` prints. */
export const ConfigShowJson = Answer.json({
  settings: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        name: Schema.String,
        /** Absent: nobody says, and there is no default. */
        value: Schema.optionalKey(Schema.String),
        origin: Settings.Origin
      })
    )
  ),
  tokens: Schema.optionalKey(Schema.Array(Token)),
  accounts: Schema.optionalKey(
    Schema.Array(Schema.Struct({ name: Schema.String, chosen: Schema.Boolean, origin: Settings.Origin }))
  ),
  files: Schema.optionalKey(
    Schema.Array(Schema.Struct({ path: Schema.String, kind: Schema.Literals(["project file", "user file"]) }))
  )
})

export const handle = Effect.fn("config show")(function* (flags: ConfigShowFlags) {
  yield* Answer.give(flags, work(flags))
})

const work = Effect.fnUntraced(function* (flags: ConfigShowFlags): Effect.fn.Return<Answer.Answer, ConfigError> {
  const settings = yield* Settings.load({ given: flags, config: Option.getOrUndefined(flags.config) })
  const ofCluster = [yield* lookAt(settings, "database"), yield* lookAt(settings, "cluster")]
  const tokens = [
    yield* lookAt(settings, "client"),
    yield* lookAt(settings, "access"),
    // Only runners need them.
    ...ofCluster.filter(({ json }) => json.origin !== undefined)
  ]
  // A token that stands where a setting belongs must not be shown either.
  const redact = Redaction.make(tokens.flatMap(({ secret }) => secret ?? []))
  const lines = Setting.names.map((name) => {
    const { origin, text } = settings.resolved(name)
    return { name, ...(text === undefined ? {} : { value: redact(text) }), origin }
  })
  const account = settings.get("account")
  const accounts = [...settings.accounts].map(([name, { origin }]) => ({ name, chosen: name === account, origin }))
  const files = settings.files.map(({ kind, path }) => ({ path, kind }))
  const columns = (...row: ReadonlyArray<string>) => (flags.origin ? row : row.slice(0, -1))
  const rows = [
    ...lines
      .filter(({ name }) => Setting.about(name).inFiles === undefined)
      .map(({ name, origin, value = "-" }) => columns(name, value, value === "-" ? "" : origin.where)),
    ...tokens.map(({ json, text }) => columns(json.name, text, json.origin?.where ?? ""))
  ]
  const sections = [
    Answer.table(columns("SETTING", "VALUE", "FROM"), rows),
    ...(accounts.length === 0
      ? []
      : [
          table(
            "ACCOUNT",
            accounts.map(({ chosen, name, origin }) => [chosen ? `${name} (chosen)` : name, origin.where])
          )
        ]),
    table(
      "FILE",
      files.length === 0
        ? [["-", `neither a longshore.toml here or above, nor ${yield* ConfigFile.userPath}`]]
        : files.map(({ kind, path }) => [path, kind])
    )
  ]
  return {
    json: { settings: lines, tokens: tokens.map(({ json }) => json), accounts, files },
    text: redact(sections.join("\n\n"))
  }
})

const table = (heading: string, rows: ReadonlyArray<ReadonlyArray<string>>) => Answer.table([heading, ""], rows)

/** Where a token is, and whether it is there. */
const lookAt = Effect.fnUntraced(function* (
  settings: Settings.Settings,
  kind: Credentials.Kind
): Effect.fn.Return<{ readonly json: typeof Token.Type; readonly text: string; readonly secret?: string }> {
  const name = Credentials.secrets[kind].key
  const found = yield* Credentials.whereIs(settings, kind)
  if (found === undefined) return { json: { name, set: false }, text: "not set" }
  const { origin, reference } = found
  const place = "file" in reference ? `file ${reference.file}` : `variable ${reference.env}`
  const fetched = yield* Effect.result(Credentials.fetch(found))
  if (fetched._tag === "Failure") {
    const { problem } = fetched.failure
    return { json: { name, set: false, reference, origin, problem }, text: `not set: ${place}. ${problem}` }
  }
  const isForAll = "file" in reference && (yield* Credentials.isForAll(reference.file))
  const problem = "Everybody on this machine may read the file."
  return {
    json: { name, set: true, reference, origin, ...(isForAll ? { problem } : {}) },
    text: `set: ${place}${isForAll ? `. ${problem}` : ""}`,
    secret: fetched.success
  }
})
