import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import * as Setting from "../src/settings/Setting.ts"
import { type Says, settingsFolder } from "./settings.ts"

/** Values that a setting takes, different from each other. */
const samples = (name: Setting.Name): ReadonlyArray<string> => {
  const { choices, isPath } = Setting.about(name)
  const pool =
    choices ?? (isPath === true ? ["/a", "/b"] : ["11", "12", "13s", "14s", "2KiB", "3KiB", "a:15", "[::1]:16"])
  return pool.filter((text) => Setting.parse(name, text) !== undefined)
}

const line = (name: Setting.Name, text: string) => `${name} = ${JSON.stringify(text)}\n`

/** From the strongest to the weakest. What each says comes on top of what the weaker ones say. */
const levels: Readonly<Record<string, (name: Setting.Name, text: string) => Says>> = {
  flag: (name, text) => ({ flags: { [name]: text } }),
  run: (name, text) => ({ run: { [name]: text } }),
  environment: (name, text) => ({ env: { [Setting.variable(name)]: text } }),
  "project file": (name, text) => ({ named: line(name, text) }),
  "user file": (name, text) => ({ user: line(name, text) })
}

const origins = (name: Setting.Name, { named, user }: { readonly named: string; readonly user: string }) => ({
  flag: `--${name}`,
  run: "the run that is resumed",
  environment: Setting.variable(name),
  "project file": named,
  "user file": user
})

/** Tokens are in files by reference. */
const inFiles = Setting.names.filter((name) => Setting.about(name).inFiles === undefined)

const ofLevel = (name: Setting.Name) =>
  Object.entries(levels).filter(([level]) => inFiles.includes(name) || !level.endsWith("file"))

describe("every setting", () => {
  it.for(Setting.names)("%s: each level says it, and goes before all that come after", async (name, context) => {
    const settings = await settingsFolder(context)
    const [strong = "", weak = ""] = samples(name)
    expect(weak, "two values to tell levels apart").not.toBe("")
    const said = ofLevel(name)
    expect(said.length).toBeGreaterThanOrEqual(3)
    for (const [index, [level, says]] of said.entries()) {
      const weaker = said.slice(index + 1).map(([, says]) => says(name, weak))
      const { get, resolved } = await settings.load(Object.assign({}, ...weaker, says(name, strong)))
      expect(resolved(name)).toMatchObject({
        text: strong,
        origin: { level, where: origins(name, settings)[level as keyof ReturnType<typeof origins>] }
      })
      expect(get(name)).toEqual(Setting.parse(name, strong))
    }
  })

  it.for(Setting.names)("%s: is its default if nobody says it", async (name, context) => {
    const { load } = await settingsFolder(context)
    const otherwise = Setting.about(name).default
    expect((await load({})).resolved(name)).toEqual({
      text: otherwise,
      value: otherwise === undefined ? undefined : Setting.parse(name, otherwise),
      origin: { level: "default", where: "default" }
    })
  })

  const isOfAccount = (name: Setting.Name) => name !== "account" && Setting.about(name).isGeneral !== true

  it.for(inFiles.filter(isOfAccount))(
    "%s: an account's table goes before the general part of any file, and after the environment",
    async (name, context) => {
      const { load, user } = await settingsFolder(context)
      const [strong = "", weak = ""] = samples(name)
      const says = {
        named: `account = "berlin"\n${line(name, weak)}`,
        user: `${line(name, weak)}[accounts.berlin]\n${line(name, strong)}`
      }
      expect((await load(says)).resolved(name)).toMatchObject({
        text: strong,
        origin: { level: "user file", where: `${user} [accounts.berlin]` }
      })
      const env = { [Setting.variable(name)]: weak }
      expect((await load({ ...says, env })).resolved(name)).toMatchObject({
        text: weak,
        origin: { level: "environment" }
      })
    }
  )

  it.for(inFiles.filter((name) => !isOfAccount(name)))("%s: is no account's", async (name, context) => {
    const { refusal } = await settingsFolder(context)
    const [text = ""] = samples(name)
    expect(await refusal({ user: `[accounts.berlin]\n${line(name, text)}` })).toContain(
      `has a key "accounts.berlin.${name}", which is no setting`
    )
  })

  const picky = Setting.names.filter((name) => Setting.parse(name, "SECRET") === undefined)

  it.for(picky)("%s: a variable that cannot be meant is refused", async (name, context) => {
    const { load, refusal } = await settingsFolder(context)
    const variable = Setting.variable(name)
    expect(await refusal({ env: { [variable]: "SECRET" } })).toBe(
      `The variable ${variable} is not ${Setting.about(name).expected}. Next: Correct it, or unset it.`
    )
    // An empty variable is an unset one, as in shells.
    expect((await load({ env: { [variable]: " " } })).resolved(name).origin.level).toBe("default")
  })

  it.for(inFiles)("%s: a value in a file that cannot be meant is refused", async (name, context) => {
    const { refusal } = await settingsFolder(context)
    const bad = picky.includes(name) ? '"SECRET"' : '" "'
    for (const value of [bad, "true", "[1]", "{ a = 1 }", "2026-01-01"]) {
      const said = await refusal({ user: `${name} = ${value}` })
      expect(said).toContain(`config.toml has a value of "${name}" that is not ${Setting.about(name).expected}`)
      expect(said).not.toContain("SECRET")
    }
  })

  it("others' variables count after our own", async (context) => {
    const { load } = await settingsFolder(context)
    const [first = "", second = "", third = ""] = Setting.variables("endpoint")
    const all = { [first]: "https://a", [second]: "https://b", [third]: "https://c" }
    expect((await load({ env: all })).get("endpoint")).toBe("https://a")
    expect((await load({ env: { ...all, [first]: "" } })).get("endpoint")).toBe("https://b")
    expect((await load({ env: { [third]: "https://c" } })).resolved("endpoint").origin.where).toBe(third)
  })

  it("spaces around are not meant", async (context) => {
    const { load } = await settingsFolder(context)
    const says = { env: { LONGSHORE_ACCOUNT: " berlin " }, user: '[accounts.berlin]\nregion = " eu-central-1 "' }
    const settings = await load(says)
    expect(settings.resolved("account").text).toBe("berlin")
    expect(settings.resolved("region").text).toBe("eu-central-1")
  })

  it("paths in a file are meant from that file on, others from here; addresses and - stay", async (context) => {
    const { below, load, project } = await settingsFolder(context)
    const from = async (says: Says, name: Setting.Name) => (await load(says)).get(name)
    expect(await from({ found: `to = "./data"` }, "to")).toBe(Path.join(Path.dirname(project), "data"))
    expect(await from({ flags: { to: "./data" } }, "to")).toBe(Path.join(below, "data"))
    expect(await from({ env: { LONGSHORE_STATE: "s" } }, "state")).toBe(Path.join(below, "s"))
    expect(await from({ found: `state = "~/s"` }, "state")).toBe(Path.join(process.env["HOME"] ?? "", "s"))
    for (const to of ["s3://bucket/prefix", "-", "file:///srv/data"]) {
      expect(await from({ found: `to = "${to}"` }, "to")).toBe(to)
      expect(await from({ flags: { to } }, "to")).toBe(to)
    }
  })
})
