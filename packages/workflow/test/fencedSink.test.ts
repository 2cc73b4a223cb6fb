import { assert, it } from "@effect/vitest"
import { ObjectKey, ObjectSink } from "@longshore/core/ObjectSink"
import { MemorySink } from "@longshore/testkit"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Fence from "../src/internal/fence.ts"
import { fenced } from "../src/internal/fencedSink.ts"

const object = { key: ObjectKey.make("rows.jsonl"), size: 6, partSize: 3, version: "1" }

it.effect("whoever lost the run opens, writes, publishes and discards nothing", () => {
  const store = MemorySink.makeStore()
  return Effect.gen(function* () {
    const numbers = Fence.memory()
    const inner = yield* ObjectSink
    const begun: Array<number> = []
    const watched = ObjectSink.of({
      ...inner,
      open: (object) =>
        Effect.map(inner.open(object), (writer) => ({
          ...writer,
          write: (part, bytes, crc32) => {
            begun.push(part.number)
            return writer.write(part, bytes, crc32)
          }
        }))
    })
    const sink = fenced(watched, yield* Fence.make(numbers).take("a run"))
    const writer = yield* sink.open(object)
    const write = (number: number, text: string) =>
      writer.write({ number, offset: (number - 1) * 3, length: 3 }, Stream.make(Buffer.from(text)), Effect.succeed(0))
    yield* write(1, "abc")
    yield* Fence.make(numbers).take("a run")
    yield* TestClock.adjust("2 seconds")
    const deeds = [sink.open(object), write(2, "def"), writer.commit, writer.discard, sink.settle(object.key)]
    const fibers = yield* Effect.forEach(deeds, (deed) => Effect.forkChild(Effect.asVoid(deed)))
    yield* TestClock.adjust("19 seconds")
    assert.deepStrictEqual(
      fibers.map((fiber) => fiber.pollUnsafe()),
      deeds.map(() => undefined)
    )
    yield* Fiber.interruptAll(fibers)
    assert.deepStrictEqual(begun, [1])
    assert.strictEqual(store.objects.size, 0)
    assert.deepStrictEqual([...(store.uploads.get(object.key)?.parts.keys() ?? [])], [1])
  }).pipe(Effect.scoped, Effect.provide(MemorySink.layer(store)))
})
