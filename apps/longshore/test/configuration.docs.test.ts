import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import * as Schedule from "../src/settings/Schedule.ts"
import * as Setting from "../src/settings/Setting.ts"
import { settingsFolder } from "./settings.ts"

describe("docs/configuration.md", () => {
  const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8")

  it("has every setting, as the program has it", () => {
    const rows = page
      .split("\n")
      .filter((line) => line.startsWith("| `--"))
      .map((line) =>
        line
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim())
      )
    const code = (texts: ReadonlyArray<string>) => texts.map((text) => `\`${text}\``).join(", ")
    expect(rows).toEqual(
      Setting.names.map((name) => {
        const { default: otherwise = "", description, expected, inFiles } = Setting.about(name)
        const cells = [
          code([`--${name}`]),
          code(Setting.variables(name)),
          inFiles === undefined ? code([name]) : code([`${inFiles} = { file = … }`]),
          description,
          expected,
          otherwise === "" ? "" : code([otherwise])
        ]
        return cells.map((cell) => cell.replaceAll("|", "\\|"))
      })
    )
  })

  it("has an example of a runner's file that is one", async (context) => {
    const example = /```toml\n(# \/etc[^]+?)```/.exec(page)?.[1] ?? ""
    const { load } = await settingsFolder(context)
    const settings = await load({ named: example })
    expect([...settings.accounts.keys()]).toEqual(["lisbon", "porto"])
    expect([...settings.schedules.values()]).toMatchObject([
      { name: "nightly", accounts: undefined, entityTypes: ["Reservation", "Customer"] },
      { name: "ledger", accounts: ["lisbon"], path: "accounting" }
    ])
    expect(settings.get("listen")).toEqual({ host: "0.0.0.0", port: 8080 })
    for (const key of Schedule.keys) expect(page).toContain(`| \`${key}\``)
  })

  it("has an example that is one", async (context) => {
    const example = /```toml\n(# ~[^]+?)```/.exec(page)?.[1] ?? ""
    const { credentials, load } = await settingsFolder(context)
    const settings = await load({ user: example })
    expect([...settings.accounts.keys()]).toEqual(["berlin", "Paris 7e", "demo"])
    expect(settings.get("account")).toBe("berlin")
    expect(await credentials({ user: example, flags: { account: "demo" } })).toMatchObject({
      address: "https://api.mews-demo.com",
      client: { env: "MEWS_DEMO_CLIENT_TOKEN" },
      access: { env: "MEWS_DEMO_ACCESS_TOKEN" }
    })
    expect((await credentials({ user: example, flags: { account: "Paris 7e" } })).client).toHaveProperty("file")
  })
})
