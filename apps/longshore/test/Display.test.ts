import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Display from "../src/output/Display.ts"
import * as LogFile from "../src/output/LogFile.ts"
import { ProgressJson } from "../src/output/ProgressJson.ts"
import * as Redaction from "../src/output/Redaction.ts"
import * as Stderr from "../src/output/Stderr.ts"
import { smallDisk } from "./disk.ts"
import { eventsOf, exportId } from "./shown.ts"

const bill = eventsOf()

/** A display without a terminal, and the lines that it wrote. */
const shown = Effect.fnUntraced(function* (
  mode: Display.Mode,
  more: { readonly quiet?: boolean; readonly log?: LogFile.LogFile } = {}
) {
  const written: Array<string> = []
  const display = yield* Display.make({
    entityTypes: ["Bill"],
    mode,
    colour: true,
    quiet: more.quiet ?? false,
    verbose: false,
    redact: Redaction.make(["SECRET-WORD"]),
    screen: { write: (text) => written.push(text) },
    log: () => more.log
  })
  yield* display.draw
  return { display, lines: () => written.join("").split("\n").slice(0, -1), written }
})

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(ProgressJson))

/** An export that is pending for six hours, then comes at 3 MB a second for twenty minutes. */
const longRun = Effect.fnUntraced(function* (display: Display.Display) {
  for (let minute = 0; minute < 360; minute += 5) {
    yield* display.listen(bill.polled(minute * 60_000, "Pending", 300_000))
    yield* TestClock.adjust("5 minutes")
  }
  let at = 360 * 60_000
  yield* display.listen(bill.ready(at, 2, 3_600e6))
  yield* display.listen(bill.started(at, 1, 3_600e6))
  for (let second = 0; second < 1_200; second++) {
    yield* display.listen(bill.received((at += 1_000), 1, 3e6))
    yield* TestClock.adjust("1 second")
  }
})

describe("Display", () => {
  it.effect("is plain without a terminal: a line every few seconds, ever rarer, and few while nothing changes", () =>
    Effect.gen(function* () {
      const { display, lines } = yield* shown("plain")
      yield* longRun(display)
      const waiting = lines().filter((line) => line.startsWith("Bill  waiting"))
      assert.isAtLeast(waiting.length, 12)
      assert.isAtMost(waiting.length, 50)
      const moving = lines().filter((line) => line.startsWith("Bill  transferring"))
      assert.isAtLeast(moving.length, 60)
      assert.isAtMost(moving.length, 160)
      assert.deepStrictEqual(
        moving.slice(0, 3).map((line) => /transferring (\S+)/.exec(line)?.[1]),
        ["0:01", "0:04", "0:07"]
      )
      assert.match(
        moving.at(-1) ?? "",
        /^Bill {2}transferring 19:\d\d {2}9\d % .* of 3\.6 GB .*3\.0 MB\/s {2}ETA 0:\d\d {2}0\/2 files {2}link 0:00 {2}export 6d 3h$/
      )
      assert.notInclude(lines().join(""), "\u001b")
      // What is said by others in the meantime, and afterwards.
      Stderr.line("longshore: Waiting SECRET-WORD")
      assert.strictEqual(lines().at(-1), "longshore: Waiting <redacted>")
    }).pipe(Effect.scoped)
  )

  it.effect("gives JSON, each line by its Schema, every second while something changes", () =>
    Effect.gen(function* () {
      const { display, lines } = yield* shown("json")
      yield* display.listen(bill.ready(0, 2, 20e6))
      yield* display.listen(bill.started(0, 1, 10e6))
      for (let at = 250; at <= 5_000; at += 250) {
        yield* TestClock.adjust("250 millis")
        yield* display.listen(bill.received(at, 1, 250e3))
      }
      yield* TestClock.adjust("8 seconds")
      yield* display.say("longshore: SECRET-WORD.\n  Next")
      const [first, ...others] = lines().map((line) => decode(line))
      assert.deepStrictEqual(first, {
        version: 1,
        type: "line",
        at: "1970-01-01T00:00:00.000Z",
        text: "Bill: ready: 2 files, 20.0 MB"
      })
      assert.deepStrictEqual(others.pop(), {
        version: 1,
        type: "line",
        at: "1970-01-01T00:00:13.000Z",
        text: "longshore: <redacted>.\n  Next"
      })
      assert.deepStrictEqual(
        others.map((line) => line.at.slice(17, 19)),
        // The last bytes are seen a second later, and then nothing changes.
        ["01", "02", "03", "04", "05", "06"]
      )
      assert.deepInclude(others.at(-2), {
        type: "progress",
        runs: [
          {
            entityType: "Bill",
            exportId,
            stage: "transferring",
            stageSince: "1970-01-01T00:00:00.000Z",
            files: { done: 0, total: 2 },
            bytes: { done: 475e4, total: 20e6 },
            bytesPerSecond: 961662,
            secondsLeft: 16,
            linksUntil: "1970-01-01T00:08:12.000Z",
            exportUntil: "1970-01-07T04:00:00.000Z"
          }
        ]
      })
    }).pipe(Effect.scoped)
  )

  it.effect("with none keeps the lines that stay, with quiet errors alone", () =>
    Effect.gen(function* () {
      const none = yield* shown("none")
      const quiet = yield* shown("bar", { quiet: true })
      for (const { display } of [none, quiet]) {
        yield* display.listen(bill.ready(0, 2, 20e6))
        yield* TestClock.adjust("1 hour")
        yield* display.say("longshore: an error")
      }
      assert.deepStrictEqual(none.lines(), ["Bill: ready: 2 files, 20.0 MB", "longshore: an error"])
      assert.deepStrictEqual(quiet.lines(), ["longshore: an error"])
    }).pipe(Effect.scoped)
  )

  const modes = [
    [{}, "auto", { isTTY: true }, "bar"],
    [{}, "auto", { isTTY: false }, "plain"],
    [{ TERM: "dumb" }, "auto", { isTTY: true }, "plain"],
    [{ CI: "true" }, "auto", { isTTY: true }, "plain"],
    [{ CI: "false" }, "auto", { isTTY: true }, "bar"],
    [{ CI: "true" }, "bar", { isTTY: true }, "bar"],
    [{ TERM: "dumb" }, "bar", { isTTY: true }, "plain"],
    [{}, "bar", { isTTY: false }, "plain"],
    [{}, "plain", { isTTY: true }, "plain"],
    [{}, "json", { isTTY: true }, "json"],
    [{ CI: "true" }, "none", { isTTY: false }, "none"]
  ] as const
  for (const [env, wanted, { isTTY }, expected] of modes) {
    it.effect(
      `--progress ${wanted} on a ${isTTY ? "terminal" : "pipe"} with ${JSON.stringify(env)} is ${expected}`,
      () =>
        Effect.gen(function* () {
          const screen = { isTTY, write: () => undefined }
          assert.strictEqual(yield* Display.modeFor(wanted, screen, false), expected)
          // Where the data itself goes to the terminal, nothing is drawn among it.
          assert.strictEqual(yield* Display.modeFor(wanted, screen, true), expected === "bar" ? "plain" : expected)
        }).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))
    )
  }

  it.effect("has colours unless NO_COLOR is set", () =>
    Effect.gen(function* () {
      const wants = (env: Record<string, string>) =>
        Effect.provide(Display.wantsColour, ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
      assert.deepStrictEqual(
        [yield* wants({}), yield* wants({ NO_COLOR: "" }), yield* wants({ NO_COLOR: "1" })],
        [true, true, false]
      )
    })
  )
})

describe("LogFile", () => {
  it.effect("takes every line with its time, also when nobody is to see it, and only its owner reads it", (context) =>
    Effect.gen(function* () {
      const folder = yield* Effect.promise(() => mkdtemp(Path.join(Os.tmpdir(), "longshore-")))
      context.onTestFinished(() => rm(folder, { recursive: true, force: true }))
      const path = Path.join(folder, "log")
      writeFileSync(path, "from before\n", { mode: 0o600 })
      const log = yield* LogFile.open(path, "longshore 1: begins")
      const { display, lines } = yield* shown("plain", { quiet: true, log })
      yield* display.listen(bill.ready(0, 2, 20e6))
      yield* TestClock.adjust("1 minute")
      yield* display.say("longshore: SECRET-WORD.\n  Next")
      assert.deepStrictEqual(lines(), ["longshore: <redacted>.", "  Next"])
      assert.deepStrictEqual(readFileSync(path, "utf8").split("\n"), [
        "from before",
        "1970-01-01T00:00:00.000Z longshore 1: begins",
        "1970-01-01T00:00:00.000Z Bill: ready: 2 files, 20.0 MB",
        "1970-01-01T00:01:00.000Z longshore: <redacted>.",
        "1970-01-01T00:01:00.000Z   Next",
        ""
      ])
      yield* LogFile.open(Path.join(folder, "new"), "")
      assert.strictEqual(statSync(Path.join(folder, "new")).mode & 0o777, 0o600)
    }).pipe(Effect.scoped)
  )

  it.effect("that cannot be written is an error that says why", () =>
    Effect.gen(function* () {
      for (const [path, code] of [
        ["/nowhere/at/all/log", "ENOENT"],
        [Os.tmpdir(), "EISDIR"],
        ["/dev/full", "ENOSPC"]
      ] as const) {
        const error = yield* Effect.flip(LogFile.open(path, "begins"))
        assert.strictEqual(error.message, `The log file ${path} cannot be written (${code}).`)
      }
    }).pipe(Effect.scoped)
  )

  it.live(
    "of a disk that fills up lets the run go on, says so once, and goes on itself when there is room",
    (context) =>
      Effect.gen(function* () {
        const disk = yield* Effect.promise(() => smallDisk(context, "size=4k"))
        const path = Path.join(disk.path, "log")
        const log = yield* LogFile.open(path, "begins")
        const { display, lines } = yield* shown("none", { log })
        for (let number = 0; number < 100; number++) yield* display.note(`Bill: ${number} ${"x".repeat(80)}`)
        assert.strictEqual(lines().length, 101)
        const told = lines().filter((line) => line.startsWith("The log file "))
        assert.deepStrictEqual(told, [`The log file ${path} cannot be written (ENOSPC); the run goes on without it`])
        yield* Effect.promise(() => disk.remount("size=100k"))
        yield* display.note("Bill: there is room again")
        const kept = readFileSync(path, "utf8").split("\n")
        assert.match(kept.at(-2) ?? "", /^\S+Z Bill: there is room again$/)
        assert.isAbove(kept.length, 20)
      }).pipe(Effect.scoped)
  )
})
