import { assert, describe, it } from "@effect/vitest"
import { Journal } from "@longshore/core/Journal"
import { Disk } from "@longshore/disk/Disk"
import { CrashingDisk } from "@longshore/testkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs/promises"
import { hostname, tmpdir } from "node:os"
import { join, relative } from "node:path"
import { FileJournal } from "../src/index.ts"

const temporary = Effect.acquireRelease(
  Effect.promise(() => fs.mkdtemp(join(tmpdir(), "longshore-journal-"))),
  (path) => Effect.promise(() => fs.rm(path, { recursive: true, force: true }))
)
const identity = { request: { entityType: "Payment" }, target: "/data" }
const using = <A>(
  path: string,
  body: (journal: Journal["Service"]) => Effect.Effect<A>,
  about: Schema.Json = identity
) => Effect.scoped(Effect.provide(Journal.use(body), Layer.fresh(FileJournal.layer({ path, identity: about }))))
const step = (name: string, value: string) => (journal: Journal["Service"]) =>
  journal.step({ name, success: Schema.String, error: Schema.Never, execute: Effect.succeed(value) })
const reason = <A>(effect: Effect.Effect<A, { readonly reason: string }>) =>
  Effect.map(Effect.result(effect), (result) => (result._tag === "Failure" ? result.failure.reason : "none"))
const read = (path: string) => Effect.promise(() => fs.readFile(path, "utf8"))

describe("the file", () => {
  it.live("is for its owner, can be read by a person, and by anybody who only looks", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "state", "run.jsonl")
      yield* using(path, (journal) => Effect.andThen(step("one", "1")(journal), step("two", "2")(journal)))
      assert.strictEqual((yield* Effect.promise(() => fs.stat(path))).mode & 0o777, 0o600)
      const lines = (yield* read(path))
        .trimEnd()
        .split("\n")
        .map((line): Record<string, unknown> => JSON.parse(line))
      assert.deepStrictEqual(
        lines.map((line) => line["step"]),
        [undefined, "one", "two"]
      )
      assert.deepStrictEqual(lines[0]?.["identity"], identity)
      const content = yield* FileJournal.read(path)
      assert.deepStrictEqual(
        [...content.steps].map(([name, { value }]) => [name, value]),
        [
          ["one", "1"],
          ["two", "2"]
        ]
      )
      assert.isFalse(content.torn)
    })
  )

  it.live(
    "F88 I13 cut at any byte, it is loaded with what was whole, or begun anew; and a line after it is whole again",
    () =>
      Effect.gen(function* () {
        const path = join(yield* temporary, "run.jsonl")
        yield* using(path, (journal) => Effect.andThen(step("one", "1")(journal), step("two", "2")(journal)))
        const whole = yield* Effect.promise(() => fs.readFile(path))
        const ends = [...whole.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1)
        for (let length = 0; length <= whole.length; length++) {
          yield* Effect.promise(() => fs.writeFile(path, whole.subarray(0, length)))
          const lines = ends.filter((end) => end <= length).length
          const again = yield* using(path, (journal) =>
            Effect.all([step("one", "again")(journal), step("two", "again")(journal)])
          )
          assert.deepStrictEqual(
            again,
            [
              ["again", "again"],
              ["again", "again"],
              ["1", "again"],
              ["1", "2"]
            ][lines]
          )
          const content = yield* FileJournal.read(path)
          assert.deepStrictEqual([...content.steps.keys()], ["one", "two"], `cut at ${length}`)
        }
      })
  )

  it.live("F88 a tail of zeros is a torn line", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "run.jsonl")
      yield* using(path, step("one", "1"))
      yield* Effect.promise(() => fs.appendFile(path, Buffer.alloc(512)))
      assert.isTrue((yield* FileJournal.read(path)).torn)
      assert.strictEqual(yield* using(path, step("one", "again")), "1")
      assert.isFalse((yield* FileJournal.read(path)).torn)
    })
  )

  const header = `{"format":"longshore-journal/1","createdUtc":"2026-01-01T00:00:00.000Z","identity":${JSON.stringify(identity)}}\n`
  const line = '{"at":"2026-01-01T00:00:00.000Z","step":"one","value":"1"}\n'
  const refused: ReadonlyArray<readonly [string, string, string]> = [
    ["another format's next version", header.replace("/1", "/2"), "NewerVersion"],
    ["a first line that is none", "hello\n", "Broken"],
    ["somebody's text without a newline", "my precious notes", "Broken"],
    ["garbage in the middle", `${header}garbage\n${line}`, "Broken"],
    ["a step without a name", `${header}{"at":"x","value":1}\n${line}`, "Broken"],
    ["a step that is there twice", `${header}${line}${line}`, "Broken"],
    ["another request", header.replace("Payment", "Customer"), "OtherRequest"]
  ]
  for (const [what, text, expected] of refused) {
    it.live(`F89 ${what} is refused as ${expected}, and left as it is`, () =>
      Effect.gen(function* () {
        const path = join(yield* temporary, "run.jsonl")
        yield* Effect.promise(() => fs.writeFile(path, text))
        assert.strictEqual(yield* reason(using(path, step("one", "1"))), expected)
        assert.strictEqual(yield* read(path), text)
      })
    )
  }

  it.live("the order of an identity's keys does not matter", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "run.jsonl")
      yield* using(path, step("one", "1"))
      const turned = { target: "/data", request: { entityType: "Payment" } }
      assert.strictEqual(yield* using(path, step("one", "again"), turned), "1")
    })
  )

  it.live("F90 a folder that cannot be used is an error, with the path", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      yield* Effect.promise(() => fs.writeFile(join(directory, "file"), ""))
      const path = join(directory, "file", "run.jsonl")
      assert.strictEqual(yield* reason(using(path, step("one", "1"))), "Unavailable")
      assert.strictEqual(yield* reason(FileJournal.read(join(directory, "none.jsonl"))), "Unavailable")
    })
  )

  it.live("F90 a full disk stops the run with a journal error", () =>
    Effect.gen(function* () {
      // Every write to this device says that it is full.
      const exit = yield* Effect.exit(
        Effect.scoped(
          Effect.gen(function* () {
            const { openToAppend } = yield* Effect.promise(() => import("../src/internal/file.ts"))
            const out = yield* openToAppend(yield* Disk, "/dev/full")
            const first = yield* Effect.flip(out.append({ step: "one" }))
            const second = yield* Effect.flip(out.append({ step: "two" }))
            return { first, second }
          })
        )
      )
      if (exit._tag === "Failure") return assert.fail(String(exit.cause))
      assert.include(exit.value.first.message, "the disk is full (ENOSPC)")
      assert.strictEqual(exit.value.second, exit.value.first, "after a line that failed no other is written")
    })
  )

  it.live(
    "F61 a line whose sync failed, and which the next process found all the same, survives a power cut then",
    () =>
      Effect.gen(function* () {
        let failing = false
        // What is not synced is lost.
        const machine = CrashingDisk.make({
          random: () => 0.5,
          now: Date.now,
          fault: ({ name, path }) =>
            failing && path === "/run.jsonl" && (name === "sync" || name === "truncate") ? "EIO" : undefined
        })
        const on = Effect.provideService(Disk, machine.disk)
        const exit = yield* using("/run.jsonl", (journal) =>
          Effect.suspend(() => {
            failing = true
            return Effect.exit(step("one", "1")(journal))
          })
        ).pipe(on)
        assert.strictEqual(exit._tag, "Failure")
        failing = false
        assert.strictEqual(yield* on(using("/run.jsonl", step("one", "again"))), "1")
        machine.cutPower()
        assert.deepStrictEqual([...(yield* on(FileJournal.read("/run.jsonl"))).steps.keys()], ["one"])
      })
  )
})

describe("the lock", () => {
  it.live("F94 keeps a second one out, in this process too, and is gone with its scope", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "run.jsonl")
      yield* using(path, () =>
        Effect.map(reason(using(path, step("one", "1"))), (found) => assert.strictEqual(found, "Locked"))
      )
      assert.strictEqual(yield* using(path, step("one", "1")), "1")
      assert.deepStrictEqual(yield* Effect.promise(async () => (await fs.readdir(join(path, ".."))).sort()), [
        "run.jsonl"
      ])
    })
  )

  it.live("does not take its own lock for another's, however the path is written", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "run.jsonl")
      const written = `./${relative(process.cwd(), path)}`
      yield* using(written, () =>
        Effect.map(reason(using(path, step("one", "1"))), (found) => assert.strictEqual(found, "Locked"))
      )
      assert.strictEqual(yield* using(path, step("one", "1")), "1")
    })
  )

  const locks: ReadonlyArray<readonly [string, object | string, string]> = [
    ["of a process that is gone", { host: hostname(), pid: 4_194_304, started: null }, "none"],
    [
      "of an earlier process with the id of one that lives",
      { host: hostname(), pid: process.ppid, started: "boot:1" },
      "none"
    ],
    ["of another host", { host: "elsewhere", pid: 4_194_304, started: null }, "Locked"],
    ["that cannot be read", "???", "Locked"]
  ]
  for (const [what, content, expected] of locks) {
    it.live(`F94 a lock ${what}: ${expected === "none" ? "taken over" : "respected"}`, () =>
      Effect.gen(function* () {
        const path = join(yield* temporary, "run.jsonl")
        const text = typeof content === "string" ? content : JSON.stringify(content)
        yield* Effect.promise(() => fs.writeFile(`${path}.lock.1-x`, text))
        assert.strictEqual(yield* reason(using(path, step("one", "1"))), expected)
      })
    )
  }

  it.live("F91 a process that was killed leaves a lock that the next one takes over; a living one keeps it", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "run.jsonl")
      const program = `
        import * as Effect from "effect/Effect"
        import * as Layer from "effect/Layer"
        import { FileJournal } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)}
        const layer = FileJournal.layer({ path: ${JSON.stringify(path)}, identity: ${JSON.stringify(identity)} })
        setInterval(() => {}, 1000)
        Effect.runFork(Layer.launch(Layer.tap(layer, () => Effect.sync(() => console.log("locked")))))
      `
      const child = spawn(
        process.execPath,
        ["--conditions=@longshore/source", "--input-type=module-typescript", "-e", program],
        {
          cwd: new URL("..", import.meta.url).pathname,
          stdio: ["ignore", "pipe", "inherit"]
        }
      )
      yield* Effect.promise(() => once(child.stdout, "data"))
      const locked = yield* Effect.flip(using(path, step("one", "1")))
      assert.strictEqual(locked.reason, "Locked")
      assert.include(locked.message, `process ${child.pid} on ${hostname()}`)
      const gone = once(child, "exit")
      child.kill("SIGKILL")
      yield* Effect.promise(() => gone)
      assert.strictEqual(yield* using(path, step("one", "1")), "1")
    })
  )

  it.live.skipIf(process.platform !== "linux")("F91 a process that is dead and was not waited for holds nothing", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "run.jsonl")
      // What the shell becomes does not wait for the child that the shell had.
      const parent = spawn("sh", ["-c", "sleep 0.1 & echo $!; exec sleep 100"], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => void parent.kill("SIGKILL")))
      const [chunk] = yield* Effect.promise(() => once(parent.stdout, "data"))
      const pid = Number(String(chunk))
      const stat = () =>
        fs.readFile(`/proc/${pid}/stat`, "utf8").then((text) => text.slice(text.lastIndexOf(")") + 2).split(" "))
      const fields = yield* Effect.promise(stat)
      const boot = yield* read("/proc/sys/kernel/random/boot_id")
      const holder = { host: hostname(), pid, started: `${boot.trim()}:${fields[19]}` }
      yield* Effect.promise(() => fs.writeFile(`${path}.lock.${pid}-0`, JSON.stringify(holder)))
      while ((yield* Effect.promise(stat))[0] !== "Z") yield* Effect.sleep("20 millis")
      assert.strictEqual(yield* using(path, step("one", "1")), "1")
    })
  )

  it.live("F94 of many that find a stale lock at once, one gets it", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 20; round++) {
        const path = join(yield* temporary, "run.jsonl")
        yield* Effect.promise(() =>
          fs.writeFile(`${path}.lock.1-x`, JSON.stringify({ host: hostname(), pid: 4_194_304, started: null }))
        )
        let holders = 0
        let most = 0
        const hold = using(path, () =>
          Effect.gen(function* () {
            most = Math.max(most, ++holders)
            yield* Effect.sleep("5 millis")
            holders -= 1
          })
        )
        yield* Effect.all(
          Array.from({ length: 8 }, () => Effect.result(hold)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(most, 1)
      }
    })
  )

  it.live("is told of without touching it, and taken without opening the journal", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const path = join(folder, "run.jsonl")
      yield* using(path, step("one", "1"))
      const before = yield* Effect.promise(() => fs.stat(path))
      // Of a dead process: not a holder, and left where it is by who only looks.
      yield* Effect.promise(() =>
        fs.writeFile(`${path}.lock.1-x`, JSON.stringify({ host: hostname(), pid: 4_194_304, started: null }))
      )
      assert.isUndefined(yield* FileJournal.holder(path))
      assert.lengthOf(yield* Effect.promise(() => fs.readdir(folder)), 2)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* FileJournal.lock(path)
          assert.strictEqual((yield* FileJournal.holder(path))?.pid, process.pid)
          assert.strictEqual(yield* reason(using(path, step("two", "2"))), "Locked")
          assert.strictEqual(yield* reason(Effect.scoped(FileJournal.lock(path))), "Locked")
        })
      )
      assert.isUndefined(yield* FileJournal.holder(path))
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(folder)), ["run.jsonl"])
      const after = yield* Effect.promise(() => fs.stat(path))
      assert.deepStrictEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs])
      yield* using(path, step("two", "2"))
    })
  )
})
