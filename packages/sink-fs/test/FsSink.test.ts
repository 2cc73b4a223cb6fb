import { assert, describe, it } from "@effect/vitest"
import * as ObjectSink from "@longshore/core/ObjectSink"
import { Disk, type DiskCall, intercept } from "@longshore/disk/Disk"
import { CrashingDisk } from "@longshore/testkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as fs from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { crc32 } from "node:zlib"
import { FsSink } from "../src/index.ts"

type Sink = ObjectSink.ObjectSink["Service"]

const temporary = Effect.acquireRelease(
  Effect.promise(() => fs.mkdtemp(join(tmpdir(), "longshore-fs-"))),
  (path) => Effect.promise(() => fs.rm(path, { recursive: true, force: true }))
)
const bytes = Buffer.from(Array.from({ length: 2_500 }, (_, i) => (i * 7) % 251))
const object: ObjectSink.SinkObject = {
  key: ObjectSink.ObjectKey.make("Reservation/x/Reservation-00001.jsonl"),
  size: bytes.length,
  partSize: 1000,
  version: '"0x8D1"'
}
const [first, second, third] = ObjectSink.parts(object)
const write = (writer: ObjectSink.ObjectWriter, part: ObjectSink.Part | undefined) =>
  part === undefined
    ? Effect.die("no such part")
    : Effect.suspend(() => {
        const piece = bytes.subarray(part.offset, part.offset + part.length)
        return writer.write(part, Stream.make(piece), Effect.succeed(crc32(piece)))
      })
const using = <A, E>(directory: string, body: (sink: Sink) => Effect.Effect<A, E>) =>
  Effect.provide(ObjectSink.ObjectSink.use(body), Layer.fresh(FsSink.layer({ directory })))
const opened = <A, E>(
  directory: string,
  body: (writer: ObjectSink.ObjectWriter) => Effect.Effect<A, E>,
  what: ObjectSink.SinkObject = object
) => using(directory, (sink) => Effect.scoped(Effect.flatMap(sink.open(what), body)))
/** The numbers of the stored parts that are still what they were. */
const good = (writer: ObjectSink.ObjectWriter) =>
  Effect.filter(writer.stored, (part) => writer.confirm?.(part) ?? Effect.succeed(true)).pipe(
    Effect.map((parts) => parts.map(({ number }) => number))
  )
const all = Effect.fnUntraced(function* (writer: ObjectSink.ObjectWriter) {
  const kept = yield* good(writer)
  for (const part of [first, second, third]) {
    if (part !== undefined && !kept.includes(part.number)) yield* write(writer, part)
  }
})
const names = (directory: string) =>
  Effect.promise(async () => (await fs.readdir(join(directory, "Reservation/x"))).sort())
const partial = (directory: string, ending: "partial" | "parts") =>
  Effect.map(names(directory), (found) => {
    const name = found.find((one) => one.endsWith(`.${ending}`))
    assert.isDefined(name)
    return join(directory, "Reservation/x", name ?? "")
  })
const reason = <A>(effect: Effect.Effect<A, { readonly reason: string }>) =>
  Effect.map(Effect.result(effect), (result) => (result._tag === "Failure" ? result.failure.reason : "none"))

describe("files", () => {
  it.live("are for their owner only, and leave nothing behind once settled", () =>
    Effect.gen(function* () {
      const directory = join(yield* temporary, "made", "for", "us")
      yield* opened(directory, (writer) => Effect.andThen(all(writer), writer.commit))
      const path = join(directory, object.key)
      assert.strictEqual((yield* Effect.promise(() => fs.stat(path))).mode & 0o777, 0o600)
      assert.strictEqual((yield* Effect.promise(() => fs.stat(directory))).mode & 0o777, 0o700)
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readFile(path)), bytes)
      yield* using(directory, (sink) => sink.settle(object.key))
      assert.deepStrictEqual(yield* names(directory), ["Reservation-00001.jsonl"])
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(directory)), ["Reservation"])
    })
  )

  it.live("F66 other files with like names are nobody's business of ours", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const folder = join(directory, "Reservation/x")
      yield* Effect.promise(() => fs.mkdir(folder, { recursive: true }))
      const others = [
        "Reservation-00001.jsonl.bak",
        "Reservation-00001.jsonl.partial",
        "Reservation-00002.jsonl.00000000.parts"
      ]
      for (const name of others) yield* Effect.promise(() => fs.writeFile(join(folder, name), "mine"))
      yield* opened(directory, (writer) => Effect.andThen(all(writer), writer.commit))
      yield* using(directory, (sink) => sink.settle(object.key))
      assert.deepStrictEqual(yield* names(directory), ["Reservation-00001.jsonl", ...others].sort())
    })
  )

  it.live("F66 what is left of other content or other parts is taken away, and never used", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      for (const other of [
        { ...object, version: '"0x8D2"' },
        { ...object, partSize: 500 },
        { ...object, size: bytes.length + 1 }
      ]) {
        const [part] = ObjectSink.parts(other)
        if (part === undefined) return assert.fail("no part")
        const junk = Buffer.alloc(part.length, "!")
        yield* opened(directory, (writer) => writer.write(part, Stream.make(junk), Effect.succeed(crc32(junk))), other)
        const left = yield* names(directory)
        yield* opened(directory, (writer) =>
          Effect.gen(function* () {
            assert.deepStrictEqual(writer.stored, [])
            yield* all(writer)
            yield* writer.commit
          })
        )
        assert.deepStrictEqual(yield* Effect.promise(() => fs.readFile(join(directory, object.key))), bytes)
        const now = yield* names(directory)
        for (const name of left.filter((name) => !name.endsWith(".jsonl"))) assert.notInclude(now, name)
        yield* using(directory, (sink) => sink.settle(object.key))
        yield* Effect.promise(() => fs.rm(join(directory, object.key)))
      }
    })
  )
})

describe("what a crash or a person leaves", () => {
  it.live("F95 a crash after the rename: everything is stored, and commit gives the same object", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const receipt = yield* opened(directory, (writer) => Effect.andThen(all(writer), writer.commit))
      const again = yield* opened(directory, (writer) =>
        Effect.map(writer.commit, (committed) => ({ committed, stored: writer.stored.length }))
      )
      assert.deepStrictEqual(again, { committed: receipt, stored: 3 })
    })
  )

  it.live("F95 the file was edited after that crash: it is written again, and is the old one until then", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      yield* opened(directory, (writer) => Effect.andThen(all(writer), writer.commit))
      const path = join(directory, object.key)
      yield* Effect.promise(() => fs.appendFile(path, "x"))
      yield* opened(directory, (writer) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(writer.stored, [])
          assert.strictEqual(yield* reason(writer.commit), "Unknown")
          assert.strictEqual((yield* Effect.promise(() => fs.stat(path))).size, bytes.length + 1)
          yield* all(writer)
          yield* writer.commit
        })
      )
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readFile(path)), bytes)
    })
  )

  it.live("F88 a log that was cut at any byte is read up to its last whole line", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      yield* opened(directory, (writer) => Effect.andThen(write(writer, first), write(writer, third)))
      const path = yield* partial(directory, "parts")
      const log = yield* Effect.promise(() => fs.readFile(path))
      const ends = [...log.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1)
      for (let length = 0; length <= log.length; length++) {
        yield* Effect.promise(() => fs.writeFile(path, log.subarray(0, length)))
        const stored = yield* opened(directory, (writer) => Effect.succeed(writer.stored.map(({ number }) => number)))
        const lines = ends.filter((end) => end <= length).length
        assert.deepStrictEqual(stored, [[], [], [1], [1, 3]][lines], `cut at ${length}`)
      }
      // A zero-filled tail, as some file systems leave it.
      yield* Effect.promise(() => fs.writeFile(path, Buffer.concat([log, Buffer.alloc(100)])))
      assert.deepStrictEqual(yield* opened(directory, (writer) => Effect.succeed(writer.stored.length)), 2)
    })
  )

  for (const [what, harm] of [
    ["deleted", (path: string) => fs.rm(path)],
    ["cut", (path: string) => fs.truncate(path, 1500)],
    [
      "edited",
      async (path: string) => {
        const file = await fs.open(path, "r+")
        await file.write(Buffer.from("!"), 0, 1, 1200)
        await file.close()
      }
    ]
  ] as const) {
    it.live(`F67 a partial file that was ${what}: only its good parts count`, () =>
      Effect.gen(function* () {
        const directory = yield* temporary
        yield* opened(directory, (writer) => Effect.andThen(write(writer, first), write(writer, second)))
        const path = yield* partial(directory, "partial")
        yield* Effect.promise(() => harm(path))
        yield* opened(directory, (writer) =>
          Effect.gen(function* () {
            assert.deepStrictEqual(yield* good(writer), what === "deleted" ? [] : [1])
            yield* all(writer)
            yield* writer.commit
          })
        )
        assert.deepStrictEqual(yield* Effect.promise(() => fs.readFile(join(directory, object.key))), bytes)
      })
    )
  }

  it.live("F94 two writers that began together each finish", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const receipts = yield* using(directory, (one) =>
        using(directory, (two) =>
          Effect.scoped(
            Effect.gen(function* () {
              const a = yield* one.open(object)
              const b = yield* two.open(object)
              yield* Effect.all([all(a), all(b)], { concurrency: 2 })
              const first = yield* a.commit
              const second = yield* b.commit
              return { first, second }
            })
          )
        )
      )
      assert.strictEqual(receipts.first.size, receipts.second.size)
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readFile(join(directory, object.key))), bytes)
    })
  )

  it.live("F65 a partial file that somebody replaced is not renamed over the good one", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      yield* opened(directory, (writer) =>
        Effect.gen(function* () {
          yield* all(writer)
          const path = yield* partial(directory, "partial")
          yield* Effect.promise(() => fs.rm(path))
          yield* Effect.promise(() => fs.writeFile(path, ""))
          assert.strictEqual(yield* reason(writer.commit), "Conflict")
        })
      )
      assert.notInclude(yield* names(directory), "Reservation-00001.jsonl")
    })
  )
})

describe("places that are not ours to write", () => {
  for (const [what, there] of [
    ["the same bytes", bytes],
    ["other bytes", Buffer.from("precious")]
  ] as const) {
    it.live(`F65 a file with ${what} in the file's place stays until the new one is whole`, () =>
      Effect.gen(function* () {
        const directory = yield* temporary
        const path = join(directory, object.key)
        yield* Effect.promise(() => fs.mkdir(dirname(path), { recursive: true }))
        yield* Effect.promise(() => fs.writeFile(path, there))
        yield* opened(directory, (writer) =>
          Effect.gen(function* () {
            // It may be anybody's: it does not count as delivered.
            assert.deepStrictEqual(writer.stored, [])
            assert.strictEqual(yield* reason(writer.commit), "Unknown")
            yield* all(writer)
            assert.deepStrictEqual(yield* Effect.promise(() => fs.readFile(path)), there)
            yield* writer.commit
          })
        )
        assert.deepStrictEqual(yield* Effect.promise(() => fs.readFile(path)), bytes)
      })
    )
  }

  it.live("F68 names that leave the folder are refused, whoever made them", () =>
    Effect.gen(function* () {
      const directory = join(yield* temporary, "inside")
      for (const key of ["../out", "a/../../out", "..", "a/..", "./a", "a//b", "/etc/passwd", ""]) {
        // Not as a key is made, but as one may get here.
        const what: ObjectSink.SinkObject = Object.assign({}, object, { key })
        assert.strictEqual(yield* reason(opened(directory, () => Effect.void, what)), "InvalidKey", key)
        assert.strictEqual(yield* reason(using(directory, (sink) => sink.stat(what.key))), "InvalidKey", key)
        assert.isFalse(Schema.is(ObjectSink.ObjectKey)(key), key)
      }
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(dirname(directory))), ["inside"])
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(directory)), [])
    })
  )

  it.live("F68 a name that is too long for the file system is refused before the first byte", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      // Its partial file is longer still.
      const what = { ...object, key: ObjectSink.ObjectKey.make("x".repeat(200)) }
      yield* opened(directory, (writer) => Effect.andThen(all(writer), writer.commit), what)
      const long: ObjectSink.SinkObject = Object.assign({}, object, { key: "x".repeat(250) })
      assert.strictEqual(yield* reason(opened(directory, () => Effect.void, long)), "InvalidKey")
    })
  )

  it.live("F65 a folder or a link in the file's place", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const path = join(directory, object.key)
      yield* Effect.promise(() => fs.mkdir(path, { recursive: true }))
      assert.strictEqual(yield* reason(opened(directory, () => Effect.void)), "InvalidKey")
      assert.strictEqual(yield* reason(using(directory, (sink) => sink.stat(object.key))), "InvalidKey")
      yield* Effect.promise(() => fs.rm(path, { recursive: true }))
      const elsewhere = join(directory, "elsewhere")
      yield* Effect.promise(() => fs.writeFile(elsewhere, "precious"))
      yield* Effect.promise(() => fs.symlink(elsewhere, path))
      assert.strictEqual(yield* reason(opened(directory, () => Effect.void)), "InvalidKey")
      assert.strictEqual(String(yield* Effect.promise(() => fs.readFile(elsewhere))), "precious")
    })
  )

  it.live("F62 a file in the folder's place", () =>
    Effect.gen(function* () {
      const file = join(yield* temporary, "file")
      yield* Effect.promise(() => fs.writeFile(file, ""))
      assert.strictEqual(yield* reason(using(file, () => Effect.void)), "InvalidKey")
      assert.strictEqual(yield* reason(using(join(file, "below"), () => Effect.void)), "InvalidKey")
    })
  )
})

const nameOf = ({ mode, name }: DiskCall) => (mode === undefined ? name : `${name} ${mode}`)

/** A disk whose n-th call of an operation fails. */
const failing = (operation: string, n: number, code: string) => {
  const count = { calls: 0 }
  const layer = Layer.effect(
    Disk,
    Effect.map(Disk, (disk) =>
      Object.assign(
        intercept(disk, (call, effect) =>
          Effect.suspend(() =>
            nameOf(call) === operation && ++count.calls === n
              ? Effect.fail({ _tag: "DiskError" as const, code })
              : effect
          )
        ),
        operation === "room" ? { room: () => Effect.succeed(n) } : {}
      )
    )
  )
  return { count, layer }
}

/** The sink on a disk. */
const on = <A, E, R>(disk: Layer.Layer<never>, directory: string, use: (sink: Sink) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(Layer.build(Layer.fresh(Layer.provide(FsSink.layer({ directory }), disk))), (context) =>
    use(Context.get(context, ObjectSink.ObjectSink))
  )

describe("a disk that fails", () => {
  for (const operation of ["write update", "sync update", "write append", "rename", "syncFolder"]) {
    for (const [code, expected] of [
      ["ENOSPC", "NoSpace"],
      ["EIO", "Unknown"]
    ] as const) {
      it.live(
        `F60 F61 ${code} at every ${operation}: a clear error, nothing half published, and the next run finishes`,
        () =>
          Effect.gen(function* () {
            let failures = 0
            for (let n = 1; n < 30; n++) {
              const directory = yield* temporary
              const disk = failing(operation, n, code)
              const result = yield* Effect.result(
                Effect.scoped(
                  on(
                    disk.layer,
                    directory,
                    Effect.fnUntraced(function* (sink) {
                      const writer = yield* sink.open(object)
                      yield* all(writer)
                      return yield* writer.commit
                    })
                  )
                )
              )
              if (disk.count.calls < n) break
              failures += 1
              assert.strictEqual(result._tag === "Failure" && result.failure.reason, expected, `call ${n}`)
              const found = yield* Effect.promise(() => fs.readFile(join(directory, object.key)).catch(() => undefined))
              if (found !== undefined) assert.deepStrictEqual(found, bytes, `published at call ${n}`)
              yield* opened(directory, (writer) =>
                Effect.gen(function* () {
                  // Nobody knows which bytes are on the disk after a sync that failed, whatever the page cache says.
                  if (operation === "sync update") assert.deepStrictEqual(writer.stored, [])
                  yield* all(writer)
                  yield* writer.commit
                })
              )
              assert.deepStrictEqual(yield* Effect.promise(() => fs.readFile(join(directory, object.key))), bytes)
            }
            assert.isAtLeast(failures, 1)
          })
      )
    }
  }

  for (const [code, expected] of [
    ["EACCES", "PermissionDenied"],
    ["EPERM", "PermissionDenied"],
    ["EROFS", "PermissionDenied"],
    ["EMFILE", "Unavailable"],
    ["ENFILE", "Unavailable"],
    ["EDQUOT", "NoSpace"],
    ["EXDEV", "Unknown"]
  ] as const) {
    it.live(`F62 ${code} at an open or the rename: a clear error, nothing published, and the next run finishes`, () =>
      Effect.gen(function* () {
        // The probe is opened before the file itself.
        for (const [operation, n] of [
          ["open update", 1],
          ["open update", 2],
          ["open append", 1],
          ["rename", 1]
        ] as const) {
          const directory = yield* temporary
          const deliver = Effect.fnUntraced(function* (sink: Sink) {
            const writer = yield* sink.open(object)
            yield* all(writer)
            return yield* writer.commit
          })
          const disk = failing(operation, n, code)
          const error = yield* Effect.flip(Effect.scoped(on(disk.layer, directory, deliver)))
          assert.strictEqual(error.reason, expected, operation)
          assert.include(error.message, `(${code})`)
          const published = yield* Effect.promise(() => fs.readFile(join(directory, object.key)).catch(() => undefined))
          assert.isUndefined(published)
          yield* opened(directory, (writer) => Effect.andThen(all(writer), writer.commit))
          assert.deepStrictEqual(yield* Effect.promise(() => fs.readFile(join(directory, object.key))), bytes)
        }
      })
    )
  }

  /** What becomes of changes that were not synced. */
  const fates: Record<string, () => () => number> = {
    "all is lost": () => () => 0.6,
    "data is kept and names are lost": () => () => 0,
    "data is lost and names are kept": () => {
      let calls = 0
      return () => (calls++ === 0 ? 0.9 : 0.45)
    }
  }
  for (let seed = 1; seed <= 4; seed++) {
    fates[`of each something (${seed})`] = () => {
      let state = Math.imul(seed, 2_654_435_761) >>> 0
      return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
    }
  }
  const ends = Object.entries(fates).flatMap(([fate, random]) => [
    [`the power is cut after any call, and ${fate}`, random, true] as const,
    [`the process dies after any call, and the power is cut after the next one, and ${fate}`, random, false] as const
  ])
  for (const [what, random, power] of ends) {
    it.effect(`F64 ${what}: the old file or the new one, whole, and it goes on`, () =>
      Effect.gen(function* () {
        const folder = "/data"
        const path = join(folder, object.key)
        const old = Buffer.from("precious")
        for (let n = 1; ; n++) {
          const machine = CrashingDisk.make({ random: random(), now: () => 0 })
          yield* machine.disk.makeFolder(dirname(path))
          for (const at of ["/", folder, dirname(dirname(path))]) yield* machine.disk.syncFolder(at)
          machine.put(path, old)
          const there = () => {
            const found = Buffer.from(machine.files().get(path) ?? [])
            return found.equals(bytes) ? "the new file" : found.equals(old) ? "the old file" : "neither"
          }
          let calls = 0
          // Nothing that a process does after its end has an effect.
          const ended = intercept(machine.disk, (_, effect) =>
            Effect.suspend(() =>
              calls >= n
                ? Effect.fail({ _tag: "DiskError", code: "EIO" })
                : Effect.tap(effect, () => Effect.sync(() => ++calls === n && power && machine.cutPower()))
            )
          )
          const deliver = Effect.fnUntraced(function* (sink: Sink) {
            const writer = yield* sink.open(object)
            yield* all(writer)
            const receipt = yield* writer.commit
            assert.deepStrictEqual(yield* Effect.map(sink.stat(object.key), Option.getOrThrow), receipt)
            return receipt
          })
          const told = yield* Effect.result(Effect.scoped(on(Layer.succeed(Disk, ended), folder, deliver)))
          if (calls < n) {
            assert.isAbove(n, 20)
            break
          }
          if (told._tag === "Success") assert.strictEqual(there(), "the new file", `call ${n}`)
          else assert.include(["the old file", "the new file"], there(), `call ${n}`)
          yield* Effect.scoped(on(Layer.succeed(Disk, machine.disk), folder, deliver))
          machine.cutPower()
          assert.strictEqual(there(), "the new file", `call ${n}`)
        }
      })
    )
  }

  it.live("F64 bytes are on the disk before they get their name, and the name before anyone is told", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const calls: Array<string> = []
      const noting = Layer.effect(
        Disk,
        Effect.map(Disk, (disk) =>
          intercept(disk, (call, effect) => Effect.tap(effect, () => Effect.sync(() => void calls.push(nameOf(call)))))
        )
      )
      yield* Effect.scoped(
        on(
          noting,
          directory,
          Effect.fnUntraced(function* (sink) {
            const writer = yield* sink.open(object)
            yield* all(writer)
            calls.push("commit")
            yield* writer.commit
          })
        )
      )
      assert.strictEqual(calls.filter((call) => call === "write update").length, 3)
      const changes = calls.slice(calls.indexOf("commit")).filter((call) => !call.startsWith("stat"))
      assert.deepStrictEqual(changes, ["commit", "sync update", "write append", "rename", "syncFolder"])
    })
  )

  it.live("F61 a sync in the background that fails ends the writer, and what was noted is forgotten", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const part = 40 * 1024 * 1024
      const large = { ...object, size: 3 * part, partSize: part }
      const piece = new Uint8Array(part)
      const disk = failing("sync update", 2, "EIO")
      const results = yield* Effect.scoped(
        on(
          disk.layer,
          directory,
          Effect.fnUntraced(function* (sink) {
            const writer = yield* sink.open(large)
            const results: Array<string> = []
            for (const part of ObjectSink.parts(large)) {
              results.push(yield* reason(writer.write(part, Stream.make(piece), Effect.succeed(0))))
              yield* Effect.sleep("200 millis")
            }
            return [...results, yield* reason(writer.commit)]
          })
        )
      )
      // The sink's probe syncs once; the second sync is the one that begins behind the second part.
      assert.deepStrictEqual(results, ["none", "none", "Unknown", "Unknown"])
      assert.deepStrictEqual(yield* opened(directory, (writer) => Effect.succeed(writer.stored), large), [])
    })
  )

  it.live("F60 room is checked before the first byte", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const open = (room: number) =>
        Effect.scoped(on(failing("room", room, "").layer, directory, (sink) => sink.open(object)))
      assert.strictEqual(yield* reason(open(bytes.length - 1)), "NoSpace")
      assert.strictEqual(yield* reason(open(bytes.length)), "none")
      yield* opened(directory, (writer) => write(writer, first))
      // What is stored already needs no room again.
      assert.strictEqual(yield* reason(open(bytes.length - 1000)), "none")
    })
  )
})

describe("what is left over", () => {
  it.live(
    "is listed object by object, and removed one by one; what others wrote and what lies behind links is not",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporary
        assert.deepStrictEqual(yield* FsSink.abandoned({ directory: join(directory, "nowhere") }), [])
        yield* opened(directory, (writer) => Effect.andThen(write(writer, third), write(writer, first)))
        const one = { ...object, key: ObjectSink.ObjectKey.make("Bill/y/manifest.json"), size: 10, partSize: 10 }
        yield* opened(
          directory,
          (writer) =>
            writer.write({ number: 1, offset: 0, length: 10 }, Stream.make(bytes.subarray(0, 10)), Effect.succeed(1)),
          one
        )
        // Published and not settled: its log is left.
        const done = { ...object, key: ObjectSink.ObjectKey.make("Bill/y/Bill-00001.jsonl") }
        yield* opened(directory, (writer) => Effect.andThen(all(writer), writer.commit), done)
        const elsewhere = yield* temporary
        yield* Effect.promise(async () => {
          await fs.writeFile(join(elsewhere, "Bill-00001.jsonl.0a0a0a0a.partial"), "theirs")
          await fs.symlink(elsewhere, join(directory, "Payment"))
          await fs.symlink(join(elsewhere, "Bill-00001.jsonl.0a0a0a0a.partial"), join(directory, "a.0a0a0a0a.partial"))
          await fs.writeFile(join(directory, "Bill/y/Bill-00002.jsonl.partial"), "theirs")
          await fs.writeFile(join(directory, "Bill/y/.0a0a0a0a.partial"), "theirs")
        })
        const found = yield* FsSink.abandoned({ directory })
        assert.deepStrictEqual(
          found.map(({ key, size }) => [key, size]),
          [
            [done.key, 0],
            [one.key, 10],
            [object.key, 1500]
          ]
        )
        const within = (folder: string) => folder.startsWith("Reservation")
        assert.deepStrictEqual(yield* FsSink.abandoned({ directory, within }), found.slice(2))

        for (const partial of found) yield* FsSink.abort({ directory }, partial)
        // Again: a process that was killed in between does so.
        for (const partial of found) yield* FsSink.abort({ directory }, partial)
        assert.deepStrictEqual(yield* FsSink.abandoned({ directory }), [])
        assert.deepStrictEqual(yield* names(directory), [])
        assert.deepStrictEqual((yield* Effect.promise(() => fs.readdir(join(directory, "Bill/y")))).sort(), [
          ".0a0a0a0a.partial",
          "Bill-00001.jsonl",
          "Bill-00002.jsonl.partial"
        ])
        assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(elsewhere)), [
          "Bill-00001.jsonl.0a0a0a0a.partial"
        ])
        const outside = { key: object.key, plan: "../../../x" }
        assert.strictEqual(yield* reason(FsSink.abort({ directory }, outside)), "InvalidKey")
        yield* opened(directory, (writer) => Effect.andThen(all(writer), writer.commit))
      })
  )
})
