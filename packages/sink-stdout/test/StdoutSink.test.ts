import { assert, describe, it } from "@effect/vitest"
import * as ObjectSink from "@longshore/core/ObjectSink"
import { SinkSuite } from "@longshore/testkit"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { PassThrough, Writable } from "node:stream"
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
const using = <A, E>(writable: Writable, body: (sink: ObjectSink.ObjectSink["Service"]) => Effect.Effect<A, E>) =>
  Effect.provide(ObjectSink.ObjectSink.use(body), Layer.fresh(StdoutSink.layerWritable(writable)))
const reason = <A>(effect: Effect.Effect<A, { readonly reason: string }>) =>
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

  it.live("F85 waits for a slow reader", () => {
    const waiting: Array<() => void> = []
    const slow = new Writable({ highWaterMark: 1, write: (_chunk, _, done) => void waiting.push(done) })
    return using(slow, (sink) =>
      Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(object("a"))
          if (first === undefined) return
          const fiber = yield* Effect.forkChild(writer.write(first, bytes("123"), Effect.succeed(0)))
          while (waiting.length === 0) yield* Effect.yieldNow
          yield* Effect.sleep("20 millis")
          assert.isUndefined(fiber.pollUnsafe(), "the write must not end before the reader took the bytes")
          waiting[0]?.()
          yield* Fiber.join(fiber)
        })
      )
    )
  })

  it.live("F84 F87 tells that the reader is gone, however often it is tried", () => {
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
})
