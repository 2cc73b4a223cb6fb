import { ExportId } from "@longshore/core/Export"
import type { ExportEvent } from "@longshore/core/ExportEvent"
import { assert, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Display from "../src/output/Display.ts"
import { duration, Progress, size } from "../src/output/Progress.ts"
import * as Redaction from "../src/output/Redaction.ts"

const exportId = ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
const on = { entityType: "Bill", at: 0 }
const key = "Bill/x/Bill-00001.jsonl"

const ready: ExportEvent = { _tag: "ExportReady", ...on, exportId, files: 2, bytes: 20e6 }
const started: ExportEvent = { _tag: "FileStarted", ...on, key, size: 10e6, stored: 2e6 }
const bytes = (at: number, bytes: number): ExportEvent => ({ _tag: "BytesReceived", ...on, at, key, bytes })

describe("Progress", () => {
  it("shows bytes, files, rate and time left", () => {
    const progress = new Progress(["Bill", "Customer"])
    expect(progress.apply(ready)).toBe("Bill: ready: 2 files, 20.0 MB")
    expect(progress.apply(started)).toBe("Bill: Bill-00001.jsonl goes on after 2.0 MB")
    progress.apply(bytes(1000, 1e6))
    progress.apply(bytes(2000, 1e6))
    progress.apply(bytes(3000, 1e6))
    expect(progress.rows(3000, 200)).toEqual([
      "Bill       25 %  5.0 MB of 20.0 MB  0/2 files  1.0 MB/s  0:15 left",
      "Customer  asking for an export"
    ])
  })

  it("counts bytes of failed attempts once at most", () => {
    const progress = new Progress(["Bill"])
    progress.apply(ready)
    progress.apply(started)
    for (let i = 0; i < 30; i++) progress.apply(bytes(i, 1e6))
    expect(progress.line(0)).toContain("50 %  10.0 MB of 20.0 MB")
    progress.apply({ _tag: "FileDelivered", ...on, key, size: 10e6, crc32: "0", location: "" })
    expect(progress.line(0)).toContain("50 %  10.0 MB of 20.0 MB  1/2 files")
  })

  it("fits every row to the terminal", () => {
    const progress = new Progress(["AvailabilityAdjustment"])
    const [row] = progress.rows(0, 30)
    expect(row).toBe("AvailabilityAdjustment  askin…")
  })

  it("notes a stage once, not at every look", () => {
    const progress = new Progress(["Bill"])
    const polled = (status: string): ExportEvent => ({
      _tag: "ExportPolled",
      ...on,
      exportId,
      status,
      attempt: 0,
      nextIn: 2000
    })
    expect(progress.apply(polled("Processing"))).toContain("is Processing")
    expect(progress.apply(polled("Processing"))).toBeUndefined()
    const busy: ExportEvent = { _tag: "SlotBusy", ...on, problem: "HTTP 400", retryIn: 1000 }
    expect(progress.apply(busy)).toContain("waiting for it")
    expect(progress.apply(busy)).toBeUndefined()
    expect(progress.apply({ _tag: "AnswerLost", ...on, problem: "cut" })).toContain("nobody knows")
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
    expect([1, 61_000, 3_725_000].map(duration)).toEqual(["0:01", "1:01", "1:02:05"])
  })
})

describe("Display", () => {
  const show = Effect.fnUntraced(function* (isTTY: boolean, term?: string) {
    const written: Array<string> = []
    yield* Effect.gen(function* () {
      const screen = { isTTY, columns: 40, write: (text: string) => written.push(text) }
      const entityTypes = ["Bill"]
      const display = yield* Display.make({ entityTypes, quiet: false, redact: Redaction.make(), screen, term })
      yield* display.listen(ready)
      for (let second = 0; second < 10; second++) yield* TestClock.adjust("1 second")
    }).pipe(Effect.scoped)
    return written
  })

  it.effect("draws a block on a terminal, at most eight times a second", () =>
    Effect.gen(function* () {
      const written = yield* show(true, "xterm")
      assert.isAtMost(written.length, 82)
      assert.isAbove(written.length, 40)
      assert.match(written[0] ?? "", /^Bill: ready: 2 files, 20.0 MB\nBill .*\n$/)
      for (const frame of written.slice(1)) {
        assert.isTrue(frame.startsWith("\r\u001b[1A\u001b[0J"))
        for (const line of frame.slice(8).split("\n")) assert.isBelow(line.length, 40)
      }
    })
  )

  it.effect("writes a plain line every few seconds elsewhere", () =>
    Effect.gen(function* () {
      for (const written of [yield* show(false), yield* show(true, "dumb")]) {
        assert.strictEqual(written.length, 4)
        assert.notInclude(written.join(""), "\u001b")
      }
    })
  )
})
