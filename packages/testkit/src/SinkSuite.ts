/**
 * The conformance suite of sinks. What a sink claims in its `capabilities` chooses the tests: what it does not claim is
 * not asked of it.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { SourceError } from "@longshore/core/ExportError"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { crc32 } from "node:zlib"
import type { TestContext } from "vitest"

/**
 * A place of the sink's own for one test.
 *
 * @since 0.1.0
 * @category models
 */
export interface SinkUnderTest {
  /** The sink on this place. Built again, it is the sink of a new process on the same place. */
  readonly open: Layer.Layer<ObjectSink.ObjectSink, unknown>
  /** What a reader finds under the key, by means other than the sink; `undefined` if nothing. */
  readonly read: (key: string) => Effect.Effect<Uint8Array | undefined, unknown>
}

/**
 * The sink to be tried.
 *
 * @since 0.1.0
 * @category models
 */
export interface SinkSuiteOptions {
  /** A fresh place for each test; the scope ends with the test. */
  readonly make: Effect.Effect<SinkUnderTest, unknown, Scope.Scope>
  /** Titles of tests that are known to fail. A test that does not fail any more fails the suite: take it off the list. */
  readonly knownGaps?: ReadonlyArray<string>
}

type Sink = ObjectSink.ObjectSink["Service"]

interface World {
  readonly place: SinkUnderTest
  /** A process: builds the sink, does something, and is gone with everything that it did not make durable. */
  readonly process: <A>(body: (sink: Sink) => Effect.Effect<A, unknown, Scope.Scope>) => Effect.Effect<A, unknown>
}

const key = ObjectSink.ObjectKey.make("Reservation/3fa85f64-5717-4562-b3fc-2c963f66afa6/Reservation-00001.jsonl")

/** Content that is different at every place, in pieces of odd lengths. */
const content = (size: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(size)
  let state = seed * 2_654_435_761
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}
const piecesOf = (bytes: Uint8Array): ReadonlyArray<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  for (let at = 0, n = 7; at < bytes.length; at += n, n = ((n * 31) % 4093) + 1) pieces.push(bytes.subarray(at, at + n))
  return pieces
}
/** Tells that it was reached, and never goes on. */
const silentAfter = (begun: Deferred.Deferred<void>): Stream.Stream<Uint8Array> =>
  Stream.fromEffect(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
/**
 * The bytes of a part as the fastest source gives them: a few arrays at a time, whose memory is used again for the next
 * ones. A sink that keeps an array stores something else.
 */
const streamOf = (bytes: Uint8Array, part: Pick<ObjectSink.Part, "offset" | "length">): Stream.Stream<Uint8Array> =>
  Stream.fromPull(
    Effect.sync(() => {
      const pieces = [...piecesOf(bytes.subarray(part.offset, part.offset + part.length))]
      let lent: ReadonlyArray<Uint8Array> = []
      return Effect.suspend(() => {
        for (const array of lent) array.fill(0xee)
        lent = pieces.splice(0, 5).map((piece) => piece.slice())
        const [first, ...rest] = lent
        return first === undefined ? Cause.done() : Effect.succeed([first, ...rest] as const)
      })
    })
  )

/** An attempt at a part, with the CRC-32 of what the stream gave. */
const attempt = <E, R>(
  writer: ObjectSink.ObjectWriter,
  part: ObjectSink.Part,
  bytes: Stream.Stream<Uint8Array, E, R>
) =>
  Effect.suspend(() => {
    let crc = 0
    const summed = Stream.mapArray(bytes, (chunks) => {
      for (const chunk of chunks) crc = crc32(chunk, crc)
      return chunks
    })
    return writer.write(
      part,
      summed,
      Effect.sync(() => crc)
    )
  })

const objectOf = (bytes: Uint8Array, sink: Sink, more: Partial<ObjectSink.SinkObject> = {}): ObjectSink.SinkObject => ({
  key,
  size: bytes.length,
  partSize: Math.max(1000, sink.capabilities.minPartSize),
  version: "version 1",
  ...more
})

/** Three parts and a short one, whatever the smallest part is. */
const someBytes = (sink: Sink, seed = 1) => content(Math.max(1000, sink.capabilities.minPartSize) * 3 + 137, seed)

const write = (writer: ObjectSink.ObjectWriter, bytes: Uint8Array, part: ObjectSink.Part) =>
  Effect.map(attempt(writer, part, streamOf(bytes, part)), (stored) => {
    if (stored !== undefined) assert.strictEqual(stored, checksum(bytes, part), "the CRC-32 that the store tells")
  })

/** What a writer holds, by number, with the CRC-32 that the bytes have where the sink cannot tell it. */
const held = (writer: ObjectSink.ObjectWriter, bytes: Uint8Array) =>
  writer.stored
    .map((part) => ({ ...part, crc32: part.crc32 ?? checksum(bytes, part) }))
    .sort((a, b) => a.number - b.number)

const checksum = (bytes: Uint8Array, { length, offset }: ObjectSink.Part) =>
  crc32(bytes.subarray(offset, offset + length))

const writeAll = (writer: ObjectSink.ObjectWriter, object: ObjectSink.SinkObject, bytes: Uint8Array) =>
  Effect.forEach(
    ObjectSink.parts(object).filter((part) => !writer.stored.some((stored) => stored.number === part.number)),
    (part) => write(writer, bytes, part)
  )

const deliver = (sink: Sink, object: ObjectSink.SinkObject, bytes: Uint8Array) =>
  Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* sink.open(object)
      yield* writeAll(writer, object, bytes)
      return yield* writer.commit
    })
  )

const fails = <A, E, R>(effect: Effect.Effect<A, E, R>, message: string) =>
  Effect.flatMap(Effect.exit(effect), (exit) => Effect.sync(() => assert.strictEqual(exit._tag, "Failure", message)))

const published = (world: World, expected: Uint8Array | undefined) =>
  Effect.map(world.place.read(key), (found) => {
    if (expected === undefined) assert.isUndefined(found, "nothing may be visible")
    else {
      assert.isDefined(found, "the object must be visible")
      assert.strictEqual(Buffer.compare(found ?? new Uint8Array(), expected), 0, "the object's bytes")
    }
  })

/**
 * Declares the tests of a sink, under this name. Call it in a file of tests of vitest: parts in any order and at the same time, a
 * crash and a new process after every step, two commits, streams that break off, changed content, two writers, keys that
 * try to escape, interruptions. Time is real, and each test has 30 seconds.
 *
 * The streams lend their arrays, as the fastest source does: each is overwritten once the next one is asked for.
 *
 * @example
 * ```ts
 * import { MemorySink, SinkSuite } from "@longshore/testkit"
 * import { Effect } from "effect"
 *
 * SinkSuite.suite("MemorySink", {
 *   make: Effect.sync(() => {
 *     const store = MemorySink.makeStore()
 *     return { open: MemorySink.layer(store), read: (key) => Effect.sync(() => store.objects.get(key)?.bytes) }
 *   })
 * })
 * ```
 *
 * @since 0.1.0
 * @category suites
 */
export const suite = (name: string, options: SinkSuiteOptions): void => {
  const gaps = new Set(options.knownGaps)
  const test = (
    title: string,
    claims: (capabilities: ObjectSink.SinkCapabilities) => boolean,
    body: (sink: Sink, world: World) => Effect.Effect<void, unknown, Scope.Scope>
  ): void => {
    const claimed = Effect.scoped(
      Effect.gen(function* () {
        const place = yield* options.make
        const process: World["process"] = (inside) =>
          Effect.scoped(
            Effect.provide(
              Effect.flatMap(ObjectSink.ObjectSink, (sink) => inside(sink)),
              place.open
            )
          )
        return yield* process((sink) =>
          claims(sink.capabilities) ? Effect.as(body(sink, { place, process }), true) : Effect.succeed(false)
        )
      })
    )
    // A skip from within an effect would be printed as an error.
    const run = async ({ signal, skip }: TestContext) => {
      if (!(await Effect.runPromise(claimed, { signal }))) skip("the sink does not claim to do this")
    }
    const expected = gaps.delete(title) ? it.fails : it
    expected(title, run, 30_000)
  }
  const always = () => true

  describe(`${name} (sink)`, () => {
    test("publishes what was written, from arrays that are lent", always, (sink, world) =>
      Effect.gen(function* () {
        const bytes = someBytes(sink)
        const object = objectOf(bytes, sink)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(object)
            assert.deepStrictEqual(writer.stored, [])
            for (const part of ObjectSink.parts(object)) {
              yield* write(writer, bytes, part)
            }
            if (sink.capabilities.atomic) yield* published(world, undefined)
            const committed = yield* writer.commit
            assert.strictEqual(committed.key, key)
            assert.strictEqual(committed.size, bytes.length)
          })
        )
        yield* published(world, bytes)
      })
    )

    for (const [what, size] of [
      ["an empty object", 0],
      ["one byte", 1],
      ["exactly one part", 1000],
      ["a part and a byte", 1001]
    ] as const) {
      test(
        `takes ${what}`,
        ({ minPartSize }) => minPartSize <= 1000,
        (sink, world) =>
          Effect.gen(function* () {
            const bytes = content(size)
            yield* deliver(sink, objectOf(bytes, sink), bytes)
            yield* published(world, bytes)
          })
      )
    }

    test("takes a part of one large array and of many small ones", always, (sink, world) =>
      Effect.gen(function* () {
        const bytes = content(Math.max(3_000_000, sink.capabilities.minPartSize))
        yield* deliver(sink, objectOf(bytes, sink, { partSize: bytes.length }), bytes)
        yield* published(world, bytes)
      })
    )

    test("does not commit while parts are missing", always, (sink, world) =>
      Effect.scoped(
        Effect.gen(function* () {
          const bytes = someBytes(sink)
          const object = objectOf(bytes, sink)
          const writer = yield* sink.open(object)
          const [first] = ObjectSink.parts(object)
          if (first !== undefined) yield* write(writer, bytes, first)
          yield* fails(writer.commit, "a commit without all parts")
          if (sink.capabilities.atomic) yield* published(world, undefined)
        })
      )
    )

    test("takes no part with too few bytes, too many, or none", always, (sink, world) =>
      Effect.scoped(
        Effect.gen(function* () {
          const bytes = someBytes(sink)
          const object = objectOf(bytes, sink)
          const writer = yield* sink.open(object)
          const [first] = ObjectSink.parts(object)
          if (first === undefined) return
          const short = { ...first, length: first.length - 1 }
          const long = { ...first, length: first.length + 1 }
          yield* fails(attempt(writer, first, streamOf(bytes, short)), "a part that is too short")
          yield* fails(attempt(writer, first, streamOf(bytes, long)), "a part that is too long")
          yield* fails(attempt(writer, first, Stream.empty), "a part without bytes")
          yield* fails(writer.commit, "a commit after parts that did not count")
          yield* writeAll(writer, object, bytes)
          yield* writer.commit
          yield* published(world, bytes)
        })
      )
    )

    test("passes on the error of a stream as it is, and the part can be written again", always, (sink, world) =>
      Effect.scoped(
        Effect.gen(function* () {
          const bytes = someBytes(sink)
          const object = objectOf(bytes, sink)
          const writer = yield* sink.open(object)
          const [first] = ObjectSink.parts(object)
          if (first === undefined) return
          const error = new SourceError({ reason: "Truncated", problem: "broke off" })
          const half = { ...first, length: Math.floor(first.length / 2) }
          const broken = Stream.concat(streamOf(content(bytes.length, 99), half), Stream.fail(error))
          const result = yield* Effect.result(attempt(writer, first, broken))
          assert.strictEqual(result._tag === "Failure" && result.failure, error)
          yield* writeAll(writer, object, bytes)
          yield* writer.commit
          yield* published(world, bytes)
        })
      )
    )

    test("a write that is interrupted does not count, and harms no later one", always, (sink, world) =>
      Effect.scoped(
        Effect.gen(function* () {
          const bytes = someBytes(sink)
          const object = objectOf(bytes, sink)
          const writer = yield* sink.open(object)
          const [first] = ObjectSink.parts(object)
          if (first === undefined) return
          const begun = yield* Deferred.make<void>()
          const stuck = Stream.concat(
            streamOf(content(bytes.length, 99), { ...first, length: 500 }),
            silentAfter(begun)
          )
          const fiber = yield* Effect.forkChild(attempt(writer, first, stuck))
          yield* Deferred.await(begun)
          yield* Fiber.interrupt(fiber)
          yield* fails(writer.commit, "a commit after an interrupted part")
          yield* writeAll(writer, object, bytes)
          yield* writer.commit
          yield* published(world, bytes)
        })
      )
    )

    test("commits twice to the same object", always, (sink, world) =>
      Effect.scoped(
        Effect.gen(function* () {
          const bytes = someBytes(sink)
          const object = objectOf(bytes, sink)
          const writer = yield* sink.open(object)
          yield* writeAll(writer, object, bytes)
          const first = yield* writer.commit
          assert.deepStrictEqual(yield* writer.commit, first)
          yield* published(world, bytes)
        })
      )
    )

    test(
      "lists what is committed, of any process",
      ({ durable }) => durable,
      (sink, world) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* sink.list, [])
          const bytes = someBytes(sink)
          const other = ObjectSink.ObjectKey.make(key.replace("00001", "00002"))
          const small = content(10)
          yield* deliver(sink, objectOf(bytes, sink), bytes)
          yield* deliver(sink, objectOf(small, sink, { key: other }), small)
          yield* Effect.forEach([key, other], sink.settle)
          yield* world.process((next) =>
            Effect.map(next.list, (found) =>
              assert.sameDeepMembers(
                [...found],
                [
                  { key: String(key), size: bytes.length, partial: false },
                  { key: String(other), size: small.length, partial: false }
                ]
              )
            )
          )
        })
    )

    for (const bad of ["../escape", "a/../../escape", "/etc/escape", "a//b", "..", "a/./b", "a\0b"]) {
      test(
        `lets no key leave the target: ${JSON.stringify(bad)}`,
        ({ durable }) => durable,
        (sink, world) =>
          Effect.gen(function* () {
            const bytes = content(10)
            // A program without types can pass anything.
            const object = {
              ...objectOf(bytes, sink),
              key: ObjectSink.ObjectKey.make(bad, { disableChecks: true }),
              partSize: 1_000_000_000
            }
            yield* fails(deliver(sink, object, bytes), "an object outside of the target")
            yield* published(world, undefined)
          })
      )
    }

    test(
      "takes parts in any order",
      ({ parallel }) => parallel,
      (sink, world) =>
        Effect.scoped(
          Effect.gen(function* () {
            const bytes = someBytes(sink)
            const object = objectOf(bytes, sink)
            const writer = yield* sink.open(object)
            for (const part of ObjectSink.parts(object).toReversed()) yield* write(writer, bytes, part)
            yield* writer.commit
            yield* published(world, bytes)
          })
        )
    )

    test(
      "takes parts at the same time",
      ({ parallel }) => parallel,
      (sink, world) =>
        Effect.scoped(
          Effect.gen(function* () {
            const partSize = Math.max(1000, sink.capabilities.minPartSize)
            const bytes = content(partSize * 20 + 1)
            const object = objectOf(bytes, sink, { partSize })
            const writer = yield* sink.open(object)
            yield* Effect.forEach(ObjectSink.parts(object), (part) => write(writer, bytes, part), {
              concurrency: 8,
              discard: true
            })
            yield* writer.commit
            yield* published(world, bytes)
          })
        )
    )

    test(
      "refuses a part out of order, or keeps it whole",
      ({ parallel }) => !parallel,
      (sink) =>
        Effect.scoped(
          Effect.gen(function* () {
            const bytes = someBytes(sink)
            const object = objectOf(bytes, sink)
            const writer = yield* sink.open(object)
            const second = ObjectSink.parts(object)[1]
            if (second !== undefined) yield* fails(write(writer, bytes, second), "the second part before the first")
          })
        )
    )

    test(
      "tells nothing of an object that is not there",
      ({ durable }) => durable,
      (sink) => Effect.map(sink.stat(key), (found) => assert.isTrue(Option.isNone(found)))
    )

    test(
      "stat agrees with commit, in this process and in the next",
      ({ durable }) => durable,
      (sink, world) =>
        Effect.gen(function* () {
          const bytes = someBytes(sink)
          const committed = yield* deliver(sink, objectOf(bytes, sink), bytes)
          assert.deepStrictEqual(yield* sink.stat(key), Option.some(committed))
          assert.deepStrictEqual(yield* world.process((next) => next.stat(key)), Option.some(committed))
        })
    )

    test(
      "gives back what is published, any bytes of it",
      ({ durable }) => durable,
      (sink) =>
        Effect.gen(function* () {
          const bytes = someBytes(sink)
          yield* fails(Stream.runDrain(sink.read(key, { offset: 0, length: 1 })), "reading what is not there")
          yield* deliver(sink, objectOf(bytes, sink), bytes)
          const last = bytes.length - 1
          for (const [offset, length] of [
            [0, bytes.length],
            [1, 999],
            [last, 1]
          ] as const) {
            const found = Buffer.concat(
              yield* Stream.runCollect(Stream.map(sink.read(key, { offset, length }), (array) => array.slice()))
            )
            assert.strictEqual(Buffer.compare(found, bytes.subarray(offset, offset + length)), 0)
          }
        })
    )

    test(
      "an object that is written again has another version",
      ({ durable, rewindable }) => durable && rewindable,
      (sink, world) =>
        Effect.gen(function* () {
          const first = someBytes(sink)
          const second = someBytes(sink, 2)
          const before = yield* deliver(sink, objectOf(first, sink), first)
          const after = yield* deliver(sink, objectOf(second, sink, { version: "version 2" }), second)
          assert.notStrictEqual(before.version, after.version)
          yield* published(world, second)
        })
    )

    test(
      "settle leaves the object, once and again",
      ({ durable }) => durable,
      (sink, world) =>
        Effect.gen(function* () {
          yield* sink.settle(key)
          const bytes = someBytes(sink)
          const committed = yield* deliver(sink, objectOf(bytes, sink), bytes)
          yield* sink.settle(key)
          yield* sink.settle(key)
          assert.deepStrictEqual(yield* sink.stat(key), Option.some(committed))
          yield* published(world, bytes)
        })
    )

    test(
      "discard drops the parts and leaves what is published",
      ({ durable, rewindable }) => durable && rewindable,
      (sink, world) =>
        Effect.gen(function* () {
          const old = someBytes(sink)
          yield* deliver(sink, objectOf(old, sink), old)
          const bytes = someBytes(sink, 2)
          const object = objectOf(bytes, sink, { version: "version 2" })
          yield* world.process((next) =>
            Effect.gen(function* () {
              const writer = yield* next.open(object)
              const [first] = ObjectSink.parts(object)
              if (first !== undefined) yield* write(writer, bytes, first)
              yield* writer.discard
            })
          )
          yield* published(world, old)
          const stored = yield* world.process((next) => Effect.map(next.open(object), (writer) => writer.stored))
          assert.deepStrictEqual(stored, [])
        })
    )

    test(
      "keeps parts through a crash after each of them",
      ({ resumable }) => resumable,
      (sink, world) =>
        Effect.gen(function* () {
          const bytes = someBytes(sink)
          const object = objectOf(bytes, sink)
          const all = ObjectSink.parts(object)
          const written: Array<ObjectSink.StoredPart> = []
          for (const part of all.toReversed()) {
            yield* world.process((next) =>
              Effect.gen(function* () {
                const writer = yield* next.open(object)
                assert.deepStrictEqual(held(writer, bytes), written)
                for (const stored of writer.stored) {
                  if (writer.confirm !== undefined) assert.isTrue(yield* writer.confirm(stored))
                }
                yield* write(writer, bytes, part)
              })
            )
            written.unshift({ ...part, crc32: checksum(bytes, part) })
            if (sink.capabilities.atomic) yield* published(world, undefined)
          }
          yield* world.process((next) => Effect.flatMap(next.open(object), (writer) => writer.commit))
          yield* published(world, bytes)
        })
    )

    test(
      "a part that was cut off by a crash is not stored",
      ({ resumable }) => resumable,
      (sink, world) =>
        Effect.gen(function* () {
          const bytes = someBytes(sink)
          const object = objectOf(bytes, sink)
          const [first] = ObjectSink.parts(object)
          if (first === undefined) return
          yield* world.process((next) =>
            Effect.gen(function* () {
              const writer = yield* next.open(object)
              const begun = yield* Deferred.make<void>()
              const half = streamOf(bytes, { ...first, length: 500 })
              const stuck = Stream.concat(half, silentAfter(begun))
              yield* Effect.forkScoped(attempt(writer, first, stuck))
              yield* Deferred.await(begun)
            })
          )
          const stored = yield* world.process((next) => Effect.map(next.open(object), (writer) => writer.stored))
          assert.deepStrictEqual(stored, [])
          const committed = yield* world.process((next) => deliver(next, object, bytes))
          assert.strictEqual(committed.size, bytes.length)
          yield* published(world, bytes)
        })
    )

    test(
      "a commit whose answer was lost is the same commit",
      ({ resumable }) => resumable,
      (sink, world) =>
        Effect.gen(function* () {
          const bytes = someBytes(sink)
          const object = objectOf(bytes, sink)
          const first = yield* world.process((next) => deliver(next, object, bytes))
          // The process died before it could note the receipt: the next one opens the same object again.
          const again = yield* world.process((next) =>
            Effect.gen(function* () {
              const writer = yield* next.open(object)
              yield* writeAll(writer, object, bytes)
              return yield* writer.commit
            })
          )
          assert.strictEqual(again.size, first.size)
          assert.deepStrictEqual(yield* sink.stat(key), Option.some(again))
          yield* published(world, bytes)
        })
    )

    test(
      "parts of another version or another cut do not count, and what is published stays until the commit",
      ({ resumable }) => resumable,
      (sink, world) =>
        Effect.gen(function* () {
          const old = someBytes(sink)
          yield* world.process((next) => deliver(next, objectOf(old, next), old))
          const bytes = someBytes(sink, 2)
          const second = objectOf(bytes, sink, { version: "version 2" })
          yield* world.process((next) =>
            Effect.gen(function* () {
              const writer = yield* next.open(second)
              assert.deepStrictEqual(writer.stored, [])
              const [first] = ObjectSink.parts(second)
              if (first !== undefined) yield* write(writer, bytes, first)
            })
          )
          yield* published(world, old)
          const third = { ...second, partSize: second.partSize * 2 }
          yield* world.process((next) =>
            Effect.gen(function* () {
              const writer = yield* next.open(third)
              assert.deepStrictEqual(writer.stored, [])
              yield* writeAll(writer, third, bytes)
              yield* published(world, old)
              yield* writer.commit
            })
          )
          yield* published(world, bytes)
        })
    )

    test(
      "two writers of one object leave one right object",
      ({ parallel, resumable }) => parallel && resumable,
      (sink, world) =>
        Effect.scoped(
          Effect.gen(function* () {
            const bytes = someBytes(sink)
            const object = objectOf(bytes, sink)
            const one = yield* sink.open(object)
            // The second one comes while the first is at work, and may be turned away.
            const two = yield* Effect.result(sink.open(object))
            const writers = two._tag === "Success" ? [one, two.success] : [one]
            yield* Effect.forEach(writers, (writer) => writeAll(writer, object, bytes), {
              concurrency: 2,
              discard: true
            })
            const results = yield* Effect.forEach(writers, (writer) => Effect.result(writer.commit), { concurrency: 2 })
            assert.isTrue(results.some((result) => result._tag === "Success"))
            yield* published(world, bytes)
          })
        )
    )

    for (const title of gaps) it(`knows the gap "${title}"`, () => assert.fail("no test has this title"))
  })
}
