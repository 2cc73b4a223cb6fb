import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
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
