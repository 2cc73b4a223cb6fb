import { entityTypes, type ExportRequest } from "@longshore/core/Export"
import { randomInt } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { cluster, generator } from "./cluster.ts"
import { needsPostgres } from "./database.ts"

const accounts = Array.from({ length: 20 }, (_, n) => `hotel-${String(n + 1).padStart(2, "0")}`)
const lockExpiry = 10

const requestOf = (entityType: string): ExportRequest =>
  entityType === "LedgerEntry"
    ? { entityType, filters: { ledgerEntryFilters: { posting: { start: "2026-05-01", end: "2026-05-31" } } } }
    : { entityType }

describe("three runners, one of which dies every few seconds", () => {
  it("200 exports of 20 accounts all come, each once, within the limits", { timeout: 240_000 }, async (context) => {
    needsPostgres(context)
    const seed = Number(process.env["LONGSHORE_TEST_SEED"] ?? randomInt(2 ** 31))
    const random = generator(seed)
    const lab = await cluster(context, {
      accounts,
      simulator: { pending: "1 second", processing: "2 seconds", files: 2, fileSize: 60_000, conflictStatus: 409 },
      flags: [`--lock-expiry=${lockExpiry} seconds`, "--part-size=16KiB"]
    })
    await Promise.all([lab.start(), lab.start(), lab.start()])

    const began = Date.now()
    const kills: Array<number> = []
    const done = new AbortController()
    const killer = async () => {
      while (!done.signal.aborted) {
        await sleep(3_000 + random() * 3_000)
        const victims = lab.alive()
        const victim = victims[Math.floor(random() * victims.length)]
        if (done.signal.aborted || victim === undefined) continue
        victim.signal("SIGKILL")
        kills.push(Date.now())
        await lab.start()
      }
    }
    const killing = killer()

    // Over forty seconds, so that kills meet runs at every step of theirs.
    const tasks = accounts
      .flatMap((account) => entityTypes.map((entityType) => ({ account, entityType, place: random() })))
      .sort((a, b) => a.place - b.place)
    const runs = await Promise.all(
      tasks.map(async ({ account, entityType }, index) => {
        await sleep(index * 200)
        return lab.finished(await lab.submit(account, requestOf(entityType), { poll: 500 }))
      })
    )
    const took = (Date.now() - began) / 1000
    done.abort()
    await killing

    expect(runs.filter(({ state }) => state !== "complete")).toEqual([])
    expect(new Set(runs.map(({ id }) => id)).size).toBe(200)
    expect(kills.length).toBeGreaterThanOrEqual(5)

    // Compares every byte of what is there.
    const lost = await lab.undelivered()
    const accepted = await lab.exports()
    const key = ({ account, entityType }: { readonly account: string; readonly entityType: string }) =>
      `${account} ${entityType}`
    const there = accepted.filter((found) => !lost.includes(found))
    expect(there.map(key).sort()).toEqual(tasks.map(key).sort())
    // What the API accepted and nobody fetched was asked for by a runner that died before it wrote down the answer.
    for (const { createdAt, ...found } of lost) {
      const death = kills.find((at) => at >= createdAt - 1_000)
      expect(death, `forgotten: ${key(found)}`).toBeDefined()
      expect((death ?? Infinity) - createdAt).toBeLessThan(3_000)
    }

    const use = await lab.use()
    expect(use).toHaveLength(accounts.length)
    for (const { adds, limited, mostAddsAtOnce, mostInWindow, refused } of use) {
      expect(limited).toBe(0)
      expect(mostInWindow).toBeLessThanOrEqual(200)
      expect(mostAddsAtOnce).toBe(1)
      expect(adds).toBeGreaterThanOrEqual(entityTypes.length)
      expect(refused).toBeLessThanOrEqual(adds - entityTypes.length)
    }
    // Only an export that nobody knows of may be in the way of another.
    const refusals = (await lab.requests()).filter(({ kind, status }) => kind === "add" && status === 409)
    expect(await lab.leaks()).toEqual([])
    const most = Math.max(...use.map(({ mostInWindow }) => mostInWindow))
    console.log(
      `seed ${seed} (LONGSHORE_TEST_SEED): ${kills.length} kills in ${took.toFixed(0)} s, ${accepted.length} exports accepted, ` +
        `${lost.length} answers lost to a kill, ${refusals.length} add refused meanwhile, at most ${most} requests of an account in 30 s, none limited`
    )
  })
})
