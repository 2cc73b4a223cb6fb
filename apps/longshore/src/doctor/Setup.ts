/** What can be told without asking anybody: the program, its settings, its tokens. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { accountOf } from "../runs/RunFile.ts"
import * as ConfigFile from "../settings/ConfigFile.ts"
import * as Credentials from "../settings/Credentials.ts"
import * as Setting from "../settings/Setting.ts"
import type { Settings } from "../settings/Settings.ts"
import { version } from "../version.ts"
import * as Finding from "./Finding.ts"

export const program = (): Finding.Finding =>
  Finding.ok(
    "program",
    `longshore ${version}, Node.js ${process.version.slice(1)}, ${process.platform} ${process.arch}`
  )

/** Which files were found, and who decides what. Values stay out: this may be shown to others. */
export const settings = Effect.fnUntraced(function* (settings: Settings): Effect.fn.Return<Finding.Finding> {
  const { files } = settings
  const user = yield* ConfigFile.userPath
  const found = [
    ...files.map(({ kind, path }) => `${kind} ${path}`),
    ...(files.some(({ kind }) => kind === "project file") ? [] : ["no project file (longshore.toml)"]),
    ...(files.some(({ kind }) => kind === "user file") ? [] : [`no user file (${user})`])
  ]
  const set = Setting.names.flatMap((name) => {
    const { origin } = settings.resolved(name)
    return origin.level === "default" ? [] : [`${name} from ${origin.where}`]
  })
  return Finding.ok("settings", [found.join(", "), ...set].join("; "))
})

/** Where the tokens are from. On a terminal they are asked for, as an export does. */
export const tokens = Effect.fnUntraced(function* (
  settings: Settings
): Effect.fn.Return<{ readonly finding: Finding.Finding; readonly credentials?: Credentials.Credentials }> {
  const origins = {
    client: yield* Credentials.whereIs(settings, "client"),
    access: yield* Credentials.whereIs(settings, "access")
  }
  return yield* Credentials.load(settings).pipe(
    Effect.map((credentials) => {
      const found = `client token ${describe(origins.client)}, access token ${describe(origins.access)}; account ${accountOf(Redacted.value(credentials.accessToken))}`
      const finding =
        origins.client === undefined || origins.access === undefined
          ? Finding.warning(
              "tokens",
              found,
              "A run without a terminal, as from cron, needs them in LONGSHORE_CLIENT_TOKEN and LONGSHORE_ACCESS_TOKEN, or in files."
            )
          : Finding.ok("tokens", found)
      return { finding, credentials }
    }),
    Effect.catch((error) => Effect.succeed({ finding: Finding.ofFailure("tokens", error) }))
  )
})

/** The name of a file stays out: it may be the token, by mistake. */
const describe = (found: Credentials.TokenOrigin | undefined): string => {
  if (found === undefined) return "typed in"
  const { origin, reference } = found
  const where = "file" in reference ? `from the file that ${origin.where} names` : `from ${reference.env}`
  return "file" in reference || reference.env === origin.where ? where : `${where}, as ${origin.where} has it`
}
