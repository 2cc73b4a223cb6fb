import { existsSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { delivered, laboratory, secretless, unfinished } from "./program.ts"
import { atOnce, inTheMiddle, oneByOne, slow, wholeParts } from "./slowly.ts"

/** Of runs that are at work, or were killed. */
const locks = async (target: string) =>
  (await readdir(Path.join(target, ".longshore"))).filter((name) => name.includes(".lock."))

describe.concurrent("several processes", { timeout: 60_000 }, () => {
  it("F94 a paused run keeps its lock: another one is refused, and the first ends well when it wakes", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator(...slow)
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target, ...atOnce]
    const first = lab.start(command, { env })
    await first.says(/ready: 2 files/)
    first.child.kill("SIGSTOP")
    const second = await lab.longshore(command, { env })
    expect(second.stderr).toMatch(new RegExp(`^longshore: .*process ${first.child.pid} on .* Next: `, "m"))
    expect(second.code).toBe(11)
    await unfinished(target, await exports())
    first.child.kill("SIGCONT")
    expect((await first.ended).code).toBe(0)
    await delivered(target, await exports())
    expect(await requests("add")).toHaveLength(1)
  })

  it("F94 two at the same moment: one works, the other is refused", async (context) => {
    const lab = laboratory(context)
    const { env, exports, process, requests } = await lab.simulator()
    const target = await lab.folder()
    // Nobody gets an answer until both have looked for a lock, so neither is through before the other begins.
    process.kill("SIGSTOP")
    const both = [0, 1].map(() => lab.start(["export", "Bill", "--to", target], { env }))
    const refused = await Promise.race(both.map(({ ended }) => ended))
    process.kill("SIGCONT")
    expect(refused.code).toBe(11)
    expect((await Promise.all(both.map(({ ended }) => ended))).map(({ code }) => code)).toEqual(
      expect.arrayContaining([0, 11])
    )
    await delivered(target, await exports())
    expect(await requests("add")).toHaveLength(1)
  })

  it("F94 two requests into one folder do not disturb each other", async (context) => {
    const lab = laboratory(context)
    const { env, exports } = await lab.simulator("--file-size", "1MB", "--bandwidth", "2MB")
    const target = await lab.folder()
    const ended = await Promise.all(
      ["Bill", "Payment"].map((entityType) => lab.longshore(["export", entityType, "--to", target, ...atOnce], { env }))
    )
    expect(ended.map(({ code }) => code)).toEqual([0, 0])
    expect(await exports()).toHaveLength(2)
    await delivered(target, await exports())
  })

  it("F91 F93 a process that is killed with parts in flight: the next one fetches what is missing", async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator(...slow)
    const { env, exports } = simulator
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target]
    const killed = lab.start([...command, ...oneByOne], { env })
    await inTheMiddle(simulator)
    killed.child.kill("SIGKILL")
    expect((await killed.ended).signal).toBe("SIGKILL")
    await unfinished(target, await exports())
    const resumed = await lab.longshore([...command, ...atOnce], { env })
    expect(resumed.stderr).toMatch(/Bill: going on with export \S+: [01] of 2 files delivered/)
    expect(resumed.code).toBe(0)
    await delivered(target, await exports())
    // Seven whole parts of each file; twice at most the one that was on its way.
    expect(await wholeParts(simulator)).toBeLessThanOrEqual(2 * 7 + 1)
  })
})

describe.concurrent("signals", { timeout: 60_000 }, () => {
  it.for([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129]
  ] as const)(
    "F92 %s in the middle of a transfer ends with %i, and the same command goes on",
    async ([signal, code], context) => {
      const lab = laboratory(context)
      const simulator = await lab.simulator(...slow)
      const { env, exports, requests } = simulator
      const target = await lab.folder()
      const command = ["export", "Bill", "--to", target]
      const running = lab.start([...command, ...oneByOne], { env })
      await inTheMiddle(simulator)
      running.child.kill(signal)
      const ended = await running.ended
      expect(ended.code).toBe(code)
      expect(ended.stderr).toMatch(
        /^longshore: Stopped; what is done is kept\. This command goes on with it:\n {2}\S+/m
      )
      secretless(ended.stderr)
      await unfinished(target, await exports())
      expect(await locks(target)).toEqual([])
      expect((await lab.longshore([...command, ...atOnce], { env })).code).toBe(0)
      await delivered(target, await exports())
      expect(await requests("add")).toHaveLength(1)
    }
  )

  it.for([
    ["SIGINT", 130],
    ["SIGHUP", 129]
  ] as const)(
    "F92 %s twice, while the answer of add is awaited, leaves with %i; the next run tells of it",
    async ([signal, code], context) => {
      const lab = laboratory(context)
      const { env, exports } = await lab.simulator("--fault", "hold-add-answer=60s")
      const target = await lab.folder()
      const command = ["export", "Bill", "--to", target, "--poll", "100ms"]
      const running = lab.start(command, { env })
      while ((await exports()).length === 0) await sleep(20)
      running.child.kill(signal)
      await running.says(/Waiting for an answer that must not be lost; once more leaves at once/)
      running.child.kill(signal)
      expect((await running.ended).code).toBe(code)
      await unfinished(target, await exports())
      const next = await lab.longshore(command, { env })
      expect(next.stderr).toContain("an export was asked for and the answer was lost")
      expect(next.code).toBe(0)
      await delivered(target, (await exports()).slice(1))
    }
  )

  it("F92 a run whose parent is gone, so that nobody reads what it says, stops with 141, and can be resumed", async (context) => {
    const lab = laboratory(context)
    // Long enough for something to be said.
    const { env, exports, requests } = await lab.simulator(...slow, "--pending", "5s")
    const target = await lab.folder()
    const code = Path.join(await lab.folder(), "code")
    // The program's own parent stays, to see its code; what started both is killed.
    const started = lab.start(["export", "Bill", "--to", target, "--poll", "100ms"], {
      env: { ...env, CODE: code },
      through: `setsid sh -c '"$@"; echo $? > "$CODE.new"; mv "$CODE.new" "$CODE"' sh "$@" & wait`
    })
    await started.says(/was accepted/)
    started.child.kill("SIGKILL")
    started.child.stdout?.destroy()
    started.child.stderr?.destroy()
    while (!existsSync(code)) await sleep(20)
    expect(await readFile(code, "utf8")).toBe("141\n")
    expect(await locks(target)).toEqual([])
    await unfinished(target, await exports())
    const resumed = await lab.longshore(["resume", target, ...atOnce], { env })
    expect(resumed.code).toBe(0)
    await delivered(target, await exports())
    expect(await requests("add")).toHaveLength(1)
  })

  it("F92 `2>&1 | head` ends a run as it ends any program", async (context) => {
    const lab = laboratory(context)
    const { env, exports } = await lab.simulator(...slow)
    const target = await lab.folder()
    const ended = await lab.start(["export", "Bill", "--to", target, ...oneByOne], {
      env,
      through: `exec 3>&2; { "$@" 2>&1; echo "status $?" >&3; } | head -n 1`
    }).ended
    expect(ended.stderr).toMatch(/^status 141$/m)
    expect(await locks(target)).toEqual([])
    await unfinished(target, await exports())
  })
})

describe.concurrent("a pipe", { timeout: 60_000 }, () => {
  it("F84 a reader that leaves early, as head does, is no failure", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator("--file-size", "3MB")
    const state = await lab.folder()
    const ended = await lab.start(["export", "Bill", "--to", "-"], {
      env: { ...env, LONGSHORE_STATE: state },
      through: `{ "$@"; echo "status $?" >&2; } | head -n 3`
    }).ended
    expect(
      ended.stdout
        .toString()
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
    ).toHaveLength(3)
    expect(ended.stderr).toMatch(/^status 0$/m)
    expect(ended.stderr).not.toContain("longshore:")
  })

  it.skipIf(!existsSync("/dev/full"))("F87 stdout is a file on a full disk: an error that says so", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator()
    const state = { ...env, LONGSHORE_STATE: await lab.folder() }
    const ended = await lab.longshore(["export", "Bill", "--to", "-"], {
      env: state,
      through: `exec "$@" >/dev/full`
    })
    expect(ended.stderr).toMatch(/^longshore: .*stdout.* Next: /m)
    expect(ended.code).toBe(9)
  })

  it("F86 a run that was killed in the middle of a record starts over, with the same export", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator(...slow)
    const state = { ...env, LONGSHORE_STATE: await lab.folder() }
    const command = ["export", "Bill", "--to", "-", "--part-size", "10001B"]
    const killed = lab.start(command, { env: state })
    await new Promise((resolve) => killed.child.stdout?.once("data", resolve))
    killed.child.kill("SIGKILL")
    const { signal, stdout } = await killed.ended
    expect(signal).toBe("SIGKILL")
    const whole = await lab.longshore(command, { env: state })
    expect(whole.code).toBe(0)
    expect(whole.stdout).toHaveLength(2_000_000)
    expect(whole.stdout.subarray(0, stdout.length).equals(stdout)).toBe(true)
    expect(
      whole.stdout
        .toString()
        .trimEnd()
        .split("\n")
        .every((line) => line.startsWith("{"))
    ).toBe(true)
    expect(await exports()).toHaveLength(1)
    expect(await requests("add")).toHaveLength(1)
  })
})
