/** The block of progress on a real terminal's emulator: what the screen shows after each write, and between. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
// A CommonJS module whose names Node.js does not find.
import xterm from "@xterm/headless"
import * as Display from "../src/output/Display.ts"
import * as Redaction from "../src/output/Redaction.ts"
import { eventsOf } from "./shown.ts"

const bill = eventsOf()

/** Escape sequences whole, text a few letters at a time. */
const pieces = (frame: string): ReadonlyArray<string> =>
  frame.split("\u001b").flatMap((text, index) => {
    const sequence = index === 0 ? "" : (/^\[[?\d;]*[A-Za-z]/.exec(text)?.[0] ?? "")
    const letters = text.slice(sequence.length).match(/[^]{1,5}/g) ?? []
    return sequence === "" ? letters : [`\u001b${sequence}`, ...letters]
  })

/** A terminal, the screen that a display draws on, and all that was written to it. */
const terminal = (columns: number, rows: number) => {
  const emulator = new xterm.Terminal({
    cols: columns,
    rows,
    scrollback: 500,
    allowProposedApi: true,
    convertEol: true
  })
  const frames: Array<string> = []
  const take = (text: string) => Effect.promise(() => new Promise<void>((done) => emulator.write(text, done)))
  let taken = 0
  const lines = (from: number, to: number) =>
    Array.from(
      { length: to - from },
      (_, index) => emulator.buffer.active.getLine(from + index)?.translateToString(true) ?? ""
    )
  return {
    frames,
    screen: {
      isTTY: true,
      get columns() {
        return emulator.cols
      },
      get rows() {
        return emulator.rows
      },
      write: (text: string) => frames.push(text)
    },
    resize: (columns: number, rows: number) => emulator.resize(columns, rows),
    /** Lets the emulator have what was written, frame by frame, and each frame piece by piece if somebody looks on. */
    settle: Effect.fnUntraced(function* (look?: () => void) {
      for (; taken < frames.length; taken++) {
        const frame = frames[taken] ?? ""
        if (look === undefined) yield* take(frame)
        else for (const piece of pieces(frame)) yield* Effect.tap(take(piece), () => Effect.sync(look))
      }
    }),
    /** What is seen. */
    visible: () => lines(emulator.buffer.active.baseY, emulator.buffer.active.baseY + emulator.rows),
    /** With what scrolled away. */
    all: () => lines(0, emulator.buffer.active.length),
    cursor: () => emulator.buffer.active.baseY + emulator.buffer.active.cursorY
  }
}

const shown = Effect.fnUntraced(function* (columns: number, rows: number) {
  const tty = terminal(columns, rows)
  const display = yield* Display.make({
    entityTypes: ["Bill"],
    mode: "bar",
    colour: true,
    quiet: false,
    verbose: false,
    redact: Redaction.make(),
    screen: tty.screen,
    log: () => undefined
  })
  yield* display.draw
  return { ...tty, display }
})

/** 200 files of 10 MB, eight at a time, on the test's clock. */
const story = (display: Display.Display) => {
  const size = 10e6
  let at = 0
  let next = 1
  const moving = new Map<number, number>()
  const start = Effect.gen(function* () {
    while (moving.size < 8 && next <= 200) {
      moving.set(next, 0)
      yield* display.listen(bill.started(at, next, size))
      next += 1
    }
  })
  return {
    moving: () => [...moving.values()].filter((bytes) => bytes > 0).length,
    begin: Effect.gen(function* () {
      yield* display.listen(bill.polled(at))
      yield* display.listen(bill.ready(at, 200, 200 * size))
      yield* start
    }),
    /** So many frames. */
    go: Effect.fnUntraced(function* (frames: number, look: Effect.Effect<void> = Effect.void) {
      for (let frame = 0; frame < frames; frame++) {
        for (const [file, bytes] of moving) {
          yield* display.listen(bill.received(at, file, 250e3 + 1e3 * file))
          moving.set(file, bytes + 250e3 + 1e3 * file)
          if (bytes < size) continue
          moving.delete(file)
          yield* display.listen(bill.delivered(at, file, size))
        }
        yield* start
        yield* TestClock.adjust("125 millis")
        at += 125
        yield* look
      }
    })
  }
}

/** The block is there once, whole, and nothing but empty lines below it. */
const isWhole = (lines: ReadonlyArray<string>) => {
  const heads = lines.flatMap((line, index) => (line.startsWith("Bill  transferring") ? [index] : []))
  assert.strictEqual(heads.length, 1, `one head in\n${lines.join("\n")}`)
  const block = lines.slice(heads[0])
  const end = block.findIndex((line) => /^ {2}… and \d+ more$/.test(line))
  assert.isAbove(end, 0, `a last row in\n${lines.join("\n")}`)
  for (const line of block.slice(end + 1)) assert.strictEqual(line, "", lines.join("\n"))
  for (const row of block.slice(1, end)) assert.match(row, /^ {2}.* \d+ %|^ {2}\[.*\d+ %|^ {2}Bill-\d{5}/)
  return { files: block.filter((line) => line.startsWith("  Bill-")).length, block: block.slice(0, end + 1) }
}

describe("progress on a terminal", () => {
  for (const [columns, rows] of [
    [80, 24],
    [200, 50],
    [40, 8]
  ] as const) {
    it.effect(`is whole after every write, ${columns} columns and ${rows} rows, with 200 files`, () =>
      Effect.gen(function* () {
        const { all, display, frames, settle, visible } = yield* shown(columns, rows)
        const run = story(display)
        yield* run.begin
        yield* run.go(1)
        yield* settle()
        const before = frames.length
        yield* run.go(
          100,
          Effect.gen(function* () {
            yield* settle()
            const { files } = isWhole(visible())
            assert.strictEqual(files, Math.min(run.moving(), rows - 4))
          })
        )
        assert.isAtMost(frames.length - before, 101)
        for (const frame of frames) {
          assert.isTrue(frame.startsWith("\u001b[?2026h\u001b[?25l"))
          assert.isTrue(frame.endsWith("\u001b[?25h\u001b[?2026l"))
        }
        // It never scrolled: above it is what was said, once.
        assert.deepStrictEqual(
          all()
            .filter((line) => /^Bill: (?:export|ready)/.test(line))
            .map((line) => line.slice(0, 11)),
          ["Bill: export", "Bill: ready:"].map((line) => line.slice(0, 11))
        )
      }).pipe(Effect.scoped)
    )
  }

  it.effect("never clears what it does not write over: no row is empty at any moment of a frame", () =>
    Effect.gen(function* () {
      const { display, frames, settle, visible } = yield* shown(80, 24)
      const run = story(display)
      yield* run.begin
      yield* run.go(5)
      yield* settle()
      const filled = visible().filter((line) => line !== "").length
      yield* run.go(
        2,
        settle(() => assert.isAtLeast(visible().filter((line) => line !== "").length, filled))
      )
      yield* display.note("Bill: a line that stays")
      yield* settle(() => assert.isAtLeast(visible().filter((line) => line !== "").length, filled))
      // What did not change is not written: a frame is a fraction of the screen.
      const quiet = frames.length
      yield* TestClock.adjust("3 seconds")
      assert.isAtMost(frames.length - quiet, 24)
      for (const frame of frames.slice(quiet)) assert.isBelow(frame.length, 300)
    }).pipe(Effect.scoped)
  )

  it.effect("lets lines scroll above it, also those longer than the terminal is wide", () =>
    Effect.gen(function* () {
      const { all, display, settle, visible } = yield* shown(80, 24)
      const run = story(display)
      yield* run.begin
      const said: Array<string> = []
      for (let number = 1; number <= 60; number++) {
        const line = `Bill: ${number} ${"x".repeat((number * 37) % 300)}`.padEnd(number % 7 === 0 ? 160 : 0, "y")
        said.push(line)
        yield* display.note(line)
        yield* run.go(1)
        yield* settle()
        isWhole(visible())
      }
      const text = all().join("")
      for (const line of said) assert.strictEqual(text.split(line).length, 2, line)
    }).pipe(Effect.scoped)
  )

  const sizes = [
    [80, 30],
    [61, 24],
    [200, 24],
    [200, 10],
    [200, 6],
    [120, 40],
    [45, 12],
    [44, 5],
    [160, 50],
    [80, 24]
  ] as const

  it.effect("survives that the terminal is made narrower, lower, wider and higher", () =>
    Effect.gen(function* () {
      const { all, display, resize, settle, visible } = yield* shown(120, 30)
      const run = story(display)
      yield* run.begin
      yield* run.go(20)
      yield* settle()
      for (const [columns, rows] of [...sizes, ...sizes.toReversed()]) {
        resize(columns, rows)
        yield* run.go(3)
        yield* settle()
        isWhole(visible())
      }
      // Nothing of it was left behind on the way, and nothing was lost.
      isWhole(all().slice(all().findLastIndex((line) => line.startsWith("Bill: ready")) + 1))
      assert.strictEqual(all().filter((line) => line.startsWith("Bill: ")).length, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("loses no line and doubles none while the terminal's size changes", () =>
    Effect.gen(function* () {
      const { all, display, resize, settle, visible } = yield* shown(120, 30)
      const run = story(display)
      yield* run.begin
      for (const [columns, rows] of sizes) {
        yield* display.note(`Bill: soon ${columns} by ${rows}`)
        yield* run.go(1)
        yield* settle()
        resize(columns, rows)
        yield* display.note(`Bill: now ${columns} by ${rows}`)
        yield* run.go(1)
        yield* settle()
        // Where a lower terminal pushed rows out of sight, and a line came below them, they are out of reach.
        const lines = visible()
        isWhole(lines.slice(lines.findLastIndex((line) => line.startsWith("Bill  transferring"))))
      }
      const said = all().filter((line) => /^Bill: (?:soon|now) /.test(line))
      assert.deepStrictEqual(
        said,
        sizes.flatMap(([columns, rows]) => [`Bill: soon ${columns} by ${rows}`, `Bill: now ${columns} by ${rows}`])
      )
    }).pipe(Effect.scoped)
  )

  it.effect("leaves its last state above what is said at the end, and the cursor below", () =>
    Effect.gen(function* () {
      const tty = yield* Effect.scoped(
        Effect.gen(function* () {
          const tty = yield* shown(80, 24)
          const run = story(tty.display)
          yield* run.begin
          yield* run.go(20)
          yield* tty.display.listen(bill.completed(60_000, 200, 2e9))
          return tty
        })
      )
      yield* tty.display.say("Bill: done")
      yield* tty.settle()
      const lines = tty.visible()
      assert.deepStrictEqual(lines.slice(2, 5), ["Bill  complete  200 files, 2.0 GB in 1:00", "Bill: done", ""])
      assert.strictEqual(tty.cursor(), 4)
      assert.deepStrictEqual(lines.slice(4).join(""), "")
    })
  )

  it.effect("mends what others wrote over it, and begins anew after a stop and a wake-up", () =>
    Effect.gen(function* () {
      const { display, frames, settle, visible } = yield* shown(80, 24)
      const run = story(display)
      yield* run.begin
      yield* run.go(10)
      frames.push("Somebody pressed enter\n")
      yield* run.go(45)
      yield* settle()
      const lines = visible()
      isWhole(lines.slice(lines.findLastIndex((line) => line.startsWith("Bill  transferring"))))
      frames.push("$ fg\n")
      process.emit("SIGCONT")
      yield* run.go(1)
      yield* settle()
      const woken = visible()
      const prompt = woken.indexOf("$ fg")
      assert.isAbove(prompt, 0)
      isWhole(woken.slice(prompt + 1))
    }).pipe(Effect.scoped)
  )
})
