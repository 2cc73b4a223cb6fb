/** Help is written by the build and printed without the program; it must be what the program says itself. */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { laboratory, main } from "../program.ts"

const commands = Object.keys(JSON.parse(readFileSync(new URL("../../dist/help.json", import.meta.url), "utf8")))

/** What stands on a terminal. */
const onTerminal = (args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  spawnSync("script", ["-qec", [process.execPath, main, ...args].map((word) => `'${word}'`).join(" "), "/dev/null"], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", ...env }
  }).stdout

describe.concurrent("help", () => {
  it("is there for every command", () => {
    expect(commands).toEqual(expect.arrayContaining(["", "export", "cluster", "cluster run", "config show"]))
  })

  it.for(commands)("longshore %s --help is what the command tree says", async (command, context) => {
    const { longshore } = laboratory(context)
    const words = command.split(" ").filter((word) => word !== "")
    const [written, short, told] = await Promise.all([
      longshore([...words, "--help"]),
      longshore([...words, "-h"]),
      // With `--help` in another place it is the tree that is asked.
      longshore(["--help", ...words, "--"])
    ])
    expect(told.stdout.toString()).toContain(`longshore ${command}`.trim())
    for (const { code, stderr, stdout } of [written, short]) {
      expect(stdout.toString()).toBe(told.stdout.toString())
      expect(stderr).toBe("")
      expect(code).toBe(0)
    }
  })

  it("has the colours that the program would give it", async (context) => {
    const { longshore } = laboratory(context)
    const told = await longshore(["export", "--help"], { env: { FORCE_COLOR: "1" } })
    expect(told.stdout.toString()).toContain("\u001B[")
    expect(onTerminal(["export", "--help"]).replaceAll("\r\n", "\n")).toBe(told.stdout.toString())
    for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }])
      expect(onTerminal(["export", "--help"], env)).not.toContain("\u001B[")
  })

  it("is silent where its reader has seen enough, and says where it cannot be written", async (context) => {
    const { longshore } = laboratory(context)
    const cut = await longshore([], { through: `"$@" export --help | head -c 1` })
    expect([cut.code, cut.stderr, cut.stdout.toString()]).toEqual([0, "", "D"])
    const full = await longshore(["export", "--help"], { through: `"$@" > /dev/full` })
    expect(full.code).toBe(9)
    expect(full.stderr).toMatch(/^longshore: stdout cannot be written \(ENOSPC\)\. Next: /)
  })
})
