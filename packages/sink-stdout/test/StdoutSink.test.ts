import { assert, describe, it } from "@effect/vitest"
import * as ObjectSink from "@longshore/core/ObjectSink"
import { SinkSuite } from "@longshore/testkit"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough, Writable } from "node:stream"
import { text } from "node:stream/consumers"
import { StdoutSink } from "../src/index.ts"

SinkSuite.suite("StdoutSink", {
  make: Effect.sync(() => {
    const given: Array<Uint8Array> = []
    const writable = new Writable({
      write: (chunk: Uint8Array, _, done) => {
        given.push(chunk)
        done()
      }
    })
    return {
      open: Layer.fresh(StdoutSink.layerWritable(writable)),
      read: () => Effect.sync(() => Buffer.concat(given))
    }
  })
})

const object = (name: string, version = "1"): ObjectSink.SinkObject => ({
  key: ObjectSink.ObjectKey.make(name),
  size: 6,
  partSize: 3,
  version
})
const [first, second] = ObjectSink.parts(object("a"))
const bytes = (text: string) => Stream.make(new TextEncoder().encode(text))
const using = <A, E, R>(writable: Writable, body: (sink: ObjectSink.ObjectSink["Service"]) => Effect.Effect<A, E, R>) =>
  Effect.provide(ObjectSink.ObjectSink.use(body), Layer.fresh(StdoutSink.layerWritable(writable)))
const writeFirst = (sink: ObjectSink.ObjectSink["Service"]) =>
  Effect.flatMap(sink.open(object("a")), (writer) =>
    writer.write({ number: 1, offset: 0, length: 3 }, bytes("123"), Effect.succeed(0))
  )
const reason = <A, R>(effect: Effect.Effect<A, { readonly reason: string }, R>) =>
  Effect.map(Effect.result(effect), (result) => (result._tag === "Failure" ? result.failure.reason : "none"))

describe("a pipe", () => {
  it.live("takes one object after the other, in order", () => {
    const out = new PassThrough()
    return Effect.gen(function* () {
      yield* using(out, (sink) =>
        Effect.forEach(["a", "b"], (name) =>
          Effect.scoped(
            Effect.gen(function* () {
              const writer = yield* sink.open(object(name))
              assert.strictEqual(yield* reason(Effect.scoped(sink.open(object("c")))), "Conflict")
              if (first !== undefined) yield* writer.write(first, bytes(`${name}12`), Effect.succeed(0))
              if (second !== undefined) yield* writer.write(second, bytes(`${name}34`), Effect.succeed(0))
              return yield* writer.commit
            })
          )
        )
      )
      assert.strictEqual(String(out.read()), "a12a34b12b34")
    })
  })

  it.live("F54 takes nothing back", () => {
    const out = new PassThrough()
    return using(out, (sink) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(object("a"))
            if (first !== undefined) yield* writer.write(first, bytes("123"), Effect.succeed(0))
            assert.strictEqual(yield* reason(writer.discard), "NotRewindable")
          })
        )
        assert.strictEqual(yield* reason(Effect.scoped(sink.open(object("a", "2")))), "NotRewindable")
      })
    )
  })

  it.effect("F85 a slow reader holds the writer back: no more than the part that it is given is held for it", () =>
    Effect.gen(function* () {
      const many = { ...object("a"), size: 3000 }
      let begun = 0
      let taken = 0
      let most = 0
      const slow: Writable = new Writable({
        highWaterMark: 1,
        write: (_chunk, _, done) => {
          most = Math.max(most, slow.writableLength)
          setImmediate(() => {
            taken += 1
            assert.isAtMost(begun - taken, 1, "parts that were asked for, and not taken")
            done()
          })
        }
      })
      const part = Stream.suspend(() => {
        begun += 1
        return bytes("123")
      })
      yield* using(slow, (sink) =>
        Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(many)
            for (const one of ObjectSink.parts(many)) yield* writer.write(one, part, Effect.succeed(0))
            yield* writer.commit
          })
        )
      )
      assert.deepStrictEqual([taken, most], [1000, 3])
    })
  )

  it.effect("F85 F92 nobody waits for a reader that never reads, once the run is stopped", () =>
    Effect.gen(function* () {
      const given = yield* Deferred.make<void>()
      const stuck = new Writable({ write: () => Deferred.doneUnsafe(given, Effect.void) })
      yield* using(stuck, (sink) =>
        Effect.gen(function* () {
          const writing = yield* writeFirst(sink).pipe(Effect.scoped, Effect.forkChild)
          yield* Deferred.await(given)
          yield* Fiber.interrupt(writing)
          // The reader may have seen some of it.
          assert.strictEqual(yield* reason(Effect.scoped(sink.open(object("a")))), "NotRewindable")
        })
      )
    })
  )

  it.effect("F86 after a crash in the middle of a record a pipe is given all of it from the start", () =>
    Effect.gen(function* () {
      const records = '{"Id":1}\n{"Id":2}\n'
      const all = { ...object("a"), size: records.length, partSize: 12 }
      const process = (parts: number) => {
        const out = new PassThrough()
        return using(out, (sink) =>
          Effect.scoped(
            Effect.gen(function* () {
              assert.isTrue(Option.isNone(yield* sink.stat(all.key)), "nothing is known of what was given")
              const writer = yield* sink.open(all)
              assert.deepStrictEqual(writer.stored, [])
              for (const { length, number, offset } of ObjectSink.parts(all).slice(0, parts)) {
                const piece = bytes(records.slice(offset, offset + length))
                yield* writer.write({ length, number, offset }, piece, Effect.succeed(0))
              }
              return String(out.read())
            })
          )
        )
      }
      assert.strictEqual(yield* process(1), '{"Id":1}\n{"I')
      assert.strictEqual(yield* process(2), records)
    })
  )

  it.live("F84 tells that the reader is gone (| head), however often it is tried", () => {
    const reader = spawn("head", ["-c", "10"], { stdio: ["pipe", "ignore", "ignore"] })
    const big = { ...object("a"), size: 40_000_000, partSize: 1_000_000 }
    return using(reader.stdin, (sink) =>
      Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(big)
          const write = Effect.forEach(ObjectSink.parts(big), (part) =>
            writer.write(part, Stream.make(new Uint8Array(part.length)), Effect.succeed(0))
          )
          assert.strictEqual(yield* reason(write), "Closed")
          const again = yield* Effect.result(writer.commit)
          assert.strictEqual(again._tag, "Failure")
        })
      )
    )
  })

  it.effect("F84 tells that the reader is gone while a write is under way, and never ends it", () =>
    Effect.gen(function* () {
      const given = yield* Deferred.make<void>()
      const leaving = new Writable({ write: () => Deferred.doneUnsafe(given, Effect.void) })
      yield* using(leaving, (sink) =>
        Effect.gen(function* () {
          const writing = yield* writeFirst(sink).pipe(Effect.scoped, reason, Effect.forkChild)
          yield* Deferred.await(given)
          leaving.destroy()
          assert.strictEqual(yield* Fiber.join(writing), "Closed")
        })
      )
    })
  )

  it.effect("F87 tells that a stream is closed already", () =>
    Effect.gen(function* () {
      const closed = new PassThrough()
      closed.destroy()
      assert.strictEqual(yield* reason(Effect.scoped(using(closed, writeFirst))), "Closed")
    })
  )

  // A process of its own, because what it is about is what Node.js makes of a stdout.
  const program = `
    import * as ObjectSink from "@longshore/core/ObjectSink"
    import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
    import * as Stream from "effect/Stream"
    import { StdoutSink } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)}
    const object = { key: ObjectSink.ObjectKey.make("a"), size: 1_000_000, partSize: 1_000_000, version: "1" }
    const deliver = ObjectSink.ObjectSink.use((sink) => Effect.scoped(Effect.gen(function* () {
      const writer = yield* sink.open(object)
      yield* writer.write(ObjectSink.parts(object)[0], Stream.make(new Uint8Array(object.size)), Effect.succeed(0))
      return yield* writer.commit
    })))
    const outcome = Effect.match(Effect.provide(deliver, StdoutSink.layer), {
      onFailure: ({ reason }) => reason,
      onSuccess: ({ size }) => String(size)
    })
    Effect.runPromise(outcome).then((text) => process.stderr.write(text))
  `
  /** Runs it through a shell, as `"$@"`, and gives what it says. */
  const through = (shell: string) =>
    Effect.promise(async () => {
      const node = [process.execPath, "--conditions=@longshore/source", "--input-type=module-typescript", "-e", program]
      const child = spawn("/bin/sh", ["-c", shell, "sh", ...node], {
        cwd: new URL("..", import.meta.url).pathname,
        stdio: ["ignore", "inherit", "pipe"]
      })
      return (await Promise.all([text(child.stderr), once(child, "exit")]))[0]
    })

  const folder = Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "stdout-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  )

  it.live("F87 F63 a disk that takes half of the last part is full, and not done", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "out")
      assert.strictEqual(yield* through(`ulimit -f 8; exec "$@" > '${file}'`), "NoSpace")
      assert.isBelow((yield* Effect.promise(() => stat(file))).size, 1_000_000)
      assert.strictEqual(yield* through(`exec "$@" > '${file}'`), "1000000")
      assert.strictEqual((yield* Effect.promise(() => stat(file))).size, 1_000_000)
      assert.strictEqual(yield* through(`exec "$@" >> '${file}'`), "1000000")
      assert.strictEqual((yield* Effect.promise(() => stat(file))).size, 2_000_000)
    })
  )

  it.live.skipIf(!existsSync("/dev/full"))("F87 a disk that is full from the start", () =>
    Effect.map(through(`exec "$@" > /dev/full`), (said) => assert.strictEqual(said, "NoSpace"))
  )

  it.live("F84 F87 a pipe whose reader left before the first byte", () =>
    Effect.map(through(`("$@") | true`), (said) => assert.strictEqual(said, "Closed"))
  )
})
