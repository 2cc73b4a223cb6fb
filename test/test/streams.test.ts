/** A sink from a function over a stream: what the function sees, in whole runs. */
import { assert, describe, it } from "@effect/vitest"
import { type ObjectSink, StreamSink } from "@longshore/core"
import { SinkSuite } from "@longshore/testkit"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { failure, makeWorld, patiently, truth } from "./world.ts"

interface Place<E> {
  readonly kept: Map<string, { readonly bytes: Buffer; readonly version: string }>
  readonly keep: (object: ObjectSink.SinkObject, bytes: Stream.Stream<Uint8Array>) => Effect.Effect<void, E>
}

/** A place that keeps what came whole, as a folder does in which a file is renamed once it is. */
const makePlace = (): Place<never> => {
  const kept: Place<never>["kept"] = new Map()
  let revision = 0
  const keep: Place<never>["keep"] = (object, bytes) =>
    Effect.map(Stream.runCollect(bytes), (arrays) => {
      kept.set(object.key, { bytes: Buffer.concat(arrays), version: `revision ${++revision}` })
    })
  return { kept, keep }
}

const durable = <E>({ keep, kept }: Place<E>, tellsSize = true) =>
  StreamSink.layer({
    locate: (key) => `place:///${key}`,
    consume: (object, bytes) =>
      /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(object.key) ? keep(object, bytes) : Effect.die("no such key"),
    stat: (key) =>
      Effect.sync(() =>
        Option.map(Option.fromUndefinedOr(kept.get(key)), ({ bytes, version }) => ({
          key,
          version,
          ...(tellsSize ? { size: bytes.length } : {})
        }))
      ),
    read: (key, { length, offset }) =>
      Stream.suspend(() => {
        const found = kept.get(key)
        return found === undefined
          ? Stream.die("it is not there")
          : Stream.make(Uint8Array.from(found.bytes.subarray(offset, offset + length)))
      }),
    list: Effect.sync(() => [...kept].map(([key, { bytes }]) => ({ key, size: bytes.length, partial: false })))
  })

SinkSuite.suite("StreamSink with stat", {
  make: Effect.sync(() => {
    const place = makePlace()
    return {
      open: Layer.fresh(durable(place)),
      read: (key) => Effect.sync(() => place.kept.get(key)?.bytes)
    }
  })
})

SinkSuite.suite("StreamSink without stat", {
  make: Effect.sync(() => {
    const place = makePlace()
    return {
      open: Layer.fresh(StreamSink.layer({ locate: (key) => `rows of ${key}`, consume: place.keep })),
      read: (key) => Effect.sync(() => place.kept.get(key)?.bytes)
    }
  })
})

const simulator = { files: 3, fileSize: 300_000 }

describe("a function over a stream", () => {
  it.effect("gets every byte of every file in order, though parts come in any order and break off", () =>
    Effect.gen(function* () {
      const place = makePlace()
      const sink = StreamSink.layer({ locate: (key) => `rows of ${key}`, consume: place.keep })
      const world = yield* makeWorld({
        simulator: { ...simulator, faults: [{ name: "reset-file", count: 4 }] },
        sink
      })
      const result = yield* patiently(world.run())
      const [export_] = yield* truth(world.simulator)
      assert.deepStrictEqual(
        [...place.kept].map(([key, { bytes }]) => ({ key, bytes })),
        export_?.files.map(({ bytes, key }) => ({ key, bytes }))
      )
      assert.include(result.location, "rows of Reservation/")
      assert.include(world.tags(), "PartRetried")
    })
  )

  it.effect("that fails ends the run with what it says", () =>
    Effect.gen(function* () {
      const sink = StreamSink.layer({
        locate: () => "the table",
        consume: () => Effect.tryPromise(() => Promise.reject(new Error("column Id is missing")))
      })
      const world = yield* makeWorld({ simulator, sink })
      const error = yield* patiently(Effect.flip(world.run()))
      assert.strictEqual(error._tag, "SinkError")
      assert.include(error.message, "column Id is missing")
      assert.include(error.message, "the table")
    })
  )

  it.effect("that ends too early is told so, and nothing hangs", () =>
    Effect.gen(function* () {
      const sink = StreamSink.layer({
        locate: () => "the table",
        consume: (_, bytes) => Stream.runDrain(Stream.take(bytes, 1))
      })
      const world = yield* makeWorld({ simulator, sink })
      const error = yield* patiently(Effect.flip(world.run()))
      assert.include(error.message, "ended before all of them had come")
    })
  )

  it.effect("is interrupted, and never sees an end, when the run is", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const seen: Array<string> = []
      const sink = StreamSink.layer({
        locate: () => "the table",
        consume: (_, bytes) =>
          Stream.runForEach(bytes, () => Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)).pipe(
            Effect.onExit((exit) => Effect.sync(() => seen.push(exit._tag))),
            Effect.andThen(Effect.sync(() => seen.push("renamed")))
          )
      })
      const world = yield* makeWorld({ simulator, sink })
      const fiber = yield* Effect.forkChild(world.run())
      yield* patiently(Deferred.await(begun))
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(seen, ["Failure"])
    })
  )

  for (const tellsSize of [true, false]) {
    it.effect(
      `with stat, ${tellsSize ? "and" : "without"} sizes: what is there is not fetched again, and a manifest comes last`,
      () =>
        Effect.gen(function* () {
          const place = makePlace()
          let mended = false
          const keep: Place<string>["keep"] = (object, bytes) =>
            mended || !object.key.endsWith("00003.jsonl") ? place.keep(object, bytes) : Effect.fail("the disk is full")
          const world = yield* makeWorld({ simulator, sink: Layer.fresh(durable({ ...place, keep }, tellsSize)) })
          assert.strictEqual(yield* patiently(failure(world.run())), "SinkError")
          assert.deepStrictEqual(
            [...place.kept.keys()].map((key) => key.slice(-11)),
            ["00001.jsonl", "00002.jsonl"]
          )
          mended = true
          const before = yield* world.count("file", 206)
          const result = yield* patiently(world.run())
          // A probe and five parts of the third file, and no byte of the others.
          assert.strictEqual((yield* world.count("file", 206)) - before, 5)
          assert.match([...place.kept.keys()].at(-1) ?? "", /manifest\.json$/)
          assert.strictEqual(result.files.length, 3)
          // Something else of that size stands in its place: then it is delivered again, and only that.
          const [found] = [...place.kept]
          assert.isDefined(found)
          if (found === undefined) return
          const [first, { bytes }] = found
          place.kept.set(first, { bytes: Buffer.alloc(bytes.length), version: "edited" })
          yield* patiently(world.run())
          assert.strictEqual(Buffer.compare(place.kept.get(first)?.bytes ?? Buffer.alloc(0), bytes), 0)
        })
    )
  }
})
