import { lstat, mkdir, readdir, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { Schema } from "effect"
import { describe, expect, it } from "vitest"
import { PlanJson } from "../../src/handlers/plan.ts"
import { bucket, storedInFolder } from "../leftovers.ts"
import { delivered, laboratory } from "../program.ts"

const decode = Schema.decodeUnknownSync(PlanJson, { onExcessProperty: "error" })
const planOf = ({ stdout }: { readonly stdout: Buffer }) => {
  const { types = [], ...plan } = decode(JSON.parse(stdout.toString()))
  return { ...plan, types, type: types[0] }
}

/** Everything below a folder, as the disk knows it. */
const snapshot = async (folder: string) => {
  const names = await readdir(folder, { recursive: true })
  return await Promise.all(
    [".", ...names.sort()].map(async (name) => {
      const { ctimeMs, ino, mtimeMs, size } = await lstat(Path.join(folder, name))
      return { name, size, mtimeMs, ctimeMs, ino }
    })
  )
}

describe.concurrent("longshore plan", () => {
  it("says what is asked for, what is reused and what is left to fetch, and changes nothing", async (context) => {
    const lab = laboratory(context)
    const {
      env,
      exports,
      process: simulator,
      requests
    } = await lab.simulator("--file-size", "4MB", "--bandwidth", "700KB")
    const target = Path.join(await lab.folder(), "not", "there")
    const given = ["Bill", "--to", target, "--part-size", "256KiB", "--concurrency", "2", "--poll", "200ms"]
    const plan = (...args: ReadonlyArray<string>) => lab.longshore(["plan", ...given, "--json", ...args], { env })
    const text = async (...args: ReadonlyArray<string>) =>
      (await lab.longshore(["plan", ...given, ...args], { env })).stdout.toString()

    const first = await plan()
    expect(first).toMatchObject({ code: 0, stderr: "" })
    expect(planOf(first)).toMatchObject({
      api: { looked: "nothingToAsk" },
      target: { text: target, writable: true, needed: 0, allKnown: false },
      type: { action: "ask", run: null, slot: { state: "unknown", exports: [] } }
    })
    expect(planOf(first).target?.free).toBeGreaterThan(0)
    await expect(readdir(Path.dirname(target))).rejects.toThrow("ENOENT")
    for (const kind of ["add", "getAll", "file"] as const) expect(await requests(kind)).toEqual([])

    const killed = lab.start(["export", ...given], { env })
    await storedInFolder(target, 3)
    killed.child.kill("SIGKILL")
    await killed.ended
    const [bill] = await exports()
    const exportId = bill?.id ?? ""

    const before = await snapshot(target)
    const [looks, calls] = [(await requests("getAll")).length, (await requests("file")).length]
    const resumed = await plan()
    expect(resumed).toMatchObject({ code: 0, stderr: "" })
    const { target: place, type } = planOf(resumed)
    expect(type).toMatchObject({ action: "resume", exportId, status: "Success", files: { total: 2 } })
    const { delivered: done, missing, stored, total } = type?.bytes ?? { delivered: 0, missing: 0, stored: 0, total: 0 }
    expect([total, done + stored + missing]).toEqual([8_000_000, 8_000_000])
    expect(done + stored).toBeGreaterThanOrEqual(3 * 256 * 1024)
    expect(place).toMatchObject({ needed: missing, allKnown: true })
    expect(await text()).toMatch(
      new RegExp(
        `would +go on with export ${exportId} and fetch \\S+ MB of 8\\.0 MB; .*[kM]B in (parts|files) are there`
      )
    )
    // Two plans, two looks, and nothing else: neither on the disk nor on the line.
    expect(await requests("getAll")).toHaveLength(looks + 2)
    const offline = planOf(await plan("--offline"))
    expect(offline).toMatchObject({ api: { looked: "offline" }, type: { action: "resume", bytes: type?.bytes } })
    // Without tokens the account is that of the runs which are there.
    const address = { LONGSHORE_PLATFORM_ADDRESS: env["LONGSHORE_PLATFORM_ADDRESS"] ?? "" }
    const anonymous = await lab.longshore(["plan", ...given, "--json"], { env: address })
    expect(planOf(anonymous)).toMatchObject({ api: { looked: "noTokens" }, type: { run: { exportId } } })
    expect(await snapshot(target)).toEqual(before)
    expect(await requests("getAll")).toHaveLength(looks + 2)
    // What was on its way to the killed one is noted when its end is noticed.
    const after = (await requests("file")).length
    expect(after - calls).toBeLessThanOrEqual(2)

    // What it said is what export fetches, but for the byte that asks for each file's ETag.
    expect((await lab.longshore(["export", ...given], { env })).code).toBe(0)
    await delivered(target, await exports())
    const fetched = (await requests("file")).slice(after).reduce((sum, { bytes }) => sum + bytes, 0)
    expect(fetched - missing).toBeGreaterThanOrEqual(0)
    expect(fetched - missing).toBeLessThanOrEqual(2)
    expect(await requests("add")).toHaveLength(1)

    expect(planOf(await plan()).type).toMatchObject({ action: "nothing", exportId, bytes: { missing: 0 } })
    expect(planOf(await plan("--fresh")).type).toMatchObject({ action: "ask", run: null })
    // An API that cannot be reached is told of, and is no error.
    simulator.kill("SIGKILL")
    const unreachable = await plan("--export-id", exportId)
    expect(unreachable.code).toBe(0)
    expect(planOf(unreachable)).toMatchObject({ api: { looked: "failed" }, type: { action: "adopt" } })
  })

  it("sees who works on the run, and who holds the slot, wherever that goes", async (context) => {
    const lab = laboratory(context)
    const { env, exports } = await lab.simulator("--processing", "10m")
    const target = await lab.folder()
    const running = lab.start(["export", "Bill", "--to", target, "--poll", "200ms"], { env })
    await running.says(/is Processing/)
    const exportId = (await exports())[0]?.id ?? ""
    const plan = async (to: string, ...args: ReadonlyArray<string>) =>
      planOf(await lab.longshore(["plan", "Bill", "--to", to, "--json", ...args], { env })).type
    const slot = { state: "taken", exports: [{ exportId, status: "Processing" }] }
    expect(await plan(target)).toMatchObject({ action: "fail", exitCode: 11, run: { exportId }, slot })
    const elsewhere = await lab.folder()
    expect(await plan(elsewhere)).toMatchObject({ action: "ask", run: null, slot })
    running.child.kill("SIGKILL")
    await running.ended
    expect(await plan(target)).toMatchObject({
      action: "resume",
      would: expect.stringContaining("not ready yet"),
      slot
    })
    expect(await plan(elsewhere, "--offline")).toMatchObject({ slot: { state: "perhaps", exports: [{ exportId }] } })
  })

  it("foresees that an export is over, and that an answer was lost", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator("--fault", "fail-export@Bill=always", "--fault", "lose-add-answer@Payment=1")
    const target = await lab.folder()
    const given = ["--to", target, "--on-busy", "fail"]
    expect((await lab.longshore(["export", "Bill", ...given], { env })).code).toBe(6)
    expect((await lab.longshore(["export", "Payment", ...given], { env })).code).toBe(5)
    const plan = (...args: ReadonlyArray<string>) =>
      lab.longshore(["plan", "Bill", "Payment", ...given, "--json", ...args], { env })
    const { types } = planOf(await plan())
    expect(types).toMatchObject([
      { action: "fail", exitCode: 6, status: "Failed" },
      { action: "ask", run: { answerLost: true }, slot: { state: "perhaps", exports: [] } }
    ])
    expect(types[0]?.would).toMatch(/failed at Mews; --on-expired renew asks for another$/)
    expect(planOf(await plan("--on-expired", "renew")).types[0]).toMatchObject({ action: "renew" })
    const unknown = "00000000-0000-4000-8000-000000000000"
    const adopting = ["Bill", ...given, "--export-id", unknown]
    const adopted = planOf(await lab.longshore(["plan", ...adopting, "--json"], { env }))
    const { code } = await lab.longshore(["export", ...adopting], { env })
    expect(adopted.type).toMatchObject({ action: "fail", exitCode: code, exportId: unknown })
  })

  it("refuses what export refuses, in the same words, and says what is wrong with a target", async (context) => {
    const lab = laboratory(context)
    const { env, requests } = await lab.simulator()
    const target = await lab.folder()
    const wrong = [
      ["Bil", "--to", target],
      ["LedgerEntry", "--to", target],
      ["Bill", "--to", "ftp://x/y"],
      ["Bill", "--to", target, "--updated-from", "2026-05-01T00:00:00Z"],
      ["Bill", "--to", target, "--updated-from", "2026-01-01T00:00:00Z", "--updated-to", "2026-12-31T00:00:00Z"],
      ["Bill", "--to", target, "--enterprise-id", "none"]
    ]
    for (const args of wrong) {
      const planned = await lab.longshore(["plan", ...args], { env })
      const exported = await lab.longshore(["export", ...args], { env })
      expect(planned).toMatchObject({ code: 2, stdout: Buffer.of(), stderr: exported.stderr })
    }
    expect(await readdir(target)).toEqual([])
    const file = Path.join(target, "file")
    await writeFile(file, "")
    for (const to of [file, Path.join(file, "below")]) {
      expect(await lab.longshore(["plan", "Bill", "--to", to], { env })).toMatchObject({ code: 9, stdout: Buffer.of() })
    }
    // A pipe has room, and what is printed here is no data.
    const pipe = await lab.longshore(["plan", "Bill", "--to", "-", "--json"], { env })
    expect(planOf(pipe)).toMatchObject({ target: { free: null, writable: true }, type: { action: "ask" } })
    await mkdir(Path.join(target, "data"))
    const words = await lab.longshore(
      [
        "plan",
        "Payment",
        "--to",
        Path.join(target, "data"),
        "--enterprise-id",
        exportLike,
        "--updated-from",
        "2026-05-01",
        "--updated-to",
        "2026-06-01"
      ],
      { env }
    )
    expect(words.stdout.toString()).toContain(
      `Payment, updated from 2026-05-01T00:00:00.000Z up to 2026-06-01T00:00:00.000Z, of enterprise ${exportLike}`
    )
    expect(await requests("add")).toEqual([])
    expect(await readdir(Path.join(target, "data"))).toEqual([])
  })

  it("counts the parts that a bucket has, and writes nothing into it", async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator("--files", "1", "--file-size", "20MB", "--bandwidth", "4MB")
    const { env: access, get, stored } = await bucket()
    const state = await lab.folder()
    const env = { ...simulator.env, ...access, LONGSHORE_STATE: state }
    const given = ["Bill", "--to", "s3://exports/mews", "--concurrency", "2", "--part-size", "5MiB"]
    const killed = lab.start(["export", ...given], { env })
    await stored(1)
    killed.child.kill("SIGKILL")
    await killed.ended
    const held = async () => [await get("?list-type=2"), await get("?uploads"), await snapshot(state)]
    const before = await held()
    const plan = async (...args: ReadonlyArray<string>) =>
      planOf(await lab.longshore(["plan", ...given, "--json", ...args], { env }))
    const online = await plan()
    expect(online).toMatchObject({ target: { free: null, writable: null }, type: { action: "resume" } })
    expect(online.type?.bytes?.stored).toBeGreaterThan(0)
    expect((online.type?.bytes?.stored ?? 0) % (5 * 2 ** 20)).toBe(0)
    expect((await plan("--offline")).type?.bytes).toMatchObject({ stored: 0, missing: 20_000_000 })
    expect(await held()).toEqual(before)
    const nobody = await lab.longshore(["plan", "Bill", "--to", "s3://nobody/mews", "--json"], { env })
    expect(nobody.code).toBe(0)
    expect(planOf(nobody).target?.problem).toMatch(/there is no such bucket/)
  })
})

const exportLike = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
