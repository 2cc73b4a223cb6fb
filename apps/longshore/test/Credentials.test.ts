import * as Effect from "effect/Effect"
import { chmod } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import type { ConfigError } from "../src/output/Problem.ts"
import * as Credentials from "../src/settings/Credentials.ts"
import { type Says, settingsFolder } from "./settings.ts"

/** Everything that can say where a token is, at once. */
const env = { LONGSHORE_ACCESS_TOKEN: "of-the-environment", LONGSHORE_ACCESS_TOKEN_FILE: "/env/file" }
const user = `
account = "berlin"
access-token = { env = "GENERAL" }
[accounts.berlin]
access-token = { env = "BERLIN" }
[accounts.paris]
access-token = { env = "PARIS" }
`

describe("which token", () => {
  const { LONGSHORE_ACCESS_TOKEN: _, ...file } = env
  it.for<[what: string, says: Says, reference: object | undefined]>([
    [
      "the file of a flag, before everything",
      { flags: { "access-token-file": "/flag", account: "paris" }, env, user },
      { file: "/flag" }
    ],
    [
      "an account on the command line, before the environment",
      { flags: { account: "paris" }, env, user },
      { env: "PARIS" }
    ],
    ["an account of the run that is resumed, as well", { run: { account: "paris" }, env, user }, { env: "PARIS" }],
    ["the variable", { env, user }, { env: "LONGSHORE_ACCESS_TOKEN" }],
    ["the file of a variable", { env: file, user }, { file: "/env/file" }],
    ["the file of the run", { run: { "access-token-file": "/run" }, env: file, user }, { file: "/run" }],
    ["the account of a file", { user }, { env: "BERLIN" }],
    ["the account of a variable", { env: { LONGSHORE_ACCOUNT: "paris" }, user }, { env: "PARIS" }],
    ["the general part", { user: user.replace('account = "berlin"', "") }, { env: "GENERAL" }],
    ["nobody says", {}, undefined],
    ["a name that no file has is only a name", { flags: { account: "x" }, env }, { env: "LONGSHORE_ACCESS_TOKEN" }]
  ])("%s", async ([, says, reference], context) => {
    const { credentials } = await settingsFolder(context)
    expect((await credentials(says)).access).toEqual(reference)
  })
})

describe("an account's tokens go with its address", () => {
  const mine = `
platform-address = "https://mine.example"
client-token = { env = "CLIENT" }
[accounts.berlin]
access-token = { env = "BERLIN" }
[accounts.demo]
access-token = { env = "DEMO" }
platform-address = "https://api.mews-demo.com"
`
  it.for<[what: string, says: Says, whole: object]>([
    [
      "in its own file's general part, not in the project's",
      {
        found: `account = "berlin"\nplatform-address = "https://api.mews-demo.com"\nclient-token = { env = "STRANGE" }`,
        user: mine
      },
      { address: "https://mine.example", client: { env: "CLIENT" }, access: { env: "BERLIN" } }
    ],
    [
      "its own",
      { flags: { account: "demo" }, user: mine },
      { address: "https://api.mews-demo.com", client: { env: "CLIENT" }, access: { env: "DEMO" } }
    ],
    [
      "not the environment's, if the account is named on the command line",
      { flags: { account: "berlin" }, env: { LONGSHORE_PLATFORM_ADDRESS: "https://env.example", ...env }, user: mine },
      { address: "https://mine.example", access: { env: "BERLIN" } }
    ],
    [
      "not the environment's, if it has none",
      {
        flags: { account: "berlin" },
        env: { LONGSHORE_PLATFORM_ADDRESS: "https://env.example", ...env },
        user: mine.replace('platform-address = "https://mine.example"', "")
      },
      { address: "https://api.mews.com", access: { env: "BERLIN" } }
    ],
    [
      "the environment's is for the environment's tokens, also under an account's name",
      {
        flags: { account: "berlin" },
        env: { LONGSHORE_PLATFORM_ADDRESS: "https://env.example", ...env },
        user: '[accounts.berlin]\nto = "/b"\nplatform-address = "https://mine.example"'
      },
      { address: "https://env.example", access: { env: "LONGSHORE_ACCESS_TOKEN" } }
    ],
    [
      "a flag's is what somebody wants now",
      { flags: { account: "berlin", "platform-address": "https://flag.example" }, user: mine },
      { address: "https://flag.example", access: { env: "BERLIN" } }
    ],
    [
      "an account of the project's that has a name of the user's is the project's, whole",
      { found: '[accounts.berlin]\naccess-token = { env = "THEIRS" }', flags: { account: "berlin" }, user: mine },
      { address: "https://api.mews.com", client: undefined, access: { env: "THEIRS" } }
    ]
  ])("%s", async ([, says, whole], context) => {
    const { credentials } = await settingsFolder(context)
    expect(await credentials(says)).toMatchObject(whole)
  })
})

describe("an account that no file has", () => {
  it.for<[says: Says, problem: string]>([
    [
      { flags: { account: "berln" } },
      "The account that --account names is in no settings file. Next: Did you mean berlin?"
    ],
    [
      { env: { LONGSHORE_ACCOUNT: "rome" } },
      "The account that LONGSHORE_ACCOUNT names is in no settings file. Next: Name one of"
    ],
    [{ found: 'account = "parys"' }, "longshore.toml names is in no settings file. Next: Did you mean paris?"]
  ])("%j", async ([says, problem], context) => {
    const { load, refusal } = await settingsFolder(context)
    expect(await refusal({ user, ...says })).toContain(problem)
    // A run goes on under the name that it has.
    expect((await load({ user, run: { account: "rome" } })).get("account")).toBe("rome")
  })
})

describe("a token that cannot be had", () => {
  const fetched = async (
    says: Says,
    context: Parameters<typeof settingsFolder>[0],
    files: Record<string, string> = {}
  ) => {
    const { folder, within, write } = await settingsFolder(context)
    for (const [name, text] of Object.entries(files)) await write(Path.join(folder, name), text)
    const at = (text: string) => text.replaceAll("FOLDER", folder)
    return within(JSON.parse(at(JSON.stringify(says))), Credentials.load).then(
      ({ account }) => account,
      ({ nextStep, problem }: ConfigError) => `${problem} Next: ${nextStep}`
    )
  }
  const client = { LONGSHORE_CLIENT_TOKEN: "client" }

  it.for<[what: string, says: Says, said: RegExp, files?: Record<string, string>]>([
    ["is nowhere", { env: client }, /^There is no access token\. Next: Set LONGSHORE_ACCESS_TOKEN, or name a file/],
    [
      "is not an account's",
      { env: client, user: "account = 'b'\n[accounts.b]\nretries = 1" },
      /token for the account "b"\. Next: Write access-token = .* into .*config.toml \[accounts\.b\]/
    ],
    [
      "is only an account's",
      { env: client, user: "[accounts.b]\naccess-token = { env = 'B' }" },
      /Name an account of the settings file with --account \(b\)/
    ],
    [
      "is in a variable that is not set",
      { env: client, user: "access-token = { env = 'SECRET' }" },
      /^The variable that .*config\.toml names is not set\./
    ],
    [
      "is in a file that is not there",
      { env: client, user: "access-token = { file = '/SECRET' }" },
      /^The file that .*config\.toml names does not exist \(ENOENT\)\./
    ],
    [
      "is in a folder",
      { env: client, flags: { "access-token-file": "FOLDER" } },
      /^The file that --access-token-file names is a folder \(EISDIR\)\./
    ],
    [
      "is two words",
      { env: { ...client, LONGSHORE_ACCESS_TOKEN: "SEC RET" } },
      /^The variable that LONGSHORE_ACCESS_TOKEN names holds more than one word\./
    ],
    [
      "is two lines",
      { env: client, flags: { "access-token-file": "FOLDER/t" } },
      /holds more than one word/,
      { t: "SECRET\nSECRET\n" }
    ],
    ["is not UTF-8", { env: client, flags: { "access-token-file": "/proc/self/exe" } }, /is larger than 1 MB|UTF-8/],
    ["never ends", { env: client, flags: { "access-token-file": "/dev/zero" } }, /is larger than 1 MB/]
  ])("%s", async ([, says, said, files], context) => {
    const text = await fetched(says, context, files)
    expect(text).toMatch(said)
    expect(text).not.toMatch(/SEC ?RET/)
  })

  it("is taken without a byte order mark and Windows' line end", async (context) => {
    const plain = await fetched({ env: { ...client, LONGSHORE_ACCESS_TOKEN: "access" } }, context)
    const says = { env: client, flags: { "access-token-file": "FOLDER/t" } }
    expect(await fetched(says, context, { t: "\u{feff}access\r\n" })).toBe(plain)
    expect(plain).toMatch(/^[0-9a-f]{12}$/)
  })
})

describe("a token in a wrong place", () => {
  it.for(["account", "region", "log-file", "platform-address"] as const)(
    "is refused as %s, and not repeated",
    async (name, context) => {
      const { within } = await settingsFolder(context)
      const token = "ACCESS0TOKEN0C66EF7B239D24632943D"
      const says = {
        env: { LONGSHORE_CLIENT_TOKEN: "client-token", LONGSHORE_ACCESS_TOKEN: token },
        user: `${name} = "${name === "platform-address" ? "https://" : ""}${token}"`
      }
      const refused = within(says, (settings) =>
        Effect.flatMap(Credentials.load(settings), (credentials) =>
          Effect.result(Credentials.refuseTokens(credentials, settings))
        )
      )
      const { failure } = (await refused) as { failure: { problem: string } }
      expect(failure.problem).toMatch(new RegExp(`^The setting ${name}, from .*config\\.toml, holds a token\\.$`))
      expect(failure.problem).not.toContain(token)
    }
  )
})

it("a file that everybody may read is told apart", async (context) => {
  const { folder, write } = await settingsFolder(context)
  const path = await write(Path.join(folder, "token"), "t")
  for (const [mode, isForAll] of [
    [0o600, false],
    [0o640, false],
    [0o444, true]
  ] as const) {
    await chmod(path, mode)
    expect(await Effect.runPromise(Credentials.isForAll(path))).toBe(isForAll)
  }
})
