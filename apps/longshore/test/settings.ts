/** Settings from real files in a folder of the test's own, and from an environment that it makes up. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import type { TestContext } from "vitest"
import { vi } from "vitest"
import type { ConfigError } from "../src/output/Problem.ts"
import * as Credentials from "../src/settings/Credentials.ts"
import type * as Setting from "../src/settings/Setting.ts"
import * as Settings from "../src/settings/Settings.ts"

/** What each level says. */
export interface Says {
  readonly flags?: { readonly [N in Setting.Name]?: string }
  readonly run?: { readonly [N in Setting.Name]?: string }
  readonly env?: Readonly<Record<string, string>>
  /** A project file that is found. */
  readonly found?: string
  /** A project file that is named. */
  readonly named?: string
  readonly user?: string
}

export const settingsFolder = async ({ onTestFinished }: TestContext) => {
  const folder = await mkdtemp(Path.join(Os.tmpdir(), "longshore-settings-"))
  const project = Path.join(folder, "project")
  const below = Path.join(project, "a", "b")
  const named = Path.join(folder, "named.toml")
  const user = Path.join(folder, "config", "longshore", "config.toml")
  await mkdir(below, { recursive: true })
  await mkdir(Path.dirname(user), { recursive: true })
  const cwd = vi.spyOn(process, "cwd").mockReturnValue(below)
  onTestFinished(async () => {
    cwd.mockRestore()
    await rm(folder, { recursive: true, force: true })
  })
  const write = async (path: string, text: string | Uint8Array) => {
    await writeFile(path, text)
    return path
  }
  const within = <A>(says: Says, effect: (settings: Settings.Settings) => Effect.Effect<A, ConfigError>): Promise<A> =>
    Effect.gen(function* () {
      const files = { [Path.join(project, "longshore.toml")]: says.found, [named]: says.named, [user]: says.user }
      for (const [path, text] of Object.entries(files)) {
        if (text !== undefined) yield* Effect.promise(() => write(path, text))
      }
      const given = Object.fromEntries(
        Object.entries(says.flags ?? {}).map(([name, text]) => [name, Option.some(text)])
      )
      const settings = yield* Settings.load({
        given,
        config: says.named === undefined ? undefined : named,
        ...(says.run === undefined ? {} : { run: says.run })
      })
      return yield* effect(settings)
    }).pipe(
      Effect.provide(
        ConfigProvider.layer(
          ConfigProvider.fromEnvRecord({ XDG_CONFIG_HOME: Path.join(folder, "config"), ...says.env })
        )
      ),
      Effect.runPromise
    )
  return {
    folder,
    below,
    project: Path.join(project, "longshore.toml"),
    named,
    user,
    write,
    within,
    load: (says: Says) => within(says, Effect.succeed),
    /** What the program says in place of settings. */
    refusal: (says: Says): Promise<string> =>
      within(says, Effect.succeed).then(
        () => "nothing",
        (error: ConfigError) => `${error.problem} Next: ${error.nextStep}`
      ),
    /** Where each request would go, with which tokens. */
    credentials: (says: Says) =>
      within(says, (settings) =>
        Effect.all([Credentials.whereIs(settings, "client"), Credentials.whereIs(settings, "access")]).pipe(
          Effect.map(([client, access]) => ({
            address: settings.get("platform-address"),
            client: client?.reference,
            access: access?.reference
          }))
        )
      )
  }
}
