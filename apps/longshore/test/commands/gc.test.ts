import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { hostname } from "node:os"
import * as Path from "node:path"
import { Schema } from "effect"
import { describe, expect, it } from "vitest"
import { GcJson } from "../../src/handlers/gc.ts"
import { bucket, storedInFolder } from "../leftovers.ts"
import { delivered, laboratory } from "../program.ts"

const decode = Schema.decodeUnknownSync(GcJson, { onExcessProperty: "error" })
const answerOf = ({ stdout }: { readonly stdout: Buffer }) => decode(JSON.parse(stdout.toString()))

/** Outcome and reason by the name of the file. */
const fates = (ended: { readonly stdout: Buffer }) =>
  Object.fromEntries(
    (answerOf(ended).leftovers ?? []).map(({ key, outcome, reason }) => [Path.basename(key), `${outcome} ${reason}`])
  )

const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => Path.relative(folder, Path.join(entry.parentPath, entry.name)))
    .sort()

const idOf = (n: number) => `00000000-0000-4000-8000-00000000000${n}`
const past = "2026-01-01T00:00:00.000Z"
const future = "2999-01-01T00:00:00.000Z"

/** The steps of an export of one file, as journals have them. */
const ready = (prefix: string, n: number, expiresUtc: string) => [
  [`${prefix}add`, { _tag: "Accepted", exportId: idOf(n) }],
  [`${prefix}ready`, { _tag: "Some", value: { files: [{ index: 0, path: `/${n}`, size: 9 }], expiresUtc } }]
]

describe.concurrent("longshore gc", () => {
  it("keeps what can be resumed, removes it when told to, and leaves alone what is not ours", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator("--file-size", "3MB", "--bandwidth", "1500KB")
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target, "--part-size", "256KiB", "--concurrency", "2"]
    const gc = (...args: ReadonlyArray<string>) => lab.longshore(["gc", target, ...args])

    const killed = lab.start(command, { env })
    await storedInFolder(target, 3)
    // It lives, and gets no further however long this takes.
    killed.child.kill("SIGSTOP")
    const busy = await gc("--older-than", "0s")
    expect(busy).toMatchObject({ code: 0 })
    expect(busy.stdout.toString()).toMatch(
      /^kept .*\.jsonl\.[0-9a-f]{8}\.\* .*a process works on the run Bill-\S+ now$/m
    )
    expect(busy.stdout.toString()).toContain("0 B freed.")
    killed.child.kill("SIGKILL")
    await killed.ended

    const [bill] = await exports()
    const folder = Path.join(target, "Bill", bill?.id ?? "")
    const theirs = ["Bill-00003.jsonl.0a0a0a0a.partial", "Bill-00001.jsonl.partial", "notes.txt"]
    for (const name of theirs) await writeFile(Path.join(folder, name), "theirs")
    await mkdir(Path.join(target, "Payment", idOf(1)), { recursive: true })
    await writeFile(Path.join(target, "Payment", idOf(1), "Payment-00001.jsonl.0a0a0a0a.partial"), "theirs")
    const elsewhere = await lab.folder()
    await writeFile(Path.join(elsewhere, "Bill-00001.jsonl.0a0a0a0a.partial"), "theirs")
    await symlink(elsewhere, Path.join(target, "Bill", idOf(2)))
    const before = await filesIn(target)

    const kept = await gc()
    expect(kept).toMatchObject({ code: 0, stderr: "" })
    const text = kept.stdout.toString()
    expect(text).toMatch(/^kept .*Bill-00001\.jsonl\.[0-9a-f]{8}\.\* .*longshore resume Bill-[0-9a-f]{16}\.1 goes/m)
    expect(text).toMatch(/^kept +6 B .*Bill-00003\.jsonl\.0a0a0a0a\.\* +no journal here speaks of it$/m)
    expect(await gc("--older-than", "1h", "--json").then(fates)).toMatchObject({
      "Bill-00001.jsonl": "kept unfinished"
    })
    const dry = await gc("--older-than", "0s", "--dry-run", "--json")
    expect(fates(dry)).toMatchObject({
      "Bill-00001.jsonl": "garbage old",
      "Bill-00003.jsonl": "kept notOurs",
      "Payment-00001.jsonl": "kept notOurs"
    })
    expect(await filesIn(target)).toEqual(before)

    const removed = await gc("--older-than", "0s", "--json")
    expect(fates(removed)).toMatchObject({ "Bill-00001.jsonl": "removed old", "Bill-00003.jsonl": "kept notOurs" })
    expect(answerOf(removed).freed).toBe(answerOf(dry).freed)
    expect(answerOf(removed).freed).toBeGreaterThanOrEqual(3 * 256 * 1024)
    expect(answerOf(removed).freed).toBeLessThanOrEqual(6_000_000)
    const ours = (name: string) => /Bill-0000[12]\.jsonl\.[0-9a-f]{8}\.part/.test(name) || name.includes(".lock.")
    expect(await filesIn(target)).toEqual(before.filter((name) => !ours(name)))
    expect(await filesIn(elsewhere)).toHaveLength(1)
    expect(answerOf(await gc("--older-than", "0s", "--json")).freed).toBe(0)

    for (const name of theirs) await rm(Path.join(folder, name))
    expect((await lab.longshore(command, { env })).code).toBe(0)
    await delivered(target, await exports())
    expect(await requests("add")).toHaveLength(1)
  })

  it("tells by journals what is of no more use, and touches nothing else", async (context) => {
    const lab = laboratory(context)
    const target = await lab.folder()
    const elsewhere = await lab.folder()
    const state = Path.join(target, ".longshore")
    await mkdir(state)
    /** A run into the target, and what is left over of its exports. */
    const run = async (n: number, steps: ReadonlyArray<ReadonlyArray<unknown>>, more = {}, folder = state) => {
      const request = { entityType: "Bill" }
      const identity = { platformAddress: "https://api", account: "a", target, request, ...more }
      const first = { format: "longshore-journal/1", createdUtc: past, identity }
      const lines = [first, ...steps.map(([step, value]) => ({ at: past, step, value }))]
      const path = Path.join(folder, `Bill-${String(n).repeat(16)}.1.jsonl`)
      await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
      return path
    }
    const partial = async (n: number) => {
      await mkdir(Path.join(target, "Bill", idOf(n)), { recursive: true })
      await writeFile(Path.join(target, "Bill", idOf(n), "Bill-00001.jsonl.0a0a0a0a.partial"), "123456789"[n] ?? "")
    }
    for (const n of [1, 2, 3, 4, 5, 6, 7, 8]) await partial(n)
    await run(1, [...ready("", 1, future), ["complete", { completedUtc: past }]])
    await run(2, [...ready("", 2, future), ["renew", { reason: "failed" }], ...ready("2.", 3, future)])
    await run(4, ready("", 4, past))
    // Complete for one run, and taken up by another that is not.
    await run(5, [...ready("", 5, future), ["complete", { completedUtc: past }]])
    await run(6, ready("", 5, future).slice(1), { exportId: idOf(5) })
    // Into another target, with a folder of journals that is shared.
    await run(7, [...ready("", 6, past)], { target: elsewhere })
    // Kept in another folder: the user's index knows it.
    const home = await lab.folder()
    const other = await run(8, ready("", 7, past), {}, elsewhere)
    await mkdir(Path.join(home, "longshore", "runs"), { recursive: true })
    await writeFile(
      Path.join(home, "longshore", "runs", "8.json"),
      JSON.stringify({ version: 1, journal: other, invocation: "x", startedUtc: past })
    )
    // A process that lives has the lock of this one.
    const held = await run(9, [...ready("", 8, future), ["complete", { completedUtc: past }]])
    const holder = spawn("sleep", ["600"])
    context.onTestFinished(() => void holder.kill("SIGKILL"))
    await once(holder, "spawn")
    await writeFile(
      `${held}.lock.${holder.pid}-x`,
      JSON.stringify({ host: hostname(), pid: holder.pid, started: null })
    )
    await writeFile(Path.join(state, "Bill-0000000000000000.1.jsonl"), "no journal\n")

    const env = { XDG_STATE_HOME: home }
    const byExport = (ended: { readonly stdout: Buffer }) =>
      (answerOf(ended).leftovers ?? []).map(({ key, outcome, reason }) => `${key.slice(40, 41)} ${outcome} ${reason}`)
    const ended = await lab.longshore(["gc", target, "--json"], { env })
    expect(byExport(ended)).toEqual([
      "1 removed complete",
      "2 removed givenUp",
      "3 kept unfinished",
      "4 removed expired",
      "5 kept unfinished",
      "6 kept notOurs",
      "7 removed expired",
      "8 kept inUse"
    ])
    // What cannot be read is told, and keeps nothing else from being done.
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/^longshore: The journal \S+Bill-0000000000000000\.1\.jsonl cannot be used: .* Next: /)
    expect((await filesIn(Path.join(target, "Bill"))).map((name) => name.slice(35, 36))).toEqual(["3", "5", "6", "8"])
    holder.kill("SIGKILL")
    await once(holder, "exit")
    const again = await lab.longshore(["gc", target, "--json", "--older-than", "7d"], { env })
    expect(byExport(again)).toEqual(["3 removed old", "5 removed old", "6 kept notOurs", "8 removed complete"])
    // No run is forgotten.
    expect((await readdir(state)).sort()).toHaveLength(8)
    expect(await readFile(held, "utf8")).toContain(idOf(8))
  })

  it("refuses a pipe, and a target that nobody knows", async (context) => {
    const lab = laboratory(context)
    const pipe = await lab.longshore(["gc", "-", "--json"])
    expect(answerOf(pipe)).toMatchObject({ ok: false, exitCode: 2, error: { tag: "UsageError" } })
    const nowhere = Path.join(await lab.folder(), "nowhere")
    const unknown = await lab.longshore(["gc", nowhere])
    expect(unknown).toMatchObject({ code: 2 })
    expect(unknown.stderr).toMatch(/There is no journal of runs into .*nothing is left over there\. Next: /)
    await expect(readdir(nowhere)).rejects.toThrow("ENOENT")
  })

  it("aborts uploads of ours in a bucket, and removes their notes", async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator("--files", "1", "--file-size", "20MB", "--bandwidth", "4MB")
    const { endpoint, env: access, notes, stored, uploads, url } = await bucket()
    const env = { ...simulator.env, ...access, LONGSHORE_STATE: await lab.folder() }
    const to = ["s3://exports/mews", "--endpoint", endpoint]
    const command = ["export", "Bill", "--to", ...to, "--concurrency", "2", "--part-size", "5MiB"]
    const killed = lab.start(command, { env })
    await stored(1)
    killed.child.kill("SIGKILL")
    await killed.ended
    const [bill] = await simulator.exports()
    const key = `mews/Bill/${bill?.id}/Bill-00001.jsonl`
    // Of another program, and not noted as ours.
    await fetch(`${url}/mews/other?uploads`, { method: "POST" })
    expect(await uploads()).toEqual([key, "mews/other"])
    expect(await notes()).toBe(2)

    const gc = (...args: ReadonlyArray<string>) => lab.longshore(["gc", ...to, "--json", ...args], { env })
    const kept = await gc()
    expect(fates(kept)).toEqual({ "Bill-00001.jsonl": "kept unfinished" })
    expect(await uploads()).toHaveLength(2)
    const removed = await gc("--older-than", "0s")
    expect(fates(removed)).toEqual({ "Bill-00001.jsonl": "removed old" })
    expect(answerOf(removed).freed).toBeGreaterThanOrEqual(5 * 2 ** 20)
    expect((answerOf(removed).freed ?? 0) % (5 * 2 ** 20)).toBe(0)
    expect(await uploads()).toEqual(["mews/other"])
    expect(await notes()).toBe(0)
    expect((await lab.longshore(command, { env })).code).toBe(0)
    expect(await simulator.requests("add")).toHaveLength(1)
    expect(answerOf(await gc("--older-than", "0s"))).toMatchObject({ leftovers: [], freed: 0 })
  })
})
