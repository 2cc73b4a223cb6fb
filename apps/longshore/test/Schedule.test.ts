import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { assert, describe, expect, it } from "vitest"
import * as Schedule from "../src/settings/Schedule.ts"
import { settingsFolder } from "./settings.ts"

const good = { cron: "0 3 * * *", "entity-types": ["Reservation"] }

const parsed = (table: Record<string, unknown>): Schedule.Schedule => {
  const schedule = Schedule.parse("nightly", table, "/etc/longshore.toml [schedules.nightly]")
  assert(typeof schedule !== "string", JSON.stringify(schedule))
  return schedule
}

describe("a schedule", () => {
  it("comes at its time in its zone, also when clocks change", () => {
    const { cron } = parsed({ ...good, "time-zone": "Europe/Prague" })
    const times = Cron.sequence(cron, new Date("2026-03-27T12:00:00Z"))
    const next = () => times.next().value?.toISOString()
    expect([next(), next(), next()]).toEqual([
      "2026-03-28T02:00:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T01:00:00.000Z"
    ])
  })

  it("is in UTC unless it says otherwise, wherever the machine is", () => {
    const { cron } = parsed(good)
    expect(Cron.next(cron, new Date("2026-07-01T12:00:00+09:00")).toISOString()).toBe("2026-07-02T03:00:00.000Z")
  })

  const scheduled = DateTime.makeUnsafe("2026-07-02T03:00:00Z")

  it("asks for everything, or for a window that the API answers for", () => {
    const types = { ...good, "entity-types": ["Reservation", "Customer", "Reservation"] }
    expect(Schedule.requests(parsed(types), scheduled)).toEqual([
      { entityType: "Reservation" },
      { entityType: "Customer" }
    ])
    const [request] = Schedule.requests(parsed({ ...good, "updated-last": "1d" }), scheduled)
    expect(request?.filters).toEqual({
      updatedUtc: {
        startUtc: DateTime.makeUnsafe("2026-07-01T02:55:00Z"),
        endUtc: DateTime.makeUnsafe("2026-07-02T02:55:00Z")
      }
    })
  })

  it("asks for ledger entries by their days of posting", () => {
    const ledger = { ...good, "entity-types": ["LedgerEntry", "Bill"], "posting-last": "31d" }
    expect(Schedule.requests(parsed(ledger), scheduled)).toEqual([
      {
        entityType: "LedgerEntry",
        filters: { ledgerEntryFilters: { posting: { start: "2026-06-01", end: "2026-07-02" } } }
      },
      { entityType: "Bill" }
    ])
  })

  it.for<[what: string, table: Record<string, unknown>, problem: string]>([
    ["no cron", { "entity-types": ["Bill"] }, "has a cron that is none"],
    ["a cron that is none", { ...good, cron: "every night" }, "has a cron that is none"],
    ["a cron of too many words", { ...good, cron: "0 0 0 3 * * *" }, "has a cron that is none"],
    ["a day that never comes", { ...good, cron: "0 3 30 2 *" }, "names a day which never comes"],
    ["a zone that is none", { ...good, "time-zone": "Europe/Lisboa" }, "has a time-zone that is none"],
    ["no types", { cron: good.cron }, "has no entity-types"],
    ["an empty list of types", { ...good, "entity-types": [] }, "has no entity-types"],
    ["a type that is misspelt", { ...good, "entity-types": ["Reservations"] }, "did you mean Reservation"],
    ["a type that is none", { ...good, "entity-types": ["Weather"] }, 'an entity type "Weather" that is none'],
    ["accounts that are no list", { ...good, accounts: "lisbon" }, "accounts that are no list"],
    ["no accounts", { ...good, accounts: [] }, "accounts that are no list"],
    ["a path that leaves", { ...good, path: "../elsewhere" }, "a path that is not made of"],
    ["a window that is none", { ...good, "updated-last": "yesterday" }, "an updated-last that is not a duration"],
    ["a window that is too long", { ...good, "updated-last": "181d" }, "from 1s to 180d"],
    ["ledger entries without days", { ...good, "entity-types": ["LedgerEntry"] }, "which needs a posting-last"],
    ["days without ledger entries", { ...good, "posting-last": "31d" }, "which is for LedgerEntry alone"],
    ["what to do that is nothing", { ...good, "on-expired": "hope" }, "not one of fail, renew"],
    ["patience that is none", { ...good, "max-wait": "long" }, "a max-wait that is not a duration"],
    ["no patience", { ...good, "max-wait": "0s" }, "from 1s to 365d"],
    ["a key that is misspelt", { ...good, timezone: "UTC" }, 'a key "timezone": did you mean time-zone']
  ])("is refused: %s", ([, table, problem]) => {
    expect(Schedule.parse("nightly", table, "")).toContain(problem)
  })

  it("is refused with its place in the file, and not taken from a stranger's", async (context) => {
    const { load, project, refusal, user } = await settingsFolder(context)
    const text = (cron: string) =>
      `[schedules.nightly]\ncron = "${cron}"\nentity-types = ["Bill"]\nupdated-last = "2h"\nmax-wait = "12h"`
    expect(await refusal({ user: text("never") })).toContain(`The schedule ${user} [schedules.nightly] has a cron that`)
    const { schedules } = await load({ user: text("0 3 * * *") })
    expect(schedules.get("nightly")).toMatchObject({
      updatedLast: Duration.hours(2),
      maxWait: Duration.hours(12),
      accounts: undefined
    })
    expect(await refusal({ found: text("0 3 * * *") })).toContain(`The settings file ${project} has schedules`)
  })
})
