/** Settings from every level, through the program. */
import * as Schema from "effect/Schema"
import { chmod, mkdir, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it, type TestContext } from "vitest"
import { ConfigShowJson } from "../../src/handlers/configShow.ts"
import { laboratory, pointedAt } from "../program.ts"

const decode = Schema.decodeUnknownSync(ConfigShowJson)

/** A project's folder, a user's, and the program in it. */
const place = async (context: TestContext) => {
  const lab = laboratory(context)
  const folder = await lab.folder()
  const project = Path.join(folder, "project")
  const user = Path.join(folder, "config", "longshore", "config.toml")
  await mkdir(Path.join(project, "below"), { recursive: true })
  await mkdir(Path.dirname(user), { recursive: true })
  const through = `cd '${Path.join(project, "below")}' && exec "$@"`
  const longshore = (args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
    lab.longshore(args, { through, env: { XDG_CONFIG_HOME: Path.join(folder, "config"), ...env } })
  return { lab, folder, project: Path.join(project, "longshore.toml"), user, longshore }
}

describe.concurrent("config show", () => {
  it("tells every setting, who says it, where the tokens are, the accounts and the files", async (context) => {
    const { folder, longshore, project, user } = await place(context)
    await writeFile(Path.join(folder, "token"), "ACCESS0TOKEN0C66EF7B239D24632943D\n")
    await writeFile(project, 'to = "./data"\nconcurrency = 4\n')
    await writeFile(
      user,
      `concurrency = 5
part-size = "4MiB"
[accounts.berlin]
client-token = { env = "BERLIN_CLIENT" }
access-token = { file = "${Path.join(folder, "token")}" }
platform-address = "https://mine.example"
[accounts."Paris 7e"]
region = "ACCESS0TOKEN0C66EF7B239D24632943D"
`
    )
    const command = ["config", "show", "--account", "berlin", "--origin"]
    const env = { LONGSHORE_RETRIES: "2", LONGSHORE_PLATFORM_ADDRESS: "https://other.example" }
    await chmod(Path.join(folder, "token"), 0o600)
    const shown = await longshore(command, env)
    expect(shown.code).toBe(0)
    const rows = shown.stdout
      .toString()
      .split("\n")
      .map((row) => row.split(/ {2,}/))
    expect(rows).toContainEqual(["to", Path.join(Path.dirname(project), "data"), project])
    expect(rows).toContainEqual(["account", "berlin", "--account"])
    expect(rows).toContainEqual(["platform-address", "https://mine.example", `${user} [accounts.berlin]`])
    expect(rows).toContainEqual(["concurrency", "4", project])
    expect(rows).toContainEqual(["part-size", "4MiB", user])
    expect(rows).toContainEqual(["retries", "2", "LONGSHORE_RETRIES"])
    expect(rows).toContainEqual(["progress", "auto", "default"])
    expect(rows).toContainEqual(["max-age", "-"])
    const unset = `not set: variable BERLIN_CLIENT. The variable that ${user} [accounts.berlin] names is not set.`
    expect(rows).toContainEqual(["client-token", unset, `${user} [accounts.berlin]`])
    expect(rows).toContainEqual([
      "access-token",
      `set: file ${Path.join(folder, "token")}`,
      `${user} [accounts.berlin]`
    ])
    expect(rows).toContainEqual(["berlin (chosen)", `${user} [accounts.berlin]`])
    expect(rows).toContainEqual(["Paris 7e", `${user} [accounts."Paris 7e"]`])
    expect(rows).toContainEqual([project, "project file"])
    await chmod(Path.join(folder, "token"), 0o644)
    const json = await longshore([...command, "--json"], env)
    const answer = decode(JSON.parse(json.stdout.toString()), { onExcessProperty: "error" })
    expect(answer.settings).toContainEqual({
      name: "retries",
      value: "2",
      origin: { level: "environment", where: "LONGSHORE_RETRIES" }
    })
    expect(answer.tokens?.map(({ name, problem, set }) => [name, set, problem])).toEqual([
      ["client-token", false, expect.stringContaining("is not set")],
      ["access-token", true, "Everybody on this machine may read the file."]
    ])
    expect(answer.accounts?.map(({ chosen, name }) => [name, chosen])).toEqual([
      ["berlin", true],
      ["Paris 7e", false]
    ])
  })

  it("shows no token that stands in a wrong place", async (context) => {
    const { folder, longshore, user } = await place(context)
    await writeFile(Path.join(folder, "token"), "SOME-OTHER-TOKEN")
    await writeFile(user, `region = "SOME-OTHER-TOKEN"\naccess-token = { file = "${Path.join(folder, "token")}" }`)
    for (const json of [[], ["--json"]]) {
      const { stdout } = await longshore(["config", "show", ...json])
      expect(stdout.toString()).toContain("<redacted>")
      expect(stdout.toString()).not.toContain("SOME-OTHER-TOKEN")
    }
  })

  it("says what is wrong with a file, with exit code 3", async (context) => {
    const { longshore, project } = await place(context)
    await writeFile(project, "concurency = 4")
    const shown = await longshore(["config", "show", "--json"])
    expect(shown.code).toBe(3)
    expect(shown.stderr).toBe(
      `longshore: The settings file ${project} has a key "concurency", which is no setting. Next: Did you mean concurrency? longshore config show lists the settings.\n`
    )
    expect(decode(JSON.parse(shown.stdout.toString()))).toMatchObject({ ok: false, error: { tag: "ConfigError" } })
  })
})

it("exports by a file alone: target, account, address, tokens; and not to an address that a stranger's file names", async (context) => {
  const { folder, lab, longshore, project, user } = await place(context)
  const { env, exports, requests } = await lab.simulator()
  const { LONGSHORE_ACCESS_TOKEN = "", LONGSHORE_CLIENT_TOKEN = "", LONGSHORE_PLATFORM_ADDRESS = "" } = env
  expect(pointedAt("")).toHaveProperty("LONGSHORE_ACCESS_TOKEN", LONGSHORE_ACCESS_TOKEN)
  await writeFile(Path.join(folder, "token"), LONGSHORE_ACCESS_TOKEN, { mode: 0o600 })
  await writeFile(
    user,
    `[accounts.berlin]
platform-address = "${LONGSHORE_PLATFORM_ADDRESS}"
client-token = { env = "MEWS" }
access-token = { file = "../../token" }
`
  )
  await writeFile(project, `to = "./data"\naccount = "berlin"\nplatform-address = "${LONGSHORE_PLATFORM_ADDRESS}"\n`)
  const tokens = { MEWS: LONGSHORE_CLIENT_TOKEN }
  const refused = await longshore(["export", "Bill"], { ...tokens, LONGSHORE_ACCESS_TOKEN })
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("only found in a folder must not") })
  expect(await requests("add")).toHaveLength(0)
  await writeFile(project, 'to = "./data"\naccount = "berlin"\n')
  const ended = await longshore(["export", "Bill", "--json"], tokens)
  expect(ended.code).toBe(0)
  const [bill] = await exports()
  expect(JSON.parse(ended.stdout.toString()).runs[0].location).toBe(
    `file://${Path.dirname(project)}/data/Bill/${bill?.id}/manifest.json`
  )
})
