import { mkdir, readFile, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { delivered, laboratory } from "./program.ts"
import { atOnce, inTheMiddle, oneByOne, slow, wholeParts } from "./slowly.ts"

/** What `--json` printed. */
const said = ({ stdout }: { readonly stdout: Buffer }) => JSON.parse(stdout.toString())

describe.concurrent("resume", () => {
  it("--last goes on with all that the last command started, from anywhere and without its flags", async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator(...slow)
    const home = { XDG_STATE_HOME: await lab.folder() }
    const env = { ...simulator.env, ...home }
    const target = await lab.folder()
    // A relative target, and settings that count for the parts that are stored.
    const killed = lab.start(["export", "Bill", "Payment", "--to", "data", ...oneByOne], {
      env: { ...env, TARGET: target },
      through: `cd "$TARGET"; exec "$@"`
    })
    // Each looks by itself, and the parts of one do not say that the other has looked.
    await Promise.all([killed.says(/Bill: ready/), killed.says(/Payment: ready/)])
    await inTheMiddle(simulator)
    killed.child.kill("SIGKILL")
    await killed.ended

    const list = await lab.longshore(["list", "--json"], { env: home })
    const runs: ReadonlyArray<{ id: string; target: string; stage: string }> = said(list).runs
    expect(runs.map(({ stage, target }) => ({ stage, target }))).toEqual([
      { stage: "transferring", target: Path.join(target, "data") },
      { stage: "transferring", target: Path.join(target, "data") }
    ])
    const one = runs.map(({ id }) => id).find((id) => id.startsWith("Bill-"))

    const before = await wholeParts(simulator)
    const resumed = await lab.longshore(["resume", "--last", "--json", "--concurrency", "16"], { env })
    expect(resumed.stderr).toContain("Bill: going on with export")
    expect(said(resumed)).toMatchObject({ ok: true, runs: [{ ok: true }, { ok: true }] })
    await delivered(Path.join(target, "data"), await simulator.exports())
    expect(await simulator.requests("add")).toHaveLength(2)
    // Parts of the size that was asked for then: only what was on its way comes twice.
    expect(before).toBeGreaterThanOrEqual(3)
    expect(await wholeParts(simulator)).toBeLessThanOrEqual(4 * 7 + 1)

    expect((await lab.longshore(["list"], { env: home })).stdout.toString()).toContain("No run is unfinished")
    expect(said(await lab.longshore(["list", "--all", "--json"], { env: home })).runs).toHaveLength(2)
    const again = await lab.longshore(["resume", one ?? ""], { env })
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("was finished at") })
    const nothing = await lab.longshore(["resume", Path.join(target, "data")], { env: home })
    expect(nothing).toMatchObject({
      code: 0,
      stdout: Buffer.from("Nothing to resume: all of these runs are finished.\n")
    })
  })

  it("takes a run by its id, and not with another account's tokens", async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator(...slow)
    const state = await lab.folder()
    const env = { ...simulator.env, XDG_STATE_HOME: await lab.folder() }
    const target = await lab.folder()
    const killed = lab.start(["export", "Bill", "--to", target, "--state", state, ...oneByOne], { env })
    await inTheMiddle(simulator)
    killed.child.kill("SIGKILL")
    await killed.ended
    const [{ id }] = said(await lab.longshore(["status", target, "--state", state, "--json"])).runs
    const other = { ...env, LONGSHORE_ACCESS_TOKEN: "somebody-elses-token" }
    const refused = await lab.longshore(["resume", id], { env: other })
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("belongs to the account") })
    expect(await simulator.requests("add")).toHaveLength(1)
    // The index is gone, as on another machine: the folder of the journal says all.
    const elsewhere = { ...env, XDG_STATE_HOME: await lab.folder() }
    expect(await lab.longshore(["resume", id], { env: elsewhere })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--state")
    })
    const resumed = await lab.longshore(["resume", id, "--state", state, ...atOnce], { env: elsewhere })
    expect(resumed.code).toBe(0)
    await delivered(target, await simulator.exports())
    expect(await simulator.requests("add")).toHaveLength(1)
  })

  it("of a run that was done again, the older number is no longer resumed", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator()
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target]
    await lab.longshore(command, { env })
    await lab.longshore([...command, "--fresh"], { env })
    const runs: ReadonlyArray<{ id: string }> = said(await lab.longshore(["status", target, "--json"])).runs
    expect(runs).toHaveLength(2)
    const old = await lab.longshore(["resume", runs[0]?.id ?? "", "--state", Path.join(target, ".longshore")], { env })
    expect(old).toMatchObject({ code: 2, stderr: expect.stringContaining(`longshore resume ${runs[1]?.id}`) })
  })

  it("says what it needs", async (context) => {
    const lab = laboratory(context)
    const env = { XDG_STATE_HOME: await lab.folder() }
    for (const [args, message] of [
      [["resume"], "Which run?"],
      [["resume", "Bill-0123456789abcdef.1", "--last"], "two wishes"],
      [["resume", "--last"], "No run of this user is known"],
      [["resume", "Bill-0123456789abcdef.1"], "There is no journal of a run"]
    ] as const) {
      const ended = await lab.longshore(args, { env })
      expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
      expect(ended.stderr).toMatch(/ Next: .+\n$/)
    }
    const json = await lab.longshore(["resume", "--last", "--json"], { env })
    expect(said(json)).toMatchObject({ version: 1, ok: false, runs: [], error: { tag: "UsageError" }, exitCode: 2 })
  })

  it("a run needs no index: one that cannot be written, or is broken, is passed over", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator()
    const target = await lab.folder()
    const ended = await lab.longshore(["export", "Bill", "--to", target], {
      env: { ...env, XDG_STATE_HOME: "/dev/null" }
    })
    expect(ended.code).toBe(0)
    const home = await lab.folder()
    const index = Path.join(home, "longshore", "runs")
    await mkdir(index, { recursive: true })
    await writeFile(Path.join(index, "0123456789abcdef.json"), "{")
    const elsewhere = { version: 1, journal: "/gone.jsonl", invocation: "1", startedUtc: "2026-11-24T00:00:00Z" }
    await writeFile(Path.join(index, "1123456789abcdef.json"), JSON.stringify(elsewhere))
    expect(await lab.longshore(["list", "--all"], { env: { XDG_STATE_HOME: home } })).toMatchObject({
      code: 0,
      stdout: Buffer.from("No run is known.\n")
    })
    // What stands in a journal's first line is no secret.
    const [journal = ""] = said(await lab.longshore(["status", target, "--json"])).runs.map(
      (run: { journal: string }) => run.journal
    )
    const text = await readFile(journal, "utf8")
    for (const token of [env["LONGSHORE_ACCESS_TOKEN"], env["LONGSHORE_CLIENT_TOKEN"]])
      expect(text).not.toContain(token)
  })
})
