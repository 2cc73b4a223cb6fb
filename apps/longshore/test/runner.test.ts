/** What keeps `longshore cluster run` from starting, as far as no database is needed for it. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it, type TestContext } from "vitest"
import * as Base from "../src/cluster/Base.ts"
import * as Setup from "../src/cluster/Setup.ts"
import type * as Setting from "../src/settings/Setting.ts"
import { laboratory } from "./program.ts"

const password = "pass-w0rd-0123456789"
const env = {
  LONGSHORE_DATABASE_URL: `postgres://longshore:${password}@127.0.0.1:1/exports`,
  LONGSHORE_CLUSTER_TOKEN: "a-token-of-the-cluster-0123456789",
  CLIENT: "CLIENT0TOKEN0E0D439EE522F44368DC7",
  LISBON: "ACCESS0TOKEN0C66EF7B239D24632943D",
  PORTO: "ACCESS1TOKEN0C66EF7B239D24632943D",
  // Of whatever started it.
  PORT: "abc",
  HOST: "elsewhere"
}

const accounts = `
client-token = { env = "CLIENT" }

[accounts.lisbon]
access-token = { env = "LISBON" }

[accounts."Porto 2"]
access-token = { env = "PORTO" }
`

/** Without what is only wrong in them, and with the file of the settings. */
const prepared = async (context: TestContext, settings = accounts) => {
  const lab = laboratory(context)
  const folder = await lab.folder()
  const file = Path.join(folder, "longshore.toml")
  await writeFile(file, settings)
  return { lab, folder, file }
}

const secrets = Object.entries(env).flatMap(([name, text]) => (/TOKEN|CLIENT|LISBON|PORTO/.test(name) ? text : []))

const secretless = (said: string) => {
  for (const secret of [password, ...secrets]) expect(said).not.toContain(secret)
}

interface Told {
  readonly settings?: string
  readonly flags?: { readonly [N in Setting.Name]?: string }
  readonly env?: Record<string, string>
}

/** What its settings come to, or what is wrong with them. */
const load = async (context: TestContext, { env: more = {}, flags = {}, settings }: Told = {}) => {
  const { file, folder } = await prepared(context, settings)
  const given = Object.entries({ to: Path.join(folder, "data"), ...flags }).map(([name, text]) => [
    name,
    Option.some(text)
  ])
  return Setup.load({ ...Object.fromEntries(given), config: Option.some(file) }).pipe(
    Effect.scoped,
    Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...env, XDG_CONFIG_HOME: folder, ...more }))),
    Effect.result,
    Effect.runPromise
  )
}

const schedule = (...lines: ReadonlyArray<string>) =>
  [accounts, "[schedules.a]", 'cron = "0 3 * * *"', 'entity-types = ["Bill"]', ...lines].join("\n")

describe("a runner's settings that cannot be meant are refused, without a word of what is secret", () => {
  it.for<[what: string, told: Told, tag: "UsageError" | "ConfigError", says: ReadonlyArray<string>]>([
    [
      "stdout as a target",
      { flags: { to: "-" } },
      "UsageError",
      ["cannot deliver to stdout", "folder that all runners"]
    ],
    ["no accounts", { settings: "concurrency = 4" }, "ConfigError", ["there are none", "[accounts.NAME]"]],
    [
      "an account without a token, whatever the environment has for others",
      {
        settings: `${accounts}\n[accounts.faro]\nto = "x"\n`,
        env: { LONGSHORE_ACCESS_TOKEN: "ACCESS2TOKEN0C66EF7B239D24632943D" }
      },
      "ConfigError",
      ['The account "faro" has no access-token.', "Write access-token = {", "[accounts.faro]"]
    ],
    [
      "a token that cannot be read",
      { env: { PORTO: "" } },
      "ConfigError",
      ['The access-token of the account "Porto 2" cannot be read', "is not set"]
    ],
    [
      "two accounts with one token",
      { env: { PORTO: env.LISBON } },
      "ConfigError",
      ['The accounts "lisbon" and "Porto 2" have the same access token.']
    ],
    [
      "an address that is none",
      { settings: `${accounts}\nplatform-address = "http://api.mews.com"\n` },
      "ConfigError",
      ['The account "Porto 2" has a platform-address that cannot be used']
    ],
    [
      "no database",
      { env: { LONGSHORE_DATABASE_URL: "" } },
      "ConfigError",
      ["There is no database.", "Set LONGSHORE_DATABASE_URL"]
    ],
    [
      "a database that is none of PostgreSQL",
      { env: { LONGSHORE_DATABASE_URL: `mysql://longshore:${password}@127.0.0.1/exports` } },
      "ConfigError",
      ["from LONGSHORE_DATABASE_URL, is not one of PostgreSQL"]
    ],
    [
      "no token for the HTTP front",
      { env: { LONGSHORE_CLUSTER_TOKEN: "" } },
      "ConfigError",
      ["has no token", "openssl rand -hex 32", "--listen none"]
    ],
    [
      "a token that can be guessed",
      { env: { LONGSHORE_CLUSTER_TOKEN: "secret-one" } },
      "ConfigError",
      ["shorter than 16"]
    ],
    ["events on stdout", { flags: { events: "-" } }, "UsageError", ["writes no events to stdout"]],
    [
      "a setting that holds a token",
      { flags: { to: `/srv/${env.LISBON}` } },
      "UsageError",
      ["The setting to, from --to, holds a token"]
    ],
    [
      "a schedule for an account that is not there",
      { settings: schedule('accounts = ["lisboa"]') },
      "ConfigError",
      ['[schedules.a] names an account "lisboa"', "Did you mean lisbon?"]
    ],
    [
      "a schedule into a folder that cannot be",
      { settings: schedule() },
      "ConfigError",
      ["[schedules.a] could not be submitted: path: \"Porto 2\", the account's name, cannot be a folder's name"]
    ]
  ])("%s", async ([, told, tag, says], context) => {
    const { _tag, nextStep, problem } = Result.getOrThrow(Result.flip(await load(context, told)))
    expect(_tag).toBe(tag)
    for (const words of says) expect(`${problem} Next: ${nextStep}`).toContain(words)
    secretless(`${problem} ${nextStep}`)
  })
})

const loaded = async (context: TestContext, told?: Told) => Result.getOrThrow(await load(context, told))

describe("a runner's tasks", () => {
  it("are for an account's own address, below its base, as patient as its settings say", async (context) => {
    const settings = `poll = "1m"\nmax-wait = "1d"\n${accounts}\nplatform-address = "https://api.mews-demo.com/"\npart-size = "1MiB"\non-expired = "renew"\n`
    const { base, tasks } = await loaded(context, { settings, env: { LONGSHORE_ACCOUNT: "lisbon" } })
    const request = { entityType: "Bill" } as const
    expect(await Effect.runPromise(tasks({ account: "lisbon", request }))).toEqual({
      account: "lisbon",
      platformAddress: "https://api.mews.com",
      target: `${base.text}/lisbon`,
      request,
      poll: 60_000,
      maxWait: 86_400_000,
      onExpired: "fail",
      partSize: 8 * 2 ** 20
    })
    expect(await Effect.runPromise(tasks({ account: "Porto 2", path: "a/b", request, poll: 5_000 }))).toEqual({
      account: "Porto 2",
      platformAddress: "https://api.mews-demo.com",
      target: `${base.text}/a/b`,
      request,
      poll: 5_000,
      maxWait: 86_400_000,
      onExpired: "renew",
      partSize: 2 ** 20
    })
    const refusal = (submission: Parameters<typeof tasks>[0]) => Effect.runPromise(Effect.flip(tasks(submission)))
    expect(await refusal({ account: "faro", request })).toMatchObject({ parameter: "account" })
    for (const path of ["..", "a/../../b", "/etc", "a//b", ".longshore", ""]) {
      expect(await refusal({ account: "lisbon", path, request })).toMatchObject({ parameter: "path" })
    }
  })

  it.for<[to: string, inside: string, outside: ReadonlyArray<string>]>([
    [
      "/srv/mews",
      "/srv/mews/a/b",
      ["/srv/mews", "/srv/mewsa", "/srv/mews/../x", "/srv/mews/.x", "s3://srv/mews/a", "-"]
    ],
    [
      "s3://bucket/mews",
      "s3://bucket/mews/a/b",
      [
        "s3://bucket/mews",
        "s3://bucket/mewsa",
        "s3://other/mews/a",
        "s3://bucket/mews/a at https://s3.example",
        "/mews/a"
      ]
    ],
    ["s3://bucket", "s3://bucket/a", ["s3://bucket", "s3://other/a"]]
  ])("of others are taken where they are below %s", async ([to, inside, outside], context) => {
    const { base } = await loaded(context, { flags: { to } })
    const targetOf = (target: string) =>
      Effect.runPromise(Effect.result(Base.targetOf(base, { account: "lisbon", target })))
    expect(await targetOf(inside)).toMatchObject({ _tag: "Success", success: { text: inside } })
    for (const target of outside) {
      expect([target, await targetOf(target)]).toMatchObject([
        target,
        { _tag: "Failure", failure: { parameter: "target" } }
      ])
    }
  })

  it("of a server that is not AWS are below it, and those of AWS are not", async (context) => {
    const { base } = await loaded(context, { flags: { to: "s3://bucket/mews", endpoint: "https://s3.example.com" } })
    const targetOf = (target: string) =>
      Effect.runPromise(Effect.result(Base.targetOf(base, { account: "lisbon", target })))
    const inside = "s3://bucket/mews/a at https://s3.example.com"
    expect(await targetOf(inside)).toMatchObject({ _tag: "Success", success: { text: inside, prefix: "mews/a" } })
    expect(await targetOf("s3://bucket/mews/a")).toMatchObject({ _tag: "Failure" })
  })
})

describe.concurrent("the program", () => {
  it.for<[what: string, args: ReadonlyArray<string>, code: number, says: string]>([
    ["an address to listen on that is none", ["--listen", "8080"], 2, "a host and a port such as"],
    ["a folder that cannot be", ["--to", "/dev/null/data"], 9, "/dev/null/data"]
  ])("refuses %s in one line", { timeout: 30_000 }, async ([, args, code, says], context) => {
    const { file, folder, lab } = await prepared(context)
    const ended = await lab.longshore(["cluster", "run", "--config", file, ...args], {
      env: { ...env, LONGSHORE_TO: folder }
    })
    expect(ended.stdout.toString()).toBe("")
    expect(ended.stderr).toMatch(/^longshore: [^\n]+ Next: [^\n]+\n$/)
    expect(ended.stderr).toContain(says)
    secretless(ended.stderr)
    expect(ended.code).toBe(code)
  })

  it("waits for a database that does not answer, until somebody stops it", { timeout: 30_000 }, async (context) => {
    const { file, folder, lab } = await prepared(context)
    const { child, ended, says } = lab.start(["cluster", "run", "--config", file, "--to", folder], { env })
    await says(/127\.0\.0\.1:1\/exports does not answer \(ECONNREFUSED\)\. (Waiting for it)\n/)
    const at = Date.now()
    child.kill("SIGTERM")
    const { code, stderr } = await ended
    expect(Date.now() - at).toBeLessThan(3_000)
    expect(code).toBe(0)
    secretless(stderr)
  })
})
