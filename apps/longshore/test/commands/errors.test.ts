import { writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { laboratory } from "../program.ts"

const nobody = {
  LONGSHORE_PLATFORM_ADDRESS: "http://127.0.0.1:9",
  LONGSHORE_CLIENT_TOKEN: "a-client-token",
  LONGSHORE_ACCESS_TOKEN: "an-access-token"
}
const may = ["--updated-from", "2026-05-01T00:00:00Z"]

describe.concurrent("a wrong command line", () => {
  it.for<[line: ReadonlyArray<string>, code: number, message: string]>([
    [["export"], 2, "entity-type"],
    [["exprt"], 2, "export"],
    [["export", "Reservation"], 2, "--to"],
    [["export", "reservation", "--to", "T"], 2, "Did you mean Reservation?"],
    [["export", "Resevations", "--to", "T"], 2, "Did you mean Reservation?"],
    [["export", "Nonsense", "--to", "T"], 2, "is not an entity type"],
    [["export", "Bill", "--to", "ftp://host/x"], 2, "ftp://"],
    [["export", "Bill", "--to", "file://elsewhere/x"], 2, "file URL"],
    [["export", "Bill", "Customer", "--to", "-"], 2, "takes one entity type"],
    [["export", "Bill", "--to", "-", "--json"], 2, "--json"],
    [["export", "Bill", "--to", "T", ...may], 2, "--updated-to"],
    [["export", "Bill", "--to", "T", ...may, "--updated-to", "2026-06-31T00:00:00Z"], 2, "--updated-to"],
    [["export", "Bill", "--to", "T", ...may, "--updated-to", "2026-06-01T00:00:00"], 2, "with its zone"],
    [["export", "Bill", "--to", "T", ...may, "--updated-to", "2026-04-01T00:00:00Z"], 2, "ends before it starts"],
    [["export", "Bill", "--to", "T", ...may, "--updated-to", "2026-11-01T00:00:00Z"], 2, "180 days"],
    [["export", "Bill", "--to", "T", ...may, "--updated-to", "2999-01-01T00:00:00Z"], 2, "180 days"],
    [["export", "LedgerEntry", "--to", "T"], 2, "--posting-from"],
    [["export", "LedgerEntry", "--to", "T", "--posting-from", "2026-13-01", "--posting-to", "2026-13-02"], 2, "day"],
    [["export", "Bill", "--to", "T", "--posting-from", "2026-05-01", "--posting-to", "2026-05-02"], 2, "LedgerEntry"],
    [["export", "Bill", "--to", "T", "--enterprise-id", "7"], 2, "--enterprise-id"],
    [["export", "Bill", "--to", "T", "--export-id", "../../x"], 2, "not a GUID"],
    [["export", "Bill", "--to", "T", "--concurrency", "0"], 2, "1 to 256"],
    [["export", "Bill", "--to", "T", "--part-size", "lots"], 2, "--part-size"],
    [["export", "Bill", "--to", "T", "--language-code", "en-US"], 2, "--culture-code"],
    [["export", "Bill", "--to", "T", "--platform-address", "http://api.mews.com"], 2, "plain http"],
    [["export", "Bill", "--to", "T", "--platform-address", "mews"], 2, "platform address"],
    [["export", "Bill", "--to", "T", "--access-token", "SECRET-WORD"], 2, "--access-token"],
    [["export", "Bill", "--to", "T", "--access-token=SECRET-WORD"], 2, "--access-token"],
    [["export", "Bill", "--to", "T", "--access-token-file", "SECRET-WORD"], 3, "--access-token-file"],
    [["status", "T/nothing"], 2, "no journal"]
  ])("%j", async ([line, code, message], context) => {
    const lab = laboratory(context)
    const target = await lab.folder()
    const ended = await lab.longshore(
      line.map((word) => word.replace(/^T\b/, target)),
      { env: nobody }
    )
    expect(ended.stderr).toContain(message)
    expect(ended.code).toBe(code)
    expect(ended.stdout).toHaveLength(0)
    expect(ended.stderr).toMatch(/^longshore: .+ Next: .+\n$/)
    expect(ended.stderr).not.toContain("SECRET-WORD")
  })

  it("a token that is missing, or whose file is empty", async (context) => {
    const lab = laboratory(context)
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target]
    const missing = await lab.longshore(command, { env: { ...nobody, LONGSHORE_ACCESS_TOKEN: " " } })
    expect(missing).toMatchObject({ code: 3, stderr: expect.stringContaining("LONGSHORE_ACCESS_TOKEN") })
    const file = Path.join(target, "token")
    await writeFile(file, "\n")
    const { LONGSHORE_CLIENT_TOKEN: _, ...rest } = nobody
    const empty = await lab.longshore([...command, "--json"], { env: { ...rest, LONGSHORE_CLIENT_TOKEN_FILE: file } })
    expect(empty).toMatchObject({ code: 3, stderr: expect.stringContaining("LONGSHORE_CLIENT_TOKEN_FILE") })
    expect(JSON.parse(empty.stdout.toString())).toMatchObject({
      ok: false,
      exitCode: 3,
      runs: [{ entityType: "Bill", ok: false, error: { tag: "ConfigError", exitCode: 3 } }]
    })
  })

  it("a target and a state folder that are none", async (context) => {
    const lab = laboratory(context)
    const file = Path.join(await lab.folder(), "file")
    await writeFile(file, "")
    const target = await lab.longshore(["export", "Bill", "--to", file], { env: nobody })
    expect(target).toMatchObject({ code: 9, stderr: expect.stringContaining("Next: ") })
    const state = await lab.longshore(["export", "Bill", "--to", await lab.folder(), "--state", file], { env: nobody })
    expect(state).toMatchObject({ code: 1, stderr: expect.stringContaining("--state") })
  })
})

it("a Node.js that is too old is told so, by the first line of the program", async (context) => {
  const older = `data:text/javascript,Object.defineProperty(process.versions, "node", { value: "22.9.1" })`
  const ended = await laboratory(context).longshore(["export", "Bill", "--to", "data"], {
    env: { ...nobody, NODE_OPTIONS: `--import=${encodeURI(older)}` }
  })
  expect(ended.code).toBe(3)
  expect(ended.stderr).toContain("This is Node.js 22.9.1, and longshore needs 22.19.0 or newer. Next: ")
})
