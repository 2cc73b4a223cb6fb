import { appendFile, readdir, readFile, rm, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { delivered, laboratory, secretless } from "./program.ts"

const json = (stdout: Buffer) => JSON.parse(stdout.toString())

describe.concurrent("longshore export", () => {
  it("delivers several types, fetches only what is missing on a rerun, and exports anew when asked to", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator()
    const target = await lab.folder()
    const command = ["export", "Reservation", "Customer", "--to", target]

    const first = await lab.longshore(command, { env })
    expect(first).toMatchObject({ code: 0, stdout: Buffer.of() })
    expect(first.stderr).toContain("Reservation: done, 2 files, 600.0 kB, verified.")
    expect((await exports()).map(({ entityType }) => entityType).sort()).toEqual(["Customer", "Reservation"])
    await delivered(target, await exports())

    // Finished: nothing is asked of anybody.
    const calls = (await requests("file")).length
    const second = await lab.longshore([...command, "--json"], { env })
    expect(second.code).toBe(0)
    expect(second.stderr).toMatch(/Reservation: export \S+ was finished at \S+, and all of it is there .* --fresh/)
    const runs = json(second.stdout)
    expect(runs).toMatchObject({ version: 1, ok: true, exitCode: 0, runs: [{ earlier: true }, { earlier: true }] })
    expect(await requests("file")).toHaveLength(calls)

    // One file deleted, one edited: these and no other.
    const [reservation] = runs.runs
    const path = (index: number) => Path.join(target, reservation.files[index].key)
    await rm(path(0))
    await appendFile(path(1), "x")
    expect((await lab.longshore(command, { env })).code).toBe(0)
    await delivered(target, await exports())
    expect((await requests("file")).slice(calls).filter(({ bytes }) => bytes > 1)).toHaveLength(2)
    expect(await requests("add")).toHaveLength(2)

    const fresh = await lab.longshore(["export", "Reservation", "--to", target, "--fresh", "--quiet"], { env })
    expect(fresh).toMatchObject({ code: 0, stderr: "" })
    expect(await requests("add")).toHaveLength(3)
    await delivered(target, await exports())
    expect((await lab.longshore(["export", "Reservation", "--to", target, "--max-age", "1h"], { env })).code).toBe(0)
    expect(await requests("add")).toHaveLength(3)

    // Offline: the journals alone.
    const status = await lab.longshore(["status", target])
    expect(status.code).toBe(0)
    expect(status.stdout.toString().match(/ complete .* 2\/2 /g)).toHaveLength(3)
    const table = json((await lab.longshore(["status", target, "--json"])).stdout)
    expect(table).toMatchObject({ version: 1, ok: true })
    const [run] = table.runs
    const one = await lab.longshore(["status", run.id, "--state", Path.join(target, ".longshore"), "--json"])
    expect(json(one.stdout).runs).toEqual([run])
    for (const name of await readdir(Path.join(target, ".longshore"))) {
      secretless(await readFile(Path.join(target, ".longshore", name), "utf8"))
    }
  })

  it("takes up an export that exists", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator()
    const target = await lab.folder()
    await lab.longshore(["export", "Bill", "--to", await lab.folder()], { env })
    const [bill] = await exports()
    const id = bill?.id.toUpperCase() ?? ""
    expect((await lab.longshore(["export", "Bill", "--to", target, "--export-id", id], { env })).code).toBe(0)
    await delivered(target, await exports())
    expect(await requests("add")).toHaveLength(1)
  })

  it("writes nothing but data to stdout, and lets the reader leave", async (context) => {
    const lab = laboratory(context)
    const { env, exports } = await lab.simulator("--files", "3", "--file-size", "3MB")
    const state = { ...env, LONGSHORE_STATE: await lab.folder() }
    const whole = await lab.longshore(["export", "OrderItem", "--to", "-", "--part-size", "1MiB"], { env: state })
    expect(whole.code).toBe(0)
    const [sent] = await exports()
    expect(whole.stdout).toHaveLength(9_000_000)
    const target = await lab.folder()
    await lab.longshore(["export", "OrderItem", "--to", target, "--export-id", sent?.id ?? ""], { env: state })
    const path = Path.join(target, "OrderItem", sent?.id ?? "")
    const names = (await readdir(path)).filter((name) => name.endsWith(".jsonl")).sort()
    const files = await Promise.all(names.map((name) => readFile(Path.join(path, name))))
    expect(whole.stdout.equals(Buffer.concat(files))).toBe(true)

    const early = lab.start(["export", "OrderItem", "--to", "-", "--part-size", "1MiB"], { env: state })
    early.child.stdout?.once("data", () => early.child.stdout?.destroy())
    const { code, stderr } = await early.ended
    expect(code).toBe(0)
    expect(stderr).toContain("its export is given again; for a new one run the same command with --fresh")
    expect(stderr).not.toContain("longshore:")
  })

  it("stops at Ctrl-C and prints the command that goes on; nobody else may use the journal meanwhile", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator("--file-size", "6MB", "--bandwidth", "400KB")
    const target = Path.join(await lab.folder(), "it's here")
    const command = ["export", "Payment", "--to", target, "--part-size", "1MB", "--fresh"]
    const first = lab.start(command, { env })
    await first.says(/ready: 2 files/)
    // It gets no further, however long the others take.
    first.child.kill("SIGSTOP")
    expect((await lab.longshore(command, { env })).code).toBe(11)
    const status = await lab.longshore(["status", target, "--json"])
    expect(json(status.stdout).runs).toMatchObject([{ stage: "transferring", files: { total: 2 } }])
    first.child.kill("SIGINT")
    first.child.kill("SIGCONT")
    const { code, stderr } = await first.ended
    expect(code).toBe(130)
    secretless(stderr)
    const shell = stderr.trim().split("\n").at(-1)?.trim() ?? ""
    expect(shell).toContain(`it'\\''s here'`)
    const second = await lab.longshore([], { env, shell })
    expect(second.code).toBe(0)
    expect(second.stderr).toMatch(/Payment: going on with export \S+: [01] of 2 files delivered/)
    await delivered(target, await exports())
    expect(await requests("add")).toHaveLength(1)
  })

  it("leaves at once at the second signal, also while an answer is awaited", async (context) => {
    const lab = laboratory(context)
    const { env, exports } = await lab.simulator("--fault", "hold-add-answer=60s")
    const running = lab.start(["export", "Bill", "--to", await lab.folder()], { env })
    while ((await exports()).length === 0) await sleep(50)
    running.child.kill("SIGTERM")
    await running.says(/once more leaves at once/)
    running.child.kill("SIGTERM")
    expect((await running.ended).code).toBe(143)
  })

  it("says what is known when the answer to add is lost, and finishes once the slot is free", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator("--fault", "lose-add-answer=1")
    const target = await lab.folder()
    const lost = await lab.longshore(["export", "Bill", "--to", target, "--on-busy", "fail"], { env })
    expect(lost.code).toBe(5)
    expect(lost.stderr).toMatch(/the answer was lost.*Known: nothing was delivered.*Next: .*--on-busy wait/s)
    const command = ["export", "Bill", "--to", target, "--on-busy", "wait", "--poll", "200ms"]
    expect((await lab.longshore(command, { env })).code).toBe(0)
    expect((await requests("add")).filter(({ status }) => status === 200).length).toBeLessThanOrEqual(2)
    await delivered(target, (await exports()).slice(-1))
  })

  it("delivers what it can when one of several types fails", async (context) => {
    const lab = laboratory(context)
    const { env, exports } = await lab.simulator("--fault", "fail-export@Customer=always")
    const target = await lab.folder()
    const ended = await lab.longshore(["export", "Reservation", "Customer", "--to", target, "--json"], { env })
    expect(ended.code).toBe(7)
    expect(ended.stderr).toMatch(/longshore: Customer: Mews reports that export .* failed.* Next: /)
    expect(json(ended.stdout)).toMatchObject({
      ok: false,
      exitCode: 7,
      runs: [
        { entityType: "Reservation", ok: true },
        { entityType: "Customer", ok: false, error: { tag: "ExportFailed", exitCode: 6 } }
      ]
    })
    await delivered(
      target,
      (await exports()).filter(({ entityType }) => entityType === "Reservation")
    )
  })

  it("I13 says when a crash left the end of a journal unfinished, and goes on from before", async (context) => {
    const lab = laboratory(context)
    const { env, requests } = await lab.simulator()
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target]
    expect((await lab.longshore(command, { env })).code).toBe(0)
    const state = Path.join(target, ".longshore")
    const name = (await readdir(state)).find((name) => name.endsWith(".jsonl")) ?? ""
    const journal = Path.join(state, name)
    const whole = await readFile(journal, "utf8")
    await writeFile(journal, whole.slice(0, -10))
    const again = await lab.longshore(command, { env })
    expect(again.code).toBe(0)
    expect(again.stderr).toContain("Bill: a crash left the end of the journal")
    expect(await readFile(journal, "utf8")).toHaveLength(whole.length)
    expect(await requests("add")).toHaveLength(1)
  })

  it("refuses a journal that is broken, and leaves it as it is", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator()
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target]
    expect((await lab.longshore(command, { env })).code).toBe(0)
    const state = Path.join(target, ".longshore")
    const name = (await readdir(state)).find((file) => file.endsWith(".jsonl")) ?? ""
    const text = await readFile(Path.join(state, name), "utf8")
    await writeFile(Path.join(state, name), text.replace(/\n.*\n/, "\ngarbage\n"))
    const ended = await lab.longshore(command, { env })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/^longshore: The journal .* cannot be used: .* Next: /m)
    expect(await readFile(Path.join(state, name), "utf8")).toContain("garbage")
    expect((await lab.longshore(["status", target])).code).toBe(1)
  })
})
