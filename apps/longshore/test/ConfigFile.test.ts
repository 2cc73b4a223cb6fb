import { chmod, chown, mkdir, symlink } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { settingsFolder } from "./settings.ts"

const secret = "ACCESS0TOKEN0C66EF7B239D24632943D"

describe("a settings file that cannot be meant is refused, without a word of what may be a secret", () => {
  it.for<[what: string, text: string, problem: string, next: string]>([
    ["an unknown key", "concurency = 4", `has a key "concurency", which is no setting`, "Did you mean concurrency?"],
    ["one in another spelling", "part_size = 4", `has a key "part_size"`, "Did you mean part-size?"],
    ["one of a token in another spelling", `clienttoken = "${secret}"`, "no setting", "Did you mean client-token?"],
    ["one that is nothing like any", "colour = 1", `has a key "colour"`, "config show lists"],
    ["one within an account", "[accounts.b]\nregon = 'x'", `"accounts.b.regon"`, "Did you mean region?"],
    ["an account's account", "[accounts.b]\naccount = 'x'", `"accounts.b.account", which is no setting`, "out there"],
    ["a section", "[settings]\nto = 'x'", `has a key "settings"`, "config show lists"],
    ["dotted keys", "log.file = 'x'", `has a key "log"`, "config show lists"],
    [
      "a literal token",
      `client-token = "${secret}"`,
      "has a client-token that is no reference",
      "Tokens are not written"
    ],
    ["one in an account", `[accounts.b]\naccess-token = "${secret}"`, "accounts.b.access-token that", "{ env ="],
    ["one as a reference of no kind", `access-token = { value = "${secret}" }`, "no reference", "{ env ="],
    ["one as a dotted key", `access-token.${secret} = 1`, "no reference", "{ env ="],
    ["one in an array", `access-token = ["${secret}"]`, "no reference", "{ env ="],
    ["one as a variable's name", `access-token = { env = "${secret}-0" }`, "no reference", "{ env ="],
    ["two references", `access-token = { env = "A", file = "b" }`, "no reference", "{ env ="],
    ["an empty reference", `access-token = { file = "" }`, "no reference", "{ env ="],
    ["the flag's name", `access-token-file = "x"`, `a key "access-token-file"`, "Write access-token = { file"],
    ["accounts that are a list", "[[accounts]]\nname = 'b'", "accounts that are no tables", "[accounts.NAME]"],
    ["an account that is a text", `[accounts]\nb = "${secret}"`, `an account "b" that is no table`, "[accounts.b]"],
    ["an account without a name", `[accounts.""]\nto = "x"`, "whose name is empty", "another name"],
    ["an account with spaces around", `[accounts." b"]\nto = "x"`, "with a space", "another name"],
    ["one that would steer a terminal", `[accounts."b\\u001b[2J"]\nto = "x"`, "control character", "another name"],
    ["a cluster's token", `cluster-token = "${secret}"`, "has a cluster-token that is no reference", "{ env ="],
    ["a database's address", `database-url = "${secret}"`, "has a database-url that is no reference", "{ env ="],
    ["one that an account has", `[accounts.b]\ndatabase-url = { env = "A" }`, `"accounts.b.database-url"`, "out there"],
    ["schedules that are a list", "[[schedules]]\ncron = 'b'", "schedules that are no tables", "[schedules.NAME]"],
    ["a mistake in TOML", `to = "x"\naccess-token = ${secret} x`, "is not TOML (line 2)", "Correct it"],
    ["the same key twice", `to = "x"\nto = "${secret}"`, "is not TOML (line 2)", "Correct it"]
  ])("%s", async ([, text, problem, next], context) => {
    const { refusal, user } = await settingsFolder(context)
    const said = await refusal({ user: text })
    expect(said).toContain(`The settings file ${user} `)
    expect(said).toContain(problem)
    expect(said.slice(said.indexOf("Next: "))).toContain(next)
    expect(said).not.toContain(secret)
  })

  it("a file that is none, too large, of another encoding", async (context) => {
    const { refusal, user } = await settingsFolder(context)
    await mkdir(user)
    expect(await refusal({})).toMatch(/config\.toml is a folder \(EISDIR\)\. Next: /)
    const { refusal: second, user: other, write } = await settingsFolder(context)
    await write(other, Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("to = 'x'", "utf16le")]))
    expect(await second({})).toContain("config.toml is not text in UTF-8.")
    await write(other, `# ${"x".repeat(1_000_000)}`)
    expect(await second({})).toContain("config.toml is larger than 1 MB.")
    const { project, refusal: third } = await settingsFolder(context)
    await symlink(project, project)
    expect(await third({})).toContain("longshore.toml cannot be read (ELOOP).")
  })

  it("a file that this user cannot read", async (context) => {
    const { refusal, user, write } = await settingsFolder(context)
    await write(user, "")
    await chmod(user, 0)
    // Root reads everything.
    expect(await refusal({})).toMatch(process.getuid?.() === 0 ? /^nothing$/ : /cannot be read \(EACCES\)/)
  })

  it("a named file that is not there", async (context) => {
    const { below, refusal } = await settingsFolder(context)
    const said = await refusal({ env: { LONGSHORE_CONFIG: "none.toml" } })
    expect(said).toBe(
      `There is no settings file ${Path.join(below, "none.toml")}. Next: Correct --config (or LONGSHORE_CONFIG), or leave it out.`
    )
  })
})

describe("a settings file is read", () => {
  it("with a byte order mark and Windows' line ends; and if it is empty", async (context) => {
    const { load } = await settingsFolder(context)
    const settings = await load({ user: "\u{feff}to = 's3://b'\r\nconcurrency = 3\r\n[accounts.b]\r\nretries = 1\r\n" })
    expect([settings.get("to"), settings.get("concurrency")]).toEqual(["s3://b", 3])
    expect((await load({ user: "" })).files).toHaveLength(1)
  })

  it("with accounts of any name", async (context) => {
    const { load, user } = await settingsFolder(context)
    for (const name of ["Hôtel Berlin / 2", "a.b", "__proto__", "constructor", 'quo"te', "7"]) {
      const file = `account = ${JSON.stringify(name)}\n[accounts.${JSON.stringify(name)}]\nretries = 1\n`
      const settings = await load({ user: file })
      expect(settings.get("retries")).toBe(1)
      const table = /^\w+$/.test(name) ? name : JSON.stringify(name)
      expect(settings.resolved("retries").origin.where).toBe(`${user} [accounts.${table}]`)
    }
  })

  it("the nearest above, and only the one that is named", async (context) => {
    const { below, load, write } = await settingsFolder(context)
    expect((await load({ found: "retries = 1" })).get("retries")).toBe(1)
    await write(Path.join(below, "longshore.toml"), "retries = 2")
    expect((await load({ found: "retries = 1" })).get("retries")).toBe(2)
    expect((await load({ found: "retries = 1", named: "concurrency = 3" })).get("retries")).toBeUndefined()
  })
})

describe("a project file that nobody named", () => {
  const restricted: ReadonlyArray<readonly [key: string, value: string]> = [
    ["platform-address", "https://api.mews.com.example"],
    ["platform-address", "http://api.mews.com"],
    ["platform-address", "https://user@api.mews.com"],
    ["platform-address", "http://127.0.0.1:4010"],
    ["ca-file", "ca.pem"],
    ["log-file", "~/.bashrc"],
    ["events", "events.jsonl"]
  ]

  it.for(restricted)(
    "must not say %s = %s, in an account neither; a named one and the user's may",
    async ([key, value], context) => {
      const { project, refusal, user } = await settingsFolder(context)
      const line = `${key} = "${value}"\n`
      for (const found of [line, `[accounts.berlin]\n${line}`]) {
        const said = await refusal({ found })
        expect(said).toContain(`${key}", which a file that was only found in a folder must not.`)
        expect(said).toContain(
          `name it (--config ${project}, or LONGSHORE_CONFIG); or say this in the user's file, ${user}.`
        )
      }
      const elsewhere = await settingsFolder(context)
      for (const says of [{ named: line }, { user: line }]) expect((await elsewhere.load(says)).files).toHaveLength(1)
    }
  )

  it.for([
    'listen = "0.0.0.0:8080"',
    'runner-host = "10.0.0.12"',
    'database-url = { env = "DATABASE" }',
    'cluster-token = { file = "token" }'
  ])("must not say %s", async (found, context) => {
    const { refusal } = await settingsFolder(context)
    expect(await refusal({ found })).toContain(", which a file that was only found in a folder must not.")
    const { load } = await settingsFolder(context)
    for (const says of [{ named: found }, { user: found }]) expect((await load(says)).files).not.toEqual([])
  })

  it.for(["https://api.mews.com", "https://api.mews-demo.com/"])(
    "may say that %s is meant",
    async (address, context) => {
      const { credentials } = await settingsFolder(context)
      const found = `platform-address = "${address}"`
      expect(await credentials({ found, env: { LONGSHORE_ACCESS_TOKEN: secret } })).toMatchObject({ address })
    }
  )

  it("must belong to this user or to root", async (context) => {
    // Only root can give a file away.
    if (process.getuid?.() !== 0) return context.skip()
    const { project, refusal, write } = await settingsFolder(context)
    await write(project, "retries = 1")
    await chown(project, 12345, 12345)
    expect(await refusal({})).toBe(
      `The settings file ${project} belongs to another user. Next: If you trust it, name it: --config ${project}.`
    )
    expect(await refusal({ env: { LONGSHORE_CONFIG: project } })).toBe("nothing")
  })
})
