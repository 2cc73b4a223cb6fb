import { readdirSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { documents, text } from "../../src/schemas.ts"
import { laboratory } from "../program.ts"
import { conforms, read } from "../schemas.ts"

const folder = new URL("../../../../docs/schemas/", import.meta.url)
const shipped = new URL("../../dist/schemas/", import.meta.url)

describe("docs/schemas", () => {
  it("is what pnpm schemas writes from the code as it is", () => {
    expect(readdirSync(folder).sort()).toEqual([...documents().keys()].sort())
    for (const [name, document] of documents()) {
      expect(readFileSync(new URL(name, folder), "utf8"), `${name} is stale: run pnpm schemas`).toBe(text(document))
    }
  })

  it("comes with the program", () => {
    for (const name of documents().keys()) {
      expect(readFileSync(new URL(name, shipped), "utf8")).toBe(readFileSync(new URL(name, folder), "utf8"))
    }
  })

  it("would refuse what is not so", () => {
    const line = { version: 1, _tag: "FileRestarted", at: 1, entityType: "Bill", key: "a", problem: "b" }
    conforms("event", line)
    for (const wrong of [{ version: 2 }, { _tag: "Nothing" }, { problem: 1 }, { key: undefined }, { more: true }]) {
      expect(() => conforms("event", { ...line, ...wrong })).toThrow(/docs\/schemas\/event\.json/)
    }
    expect(read("event")).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" })
  })
})

// `longshore` of the laboratory holds every --json against its schema.
describe.concurrent("--json", () => {
  it("is as published when all is well, when something fails, and when the command line is wrong", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator()
    const [target, home] = [await lab.folder(), await lab.folder()]
    const run = async (code: number, ...args: ReadonlyArray<string>) => {
      const ended = await lab.longshore([...args, "--json"], { env: { ...env, XDG_STATE_HOME: home } })
      expect(ended).toMatchObject({ code })
      const object = JSON.parse(ended.stdout.toString())
      expect(object).toMatchObject({ version: 1, ok: code === 0, exitCode: code })
      return object
    }
    const filters = ["--updated-from", "2026-05-01T00:00:00Z", "--updated-to", "2026-06-01T00:00:00Z"]
    const all = ["export", "Bill", "--to", target, "--enterprise-id", "3fa85f64-5717-4562-b3fc-2c963f66afa6"]
    const done = await run(0, ...all, ...filters)
    const [{ location }] = done.runs
    conforms("manifest", JSON.parse(readFileSync(new URL(location), "utf8")))
    await run(0, "status", target)
    await run(0, "list", "--all")
    await run(0, "resume", "--last")
    await run(2, "resume")
    await run(2, "status", Path.join(target, "nothing"))
    for (const command of ["export", "resume", "status", "list"]) {
      const { error } = await run(2, command, "--nonsense")
      expect(error).toMatchObject({ tag: "UsageError", nextStep: `longshore ${command} --help shows what it takes.` })
    }
  })
})
