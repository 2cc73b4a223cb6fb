import { assert, describe, it } from "@effect/vitest"
import type { DiskError } from "@longshore/disk/Disk"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { CrashingDisk } from "../src/index.ts"

const code = <A, R>(effect: Effect.Effect<A, DiskError, R>) =>
  Effect.map(Effect.result(effect), (result) => (result._tag === "Failure" ? result.failure.code : "none"))

/** The same numbers for the same seed. */
const generator = (seed: number) => {
  let state = Math.imul(seed, 2_654_435_761) >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
/** A disk with a folder that is on it. */
const machine = Effect.fnUntraced(function* (random: () => number, more?: Partial<CrashingDisk.CrashingDiskOptions>) {
  const made = CrashingDisk.make({ random, now: () => 0, ...more })
  yield* made.disk.makeFolder("/data")
  yield* made.disk.syncFolder("/")
  return made
})
const put = Effect.fnUntraced(function* (disk: CrashingDisk.CrashingDisk["disk"], path: string, bytes: Uint8Array) {
  const file = yield* disk.open(path, "update")
  yield* file.write([bytes], 0)
  return file
})
const old = Buffer.alloc(2000, "o")
const fresh = Buffer.alloc(2000, "n")

/** What many power cuts leave of the same story, as text; `undefined` for no file. */
const outcomes = Effect.fnUntraced(function* <A>(
  story: (made: CrashingDisk.CrashingDisk) => Effect.Effect<A, DiskError, Scope.Scope>,
  path = "/data/file"
) {
  const found = new Set<string | undefined>()
  for (let seed = 1; seed <= 200; seed++) {
    const made = yield* machine(generator(seed))
    yield* Effect.scoped(story(made))
    made.cutPower()
    const bytes = made.files().get(path)
    found.add(bytes && Buffer.from(bytes).toString())
  }
  return found
})

describe("a power cut", () => {
  it.effect("keeps what was synced: bytes by their file, names by their folder", () =>
    Effect.gen(function* () {
      const kept = yield* outcomes(({ disk }) =>
        Effect.gen(function* () {
          yield* (yield* put(disk, "/data/file", old)).sync
          yield* disk.syncFolder("/data")
        })
      )
      assert.deepStrictEqual([...kept], [old.toString()])
    })
  )

  it.effect("may take a name that was not synced, although the bytes were", () =>
    Effect.gen(function* () {
      const kept = yield* outcomes(({ disk }) => Effect.flatMap(put(disk, "/data/file", old), (file) => file.sync))
      assert.deepStrictEqual(kept, new Set([undefined, old.toString()]))
    })
  )

  it.effect("may keep, take or tear bytes that were not synced: a part of them, or zeros in the place of sectors", () =>
    Effect.gen(function* () {
      const kept = yield* outcomes(({ disk }) =>
        Effect.andThen(put(disk, "/data/file", fresh), disk.syncFolder("/data"))
      )
      assert.isTrue(kept.has(""))
      assert.isTrue(kept.has(fresh.toString()))
      const torn = [...kept].filter((text) => text !== "" && text !== fresh.toString())
      assert.isTrue(torn.some((text) => /^n+$/.test(text ?? "")))
      assert.isTrue(torn.some((text) => text?.length === fresh.length && text.includes("\0")))
      for (const text of torn) {
        // A sector comes through as a whole.
        for (const piece of text?.includes("\0") ? (text.match(/[^]{1,512}/g) ?? []) : []) {
          assert.match(piece, /^(?:n+|\0+)$/)
        }
      }
    })
  )

  it.effect("may take a truncation back, and never what was synced before it", () =>
    Effect.gen(function* () {
      const kept = yield* outcomes(({ disk }) =>
        Effect.gen(function* () {
          const file = yield* put(disk, "/data/file", old)
          yield* file.sync
          yield* disk.syncFolder("/data")
          yield* file.truncate(10)
        })
      )
      assert.deepStrictEqual(kept, new Set([old.toString(), old.subarray(0, 10).toString()]))
    })
  )

  it.effect("finds a rename done or not, never half", () =>
    Effect.gen(function* () {
      const rename = ({ disk }: CrashingDisk.CrashingDisk) =>
        Effect.gen(function* () {
          yield* (yield* put(disk, "/data/file", old)).sync
          yield* (yield* put(disk, "/data/next", fresh)).sync
          yield* disk.syncFolder("/data")
          yield* disk.rename("/data/next", "/data/file")
        })
      assert.deepStrictEqual(yield* outcomes(rename), new Set([old.toString(), fresh.toString()]))
      assert.deepStrictEqual(yield* outcomes(rename, "/data/next"), new Set([undefined, fresh.toString()]))
      const synced = (made: CrashingDisk.CrashingDisk) => Effect.andThen(rename(made), made.disk.syncFolder("/data"))
      assert.deepStrictEqual([...(yield* outcomes(synced))], [fresh.toString()])
      assert.deepStrictEqual([...(yield* outcomes(synced, "/data/next"))], [undefined])
    })
  )

  it.effect("finds a rename of bytes that were not synced: the name without them", () =>
    Effect.gen(function* () {
      const kept = yield* outcomes(({ disk }) =>
        Effect.gen(function* () {
          yield* put(disk, "/data/next", fresh)
          yield* disk.rename("/data/next", "/data/file")
          yield* disk.syncFolder("/data")
        })
      )
      assert.isTrue(kept.has(""))
      assert.isFalse(kept.has(undefined))
    })
  )
})

describe("a sync that failed", () => {
  it.effect(
    "reads well, and loses for good what it should have brought to the disk, however often it is tried again",
    () =>
      Effect.gen(function* () {
        let failing = false
        let lost = 0
        for (let seed = 1; seed <= 50; seed++) {
          const made = yield* machine(generator(seed), {
            fault: ({ name }) => (failing && name === "sync" ? "EIO" : undefined)
          })
          const file = yield* put(made.disk, "/data/file", fresh)
          yield* made.disk.syncFolder("/data")
          failing = true
          assert.strictEqual(yield* code(file.sync), "EIO")
          failing = false
          yield* file.sync
          assert.strictEqual(Buffer.from(made.files().get("/data/file") ?? []).toString(), fresh.toString())
          made.cutPower()
          if (Buffer.from(made.files().get("/data/file") ?? []).toString() !== fresh.toString()) lost += 1
        }
        assert.isAbove(lost, 10)
        assert.isBelow(lost, 50)
      })
  )
})

describe("a process that dies", () => {
  it.effect("loses nothing: what it wrote is there for the next one", () =>
    Effect.gen(function* () {
      const { disk, files } = yield* machine(generator(1))
      yield* Effect.scoped(put(disk, "/data/next", fresh))
      yield* disk.rename("/data/next", "/data/file")
      assert.deepStrictEqual([...files().keys()], ["/data/file"])
      const into = new Uint8Array(4000)
      assert.strictEqual(yield* Effect.flatMap(disk.open("/data/file", "read"), (file) => file.read(into, 0)), 2000)
      assert.strictEqual(Buffer.from(into.subarray(0, 2000)).toString(), fresh.toString())
    })
  )
})

describe("like any disk it", () => {
  it.effect("fills up, after a part of a write, and has room again", () =>
    Effect.gen(function* () {
      let capacity = 1500
      const { disk, files } = yield* machine(generator(1), { capacity: () => capacity })
      const file = yield* disk.open("/data/file", "append")
      assert.strictEqual(yield* disk.room("/data"), 1500)
      assert.strictEqual(yield* code(file.write([fresh], 0)), "ENOSPC")
      assert.strictEqual(files().get("/data/file")?.length, 1500)
      // What is there can be written over.
      const same = yield* disk.open("/data/file", "update")
      assert.strictEqual(yield* code(same.write([old.subarray(0, 1500)], 0)), "none")
      capacity = 4000
      assert.strictEqual(yield* code(file.write([fresh], 0)), "none")
      assert.strictEqual(files().get("/data/file")?.length, 3500)
      yield* disk.remove("/data/file")
      assert.strictEqual(yield* disk.room("/data"), 4000)
    })
  )

  it.effect("says what is in the way", () =>
    Effect.gen(function* () {
      const { disk, put: somebodyPuts } = yield* machine(generator(1))
      somebodyPuts("/data/file", old)
      yield* disk.makeFolder("/data/folder")
      const cases: ReadonlyArray<readonly [Effect.Effect<unknown, DiskError, Scope.Scope>, string]> = [
        [disk.open("/data/none", "read"), "ENOENT"],
        [disk.open("/none/file", "update"), "ENOENT"],
        [disk.open("/data/file/below", "update"), "ENOTDIR"],
        [disk.open("/data/folder", "update"), "EISDIR"],
        [disk.makeFolder("/data/file/below"), "ENOTDIR"],
        [disk.list("/data/file"), "ENOTDIR"],
        [disk.rename("/data/none", "/data/other"), "ENOENT"],
        [disk.rename("/data/file", "/data/folder"), "EISDIR"],
        [disk.rename("/data/file", "/data/folder/file"), "EXDEV"],
        [disk.remove("/data/folder"), "EISDIR"],
        [disk.syncFolder("/none"), "ENOENT"]
      ]
      for (const [effect, expected] of cases) assert.strictEqual(yield* code(effect), expected)
      assert.isUndefined(yield* disk.stat("/data/none"))
      assert.deepStrictEqual(yield* disk.list("/none"), [])
      assert.deepStrictEqual((yield* disk.list("/data")).toSorted(), ["file", "folder"])
    })
  )

  it.effect("gives every change another time, and every file an id of its own", () =>
    Effect.gen(function* () {
      const { disk } = yield* machine(generator(1))
      const file = yield* put(disk, "/data/file", old)
      const before = yield* file.stat
      yield* file.write([fresh], 0)
      const after = yield* file.stat
      assert.notStrictEqual(after.mtimeNs, before.mtimeNs)
      assert.strictEqual(after.ino, before.ino)
      assert.notStrictEqual((yield* (yield* put(disk, "/data/other", old)).stat).ino, before.ino)
    })
  )
})
