import * as Duration from "effect/Duration"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { cluster, until } from "./cluster.ts"
import { needsPostgres, outage } from "./database.ts"

const accounts = ["north", "south"]
const others = ["east", "west", "centre"]
const seconds = 30

describe("PostgreSQL is away", () => {
  it(
    "for half a minute, in the middle of transfers and waits: everything comes",
    { timeout: 200_000 },
    async (context) => {
      needsPostgres(context)
      const simulator = { pending: 500, processing: 500, files: 2, fileSize: 4_000_000, bandwidth: 100_000 }
      const lab = await cluster(context, {
        accounts: [...accounts, ...others],
        simulator,
        flags: ["--lock-expiry=10s", "--part-size=128KiB"]
      })
      await Promise.all([lab.start(), lab.start()])
      const submit = (account: string, entityType: string) => lab.submit(account, { entityType }, { poll: 500 })
      const transferring = await Promise.all(
        accounts.flatMap((account) => ["Bill", "Payment"].map((type) => submit(account, type)))
      )
      await until(async () => (await lab.downloads()).length >= 16, "parts come of all")
      // These are not ready before the database is back.
      await lab.addFault({ name: "unknown-status", target: "Customer", count: Infinity })
      const waiting = await Promise.all(accounts.map((account) => submit(account, "Customer")))
      // And these are at their first steps, each at another one.
      const beginning = Promise.all(
        others.flatMap((account) => ["Bill", "Payment", "Company", "Reservation"].map((type) => submit(account, type)))
      )
      await sleep(500)

      let meanwhile: Promise<string> | undefined
      const stopped = Date.now()
      await outage(async () => {
        // A client that asks now waits, and is not turned away.
        meanwhile = submit("north", "Company")
        await sleep(seconds * 1000)
      })
      const back = Date.now()
      expect(back - stopped).toBeGreaterThanOrEqual(seconds * 1000)
      expect(lab.alive()).toHaveLength(2)
      simulator.bandwidth = Infinity
      await lab.clearFaults()
      const ids = [...transferring, ...waiting, ...(await beginning), (await meanwhile) ?? ""]
      const runs = await Promise.all(ids.map((id) => lab.finished(id)))
      const took = (Date.now() - back) / 1000
      console.log(`everything was there ${took.toFixed(1)} s after PostgreSQL was back`)
      // Holders of one run that wait for each other would take twice the patience of the fence, 20 s.
      expect(took).toBeLessThan(35)
      expect(runs.map(({ state }) => state)).toEqual(ids.map(() => "complete"))
      expect(await lab.undelivered()).toEqual([])
      expect(await lab.exports()).toHaveLength(ids.length)
      expect(await lab.leaks()).toEqual([])
    }
  )

  it(
    "while the API answers: no answer is lost, and nothing is asked for twice",
    { timeout: 200_000 },
    async (context) => {
      needsPostgres(context)
      const lab = await cluster(context, {
        accounts,
        simulator: {
          pending: 200,
          processing: 200,
          files: 1,
          fileSize: 10_000,
          faults: [{ name: "hold-add-answer", count: Infinity, duration: Duration.seconds(4) }]
        },
        flags: ["--lock-expiry=10s"]
      })
      await Promise.all([lab.start(), lab.start()])
      const ids = await Promise.all(
        accounts.flatMap((account) =>
          ["Bill", "Payment", "Customer"].map((entityType) => lab.submit(account, { entityType }, { poll: 200 }))
        )
      )
      await until(async () => (await lab.exports()).length === ids.length, "all are accepted")
      // Longer than runners keep their runs without it.
      await outage(() => sleep(20_000))
      const runs = await Promise.all(ids.map((id) => lab.finished(id)))
      expect(runs.map(({ state }) => state)).toEqual(ids.map(() => "complete"))
      expect(await lab.exports()).toHaveLength(ids.length)
      expect(await lab.undelivered()).toEqual([])
    }
  )
})
