import { entityTypes, type ExportRequest } from "@longshore/core/Export"
import { randomInt } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { cluster, generator } from "./cluster.ts"
import { needsPostgres } from "./database.ts"

const accounts = Array.from({ length: 20 }, (_, n) => `hotel-${String(n + 1).padStart(2, "0")}`)
/** Seconds. */
const lockExpiry = 10
const killing = 45

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
      flags: [`--lock-expiry=${lockExpiry}s`, "--part-size=16KiB"]
    })
    await Promise.all([lab.start(), lab.start(), lab.start()])

    const began = Date.now()
    const kills: Array<number> = []
    const killer = async () => {
      while (Date.now() < began + 1000 * killing) {
        await sleep(3_000 + random() * 3_000)
        const victims = lab.alive()
        victims[Math.floor(random() * victims.length)]?.signal("SIGKILL")
        kills.push(Date.now())
        await lab.start()
      }
    }
    const killed = killer()

    // One after the other, so that kills meet runs at every step of theirs.
    const tasks = accounts
      .flatMap((account) => entityTypes.map((entityType) => ({ account, entityType, place: random() })))
      .sort((a, b) => a.place - b.place)
    const runs = await Promise.all(
      tasks.map(async ({ account, entityType }, index) => {
        await sleep((index / tasks.length) * 1000 * killing)
        return lab.finished(await lab.submit(account, requestOf(entityType)))
      })
    )
    const took = (Date.now() - began) / 1000
    await killed

    expect(runs.filter(({ state }) => state !== "complete")).toEqual([])
    expect(new Set(runs.map(({ id }) => id)).size).toBe(200)
    expect(kills.length).toBeGreaterThanOrEqual(5)

    // Compares every byte of what is there.
    const lost = await lab.undelivered()
    const accepted = await lab.exports()
    const key = ({ account, entityType }: { readonly account: string; readonly entityType: string }) =>
      `${account} ${entityType}`
    const isLost = new Set(lost.map(({ id }) => id))
    const there = accepted.filter(({ id }) => !isLost.has(id))
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
