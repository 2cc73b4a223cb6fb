import { describe, expect, it } from "@effect/vitest"
import * as Narration from "../src/output/Narration.ts"
import { duration, Progress, size } from "../src/output/Progress.ts"
import * as ProgressRows from "../src/output/ProgressRows.ts"
import { Rate } from "../src/output/Rate.ts"
import { render } from "../src/output/Row.ts"
import { eventsOf } from "./shown.ts"

const bill = eventsOf()

const text = (progress: Progress, now: number, width: number, height = 50) =>
  ProgressRows.rows(progress, now, width, height).map((row) => render(row, { width, colour: false }))

describe("Rate", () => {
  it("tells a steady rate and the time left from the third second on", () => {
    const rate = new Rate(0)
    let missing = 100e6
    const errors: Array<number> = []
    for (let at = 100; at <= 10_000; at += 100) {
      rate.add(1e5, at)
      rate.advance(at, (missing -= 1e5))
      const left = rate.left(at)
      expect(left === undefined).toBe(at < 2_000)
      if (left !== undefined) errors.push(Math.abs(rate.perSecond / 1e6 - 1), Math.abs((left * 1e3) / missing - 1))
    }
    expect(Math.max(...errors)).toBeLessThan(0.02)
  })

  it("does not jump with bytes that come in bursts, and follows a change within a minute or two", () => {
    const rate = new Rate(0)
    let missing = 3e9
    const lefts: Array<number> = []
    /** By how much the time left is off that of a clock which runs down, over a second. */
    const jumps: Array<number> = []
    const errors: Record<number, number> = {}
    for (let at = 125; at <= 300_000; at += 125) {
      // 8 MB every two seconds, later every four.
      const every = at < 150_000 ? 2_000 : 4_000
      if (at % every === 0) {
        rate.add(8e6, at)
        missing -= 8e6
      }
      rate.advance(at, missing)
      const left = rate.left(at) ?? Infinity
      const before = lefts.at(-8) ?? Infinity
      lefts.push(left)
      jumps.push(Math.abs(left + 1_000 - before) / before)
      errors[at] = Math.abs(left - (missing * every) / 8e6) / left
    }
    const largest = (from: number, to: number) => Math.max(...jumps.slice(from / 125, to / 125))
    expect(largest(10_000, 30_000)).toBeLessThan(0.03)
    expect(largest(30_000, 149_000)).toBeLessThan(0.01)
    expect(largest(149_000, 300_000)).toBeLessThan(0.03)
    expect(errors[149_000]).toBeLessThan(0.05)
    expect(errors[240_000]).toBeLessThan(0.15)
  })
})

describe("Progress", () => {
  const moving = () => {
    const progress = new Progress(["Bill", "Customer"], 0)
    progress.apply(bill.ready(1_000, 20, 200e6))
    progress.apply(bill.started(1_000, 1, 10e6, 2e6))
    progress.apply(bill.started(1_000, 2, 10e6))
    for (let at = 1_250; at <= 13_000; at += 250) {
      progress.apply(bill.received(at, 1, 125e3))
      progress.advance(at)
    }
    return progress
  }

  it("shows stage, files, what runs out, bytes, rate, time left, and the files that move", () => {
    expect(text(moving(), 13_000, 79)).toEqual([
      "Bill      transferring 0:12  0/20 files  link 8:00  export 6d 3h",
      "  [...............]    4 %    8.0 MB of 200.0 MB  500.0 kB/s  ETA 6:25",
      "  Bill-00001.jsonl  [==========>...]   80 %    8.0 MB of 10.0 MB",
      "  … and 19 more",
      "Customer  asking 0:13"
    ])
    expect(text(moving(), 13_000, 199)[0]).toBe(
      "Bill      transferring 0:12  [>.....................................]    4 %    8.0 MB of 200.0 MB  500.0 kB/s  ETA 6:25    0/20 files  link 8:00  export 6d 3h"
    )
    expect(ProgressRows.line(moving().runs[0]!, 13_000)).toBe(
      "Bill  transferring 0:12  4 %    8.0 MB of 200.0 MB  500.0 kB/s  ETA 6:25  0/20 files  link 8:00  export 6d 3h"
    )
  })

  it("says how long nothing came", () => {
    const progress = moving()
    progress.advance(53_000)
    expect(text(progress, 53_000, 79)[1]).toContain("nothing came for 0:40")
  })

  it("takes back what a failed attempt had received, and never counts more than there is", () => {
    const progress = new Progress(["Bill"], 0)
    progress.apply(bill.ready(0, 2, 20e6))
    progress.apply(bill.started(0, 1, 10e6, 2e6))
    progress.apply(bill.received(1, 1, 5e6))
    expect(text(progress, 1, 79)[1]).toContain(" 35 %    7.0 MB of 20.0 MB")
    progress.apply(bill.lost(2, 1, 5e6))
    expect(text(progress, 2, 79)[1]).toContain(" 10 %    2.0 MB of 20.0 MB")
    for (let at = 3; at < 30; at++) progress.apply(bill.received(at, 1, 1e6))
    expect(text(progress, 30, 79)[1]).toContain(" 50 %   10.0 MB of 20.0 MB")
    progress.apply(bill.delivered(31, 1, 10e6))
    expect(text(progress, 31, 79).join()).toMatch(/1\/2 files.* 50 % {3}10\.0 MB of 20\.0 MB/)
    progress.apply(bill.delivered(32, 2, 10e6))
    expect(text(progress, 32, 79)).toEqual(["Bill  publishing 0:00"])
    progress.apply(bill.completed(65_000, 2, 20e6))
    expect(text(progress, 99_000, 79)).toEqual(["Bill  complete  2 files, 20.0 MB in 1:05"])
  })

  it("says why it waits and when it looks again", () => {
    const progress = new Progress(["Bill"], 0)
    progress.apply(bill.polled(1_000, "Pending", 256_000))
    expect(text(progress, 61_000, 79)).toEqual(["Bill  waiting 1:00  Pending, next look in 3:16"])
  })

  it("says that asking failed and when it asks again, until it is accepted", () => {
    const progress = new Progress(["Bill"], 0)
    progress.apply(bill.addRetried(0, 1, 500))
    progress.apply(bill.addRetried(3_500, 4, 4_000))
    expect(text(progress, 4_500, 79)).toEqual(["Bill  asking 0:04  attempt 4 failed, next try in 0:03"])
    progress.apply(bill.requested(7_500))
    expect(text(progress, 9_500, 79)).toEqual(["Bill  waiting 0:02"])
  })

  it("fits terminals of every size, and uses the height there is", () => {
    const types = ["Bill", "AvailabilityAdjustment", "Customer", "Payment"]
    const progress = new Progress(types, 0)
    for (const type of types) {
      const events = eventsOf(type)
      progress.apply(events.ready(0, 200, 200e9))
      for (let file = 1; file <= 8; file++) {
        progress.apply(events.started(0, file, 1e9))
        progress.apply(events.received(5, file, 5e8))
      }
    }
    progress.advance(5_000)
    const heads = 4
    for (let width = 1; width <= 260; width += 13) {
      for (let height = 1; height <= 60; height += 3) {
        const rows = text(progress, 5_000, width, height)
        // Heads alone, one row each, before there is room for all of them; then files, as many as fit.
        const least = width < 150 ? 2 * heads : heads
        expect(rows.length).toBe(height < least ? Math.min(height, heads) : Math.min(height, least + heads * (8 + 1)))
        for (const row of rows) expect(row.length).toBeLessThanOrEqual(width)
      }
    }
  })

  it("writes sizes and durations", () => {
    expect([0, 999, 1000, 999_949, 999_950, 1.5e9, 2.5e12].map(size)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "999.9 kB",
      "1.0 MB",
      "1.5 GB",
      "2.5 TB"
    ])
    expect([1, 61_000, 3_725_000, 532_800_000].map(duration)).toEqual(["0:01", "1:01", "1:02:05", "6d 4h"])
  })
})

describe("Narration", () => {
  it("tells of a stage and of an outage once, not at every look, and of retries on request", () => {
    const events = [
      bill.addRetried(0, 1, 500),
      bill.addRetried(0, 2, 1_000),
      bill.polled(0, "Pending"),
      bill.polled(2_000, "Pending"),
      bill.polled(4_000),
      bill.ready(6_000, 1, 10e6),
      bill.started(6_000, 1, 10e6),
      bill.retried(7_000, 1)
    ]
    const told = (verbose: boolean) => {
      const tell = Narration.make(verbose)
      return events.flatMap((event) => tell(event) ?? [])
    }
    expect(told(false)).toEqual([
      "Bill: exports/add could not be reached: nobody listens at that address (ECONNREFUSED). Asking again",
      "Bill: export 3fa85f64-5717-4562-b3fc-2c963f66afa6 is Pending",
      "Bill: export 3fa85f64-5717-4562-b3fc-2c963f66afa6 is Processing",
      "Bill: ready: 1 file, 10.0 MB"
    ])
    expect(told(true)).toEqual([
      "Bill: exports/add could not be reached: nobody listens at that address (ECONNREFUSED). Asking again",
      "Bill: exports/add could not be reached: nobody listens at that address (ECONNREFUSED). Asking again",
      "Bill: export 3fa85f64-5717-4562-b3fc-2c963f66afa6 is Pending",
      "Bill: export 3fa85f64-5717-4562-b3fc-2c963f66afa6 is Pending",
      "Bill: export 3fa85f64-5717-4562-b3fc-2c963f66afa6 is Processing",
      "Bill: ready: 1 file, 10.0 MB",
      "Bill: Bill-00001.jsonl begins, 10.0 MB",
      "Bill: part 3 of Bill-00001.jsonl: attempt 2 answered HTTP 503; again in 0:04"
    ])
  })
})
