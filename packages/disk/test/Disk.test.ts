import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Disk, type DiskCall, type DiskError, ensureFolder, intercept } from "../src/Disk.ts"

const temporary = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "longshore-disk-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)
const code = <A, R>(effect: Effect.Effect<A, DiskError, R>) =>
  Effect.map(Effect.result(effect), (result) => (result._tag === "Failure" ? result.failure.code : "none"))
const text = (path: string) => fs.readFileSync(path, "utf8")
const buffers = (...words: ReadonlyArray<string>) => words.map((word) => Buffer.from(word))

/** The operating system takes so many bytes of each write, as one that is short of room may. */
const shortWrites = (most: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { writev } = fs
      const calls: Array<number | null | undefined> = []
      const short: Pick<typeof fs, "writev"> = {
        writev: Object.assign((...[fd, chunks, position, done]: Parameters<typeof fs.writev>) => {
          calls.push(position)
          const piece = Buffer.concat(
            chunks.map((chunk) => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
          )
          writev(fd, [piece.subarray(0, most)], position, done)
        }, writev)
      }
      Object.assign(fs, short)
      syncBuiltinESMExports()
      return { calls, writev }
    }),
    ({ writev }) =>
      Effect.sync(() => {
        Object.assign(fs, { writev })
        syncBuiltinESMExports()
      })
  )

describe("the operating system's disk", () => {
  for (const most of [1, 2, 3, 4, 7, 10]) {
    it.live(`F63 goes on after writes of which ${most} bytes were taken`, () =>
      Effect.gen(function* () {
        const directory = yield* temporary
        const disk = yield* Disk
        const { calls } = yield* shortWrites(most)
        const at = join(directory, "update")
        fs.writeFileSync(at, "0123456789")
        const file = yield* disk.open(at, "update")
        yield* file.write(buffers("abc", "", "d", "efg"), 2)
        assert.strictEqual(text(at), "01abcdefg9")
        assert.strictEqual(calls.length, Math.ceil(7 / most))
        const end = join(directory, "append")
        fs.writeFileSync(end, "0123")
        // Whatever the position.
        yield* (yield* disk.open(end, "append")).write(buffers("abc", "defg"), 0)
        assert.strictEqual(text(end), "0123abcdefg")
      })
    )
  }

  it.live("F63 a write that was short, and then fails, is an error", () =>
    Effect.gen(function* () {
      // The device is full at once; what a disk says after half a write is said the same way.
      const file = yield* (yield* Disk).open("/dev/full", "update")
      assert.strictEqual(yield* code(file.write(buffers("abc"), 0)), "ENOSPC")
    })
  )

  it.live("reads by position, and tells how much there was", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "file")
      fs.writeFileSync(path, "0123456789")
      const file = yield* (yield* Disk).open(path, "read")
      const into = new Uint8Array(4)
      assert.strictEqual(yield* file.read(into, 3), 4)
      assert.strictEqual(Buffer.from(into).toString(), "3456")
      assert.strictEqual(yield* file.read(into, 8), 2)
      assert.strictEqual(yield* file.read(into, 20), 0)
      assert.strictEqual((yield* file.stat).size, 10)
      assert.strictEqual(yield* code(file.write(buffers("x"), 0)), "EBADF")
    })
  )

  it.live(
    "F65 does not follow a link, makes what is missing for its owner only, and takes no offence at what is not there",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporary
        const disk = yield* Disk
        fs.writeFileSync(join(directory, "precious"), "precious")
        fs.symlinkSync(join(directory, "precious"), join(directory, "link"))
        for (const mode of ["read", "update", "append"] as const) {
          assert.strictEqual(yield* code(disk.open(join(directory, "link"), mode)), "ELOOP")
        }
        assert.strictEqual((yield* disk.stat(join(directory, "link")))?.kind, "other")
        yield* disk.makeFolder(join(directory, "a", "b"))
        yield* disk.open(join(directory, "a", "b", "file"), "update")
        assert.strictEqual(fs.statSync(join(directory, "a")).mode & 0o777, 0o700)
        assert.strictEqual(fs.statSync(join(directory, "a", "b", "file")).mode & 0o777, 0o600)
        const none = join(directory, "none")
        assert.strictEqual(yield* code(disk.open(none, "read")), "ENOENT")
        assert.isUndefined(yield* disk.stat(none))
        assert.deepStrictEqual(yield* disk.list(none), [])
        yield* disk.remove(none)
        assert.strictEqual(yield* code(disk.rename(none, join(directory, "other"))), "ENOENT")
      })
  )
})

/** The disk, and what is asked of it. */
const noting = (disk: Disk, fault: (call: DiskCall) => string | undefined = () => undefined) => {
  const calls: Array<DiskCall> = []
  const noted = intercept(disk, (call, effect) =>
    Effect.suspend(() => {
      calls.push(call)
      const code = fault(call)
      return code === undefined ? effect : Effect.fail({ _tag: "DiskError", code })
    })
  )
  return { calls, disk: noted }
}

describe("intercept", () => {
  it.live("is around every call, and can fail it before it happens", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const path = join(directory, "file")
      const every = Effect.fnUntraced(function* (disk: Disk) {
        const codes: Array<string> = []
        const ask = <A, R>(effect: Effect.Effect<A, DiskError, R>) =>
          Effect.map(code(effect), (found) => void codes.push(found))
        const file = yield* disk.open(path, "update")
        yield* ask(file.write(buffers("abc"), 0))
        yield* ask(file.read(new Uint8Array(1), 0))
        yield* ask(file.truncate(2))
        yield* ask(file.sync)
        yield* ask(file.stat)
        yield* ask(disk.makeFolder(join(directory, "made")))
        yield* ask(disk.rename(path, `${path}2`))
        yield* ask(disk.remove(`${path}2`))
        yield* ask(disk.stat(path))
        yield* ask(disk.list(directory))
        yield* ask(disk.syncFolder(directory))
        yield* ask(disk.room(directory))
        return codes
      })
      const whole = noting(yield* Disk)
      assert.deepStrictEqual(new Set(yield* every(whole.disk)), new Set(["none"]))
      assert.deepStrictEqual(fs.readdirSync(directory), ["made"])
      assert.deepStrictEqual(
        whole.calls.map(({ mode, name }) => (mode === undefined ? name : `${name} ${mode}`)),
        ["open", "write", "read", "truncate", "sync", "stat"]
          .map((name) => `${name} update`)
          .concat("makeFolder", "rename", "remove", "stat", "list", "syncFolder", "room")
      )
      // What a rename is about is its new name.
      assert.strictEqual(whole.calls.find(({ name }) => name === "rename")?.path, `${path}2`)

      fs.rmdirSync(join(directory, "made"))
      const none = noting(yield* Disk, ({ name }) => (name === "open" ? undefined : "EIO"))
      assert.deepStrictEqual(new Set(yield* every(none.disk)), new Set(["EIO"]))
      assert.deepStrictEqual(fs.readdirSync(directory), ["file"])
      assert.strictEqual(text(path), "")
      const closed = noting(yield* Disk, () => "EMFILE")
      assert.strictEqual(yield* code(closed.disk.open(join(directory, "other"), "update")), "EMFILE")
      assert.deepStrictEqual(fs.readdirSync(directory), ["file"])
    })
  )

  it.live("files are closed with their scope", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "file")
      const { disk } = noting(yield* Disk)
      const file = yield* Effect.scoped(disk.open(path, "update"))
      assert.strictEqual(yield* code(file.stat), "EBADF")
    })
  )
})

describe("ensureFolder", () => {
  const parents = (path: string): ReadonlyArray<string> =>
    path === dirname(path) ? [] : [dirname(path), ...parents(dirname(path))]

  it.live("F64 makes the folder, and has its name and those of all above it on the disk, made now or earlier", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "a", "b", "c")
      for (let n = 0; n < 2; n++) {
        const { calls, disk } = noting(yield* Disk)
        yield* ensureFolder(disk, path)
        assert.isTrue(fs.statSync(path).isDirectory())
        const syncs = parents(path).map((above): DiskCall => ({ name: "syncFolder", path: above }))
        assert.deepStrictEqual(calls, [{ name: "makeFolder", path }, ...syncs])
      }
    })
  )

  it.live("F62 bears folders above that this user may not read; any other error is one", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "a")
      for (const [found, expected] of [
        ["EACCES", "none"],
        ["EPERM", "none"],
        ["EROFS", "none"],
        ["EIO", "EIO"],
        ["ENOSPC", "ENOSPC"]
      ] as const) {
        const { calls, disk } = noting(yield* Disk, ({ name, path }) =>
          name === "syncFolder" && path === "/" ? found : undefined
        )
        assert.strictEqual(yield* code(ensureFolder(disk, path)), expected)
        assert.strictEqual(calls.at(-1)?.path, "/")
      }
      const { disk } = noting(yield* Disk, ({ name }) => (name === "makeFolder" ? "EACCES" : undefined))
      assert.strictEqual(yield* code(ensureFolder(disk, path)), "EACCES")
    })
  )
})
