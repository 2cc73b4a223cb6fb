/**
 * The plug-in that stores bytes: a folder, a bucket, a pipe. A sink stores *objects* made of *parts* and is the truth
 * about which parts are durable; `Transfer` asks it and fetches only the others.
 *
 * A new sink provides {@link ObjectSink} with {@link make} and proves itself with the suite in `@longshore/testkit`.
 * What only takes bytes in order (a program, a database, a request body) is less work as a `StreamSink`. (The name
 * `Sink` is Effect's.)
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { SinkError } from "./ExportError.ts"

/**
 * The name of an object below the target: segments of letters, digits, `.`, `_` and `-`, joined by `/`, 1024 characters
 * at most. No segment starts with a dot, so no key can leave the target. Keys are made by Longshore (see `Manifest`),
 * never taken from a link.
 *
 * @example
 * ```ts
 * import { ObjectSink } from "@longshore/core"
 * import { Schema } from "effect"
 *
 * const key = ObjectSink.ObjectKey.make("Bill/3fa85f64-5717-4562-b3fc-2c963f66afa6/manifest.json")
 * Schema.is(ObjectSink.ObjectKey)("../manifest.json") // => false
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const ObjectKey = Schema.String.check(
  Schema.isMaxLength(1024),
  Schema.isPattern(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}(\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,199})*$/, {
    message: "Expected segments of letters, digits, '.', '_' and '-' joined by '/'"
  })
).pipe(Schema.brand("ObjectKey"))

/**
 * What {@link ObjectKey} decodes to: a `string` that was checked.
 *
 * @since 0.1.0
 * @category models
 */
export type ObjectKey = typeof ObjectKey.Type

/**
 * What a sink can do. It chooses the algorithm of the transfer *and* the tests of the conformance suite.
 *
 * @since 0.1.0
 * @category models
 */
export interface SinkCapabilities {
  /** What was committed outlives the process and can be asked for with `stat`. */
  readonly durable: boolean
  /** Stored parts outlive the process: a new writer lists them in `stored`. */
  readonly resumable: boolean
  /** Parts may be written in any order and at the same time. Otherwise: in order, one after the other. */
  readonly parallel: boolean
  /** A part that failed half-way can be written again. Otherwise only whole, checked parts are handed over. */
  readonly rewindable: boolean
  /** A reader sees the whole object or nothing. */
  readonly atomic: boolean
  /** Bytes. Every part but the last is at least this long. 1 if any will do. */
  readonly minPartSize: number
  /** How many parts an object may have. Larger files get larger parts. */
  readonly maxParts: number
}

/**
 * An object to be written. Parts that were stored earlier count only for the same `size`, `partSize` and `version`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SinkObject {
  /** Where it goes. */
  readonly key: ObjectKey
  /** Bytes. */
  readonly size: number
  /** Bytes; every part but the last has this length. */
  readonly partSize: number
  /** What the content is known by at its source, such as its ETag. Other content has another version. */
  readonly version: string
}

/**
 * A row of bytes of an object: the unit of one GET, one retry, one step of resume.
 *
 * @since 0.1.0
 * @category models
 */
export interface Part {
  /** From 1. */
  readonly number: number
  /** Bytes. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
}

/**
 * A part that the sink holds since an earlier process. `crc32` is `undefined` where the sink cannot tell it before the
 * object is published; the part is read back then.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoredPart extends Part {
  /** Of the part. `undefined` where the store tells it only of published objects. */
  readonly crc32: number | undefined
}

/**
 * A committed object. `version` is the sink's own token and changes whenever the object does (a modification time, an
 * ETag): a receipt is trusted only while `stat` answers the same.
 *
 * @since 0.1.0
 * @category models
 */
export const StoredObject = Schema.Struct({
  key: ObjectKey,
  /** Bytes. */
  size: Schema.Finite,
  version: Schema.String
})

/**
 * What {@link StoredObject} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type StoredObject = typeof StoredObject.Type

/**
 * A committed object as it is found: as its commit gave it, and without its size where the sink stores another form than
 * it was given, and cannot tell.
 *
 * @since 0.1.0
 * @category models
 */
export type FoundObject = Omit<StoredObject, "size"> & Partial<Pick<StoredObject, "size">>

/**
 * What is found in a place. Others may have put things there, so its key need not be one of ours.
 *
 * @since 0.1.0
 * @category models
 */
export interface ListedObject {
  /** Relative to the target. */
  readonly key: string
  /** Bytes. */
  readonly size: number
  /** It is of the sink's own: what a run has stored and not published. */
  readonly partial: boolean
}

/**
 * What writes one object. `Transfer` opens one for each delivery and closes its scope afterwards, however it ended;
 * parts that are stored stay stored.
 *
 * @since 0.1.0
 * @category models
 */
export interface ObjectWriter {
  /** The parts that were stored when the writer was opened. */
  readonly stored: ReadonlyArray<StoredPart>
  /**
   * Whether a stored part still holds the bytes that its `crc32` speaks of. A sink whose parts can be changed by others
   * or lost by a crash reads them back here, while the missing parts are fetched. Absent where the store vouches for them.
   */
  readonly confirm?: (part: StoredPart) => Effect.Effect<boolean, SinkError>
  /**
   * One attempt at one part. The part counts only if `bytes` ends well with exactly `part.length` bytes (else
   * `SinkError`); an attempt that fails leaves nothing that counts.
   *
   * `bytes` comes in arrays of about 1 MiB in all: consume it by array (`Stream.runForEachArray`, `Stream.toPull`), not
   * by element. **Arrays are lent**: one is valid until the next is asked for, because its memory is used again. Write it
   * or copy it first.
   *
   * `crc32` is the CRC-32 of what `bytes` has given so far, computed once, on receipt. Ask for it when `bytes` has ended,
   * to keep it with the part. Gives the CRC-32 of what is stored, if the store tells it: `Transfer` compares the two.
   */
  readonly write: <E, R>(
    part: Part,
    bytes: Stream.Stream<Uint8Array, E, R>,
    crc32: Effect.Effect<number>
  ) => Effect.Effect<number | undefined, SinkError | E, R>
  /**
   * Publishes the object, all or nothing. Fails unless every part is stored. Idempotent: a second commit of this
   * writer gives the same, and one of a writer that was opened after a crash leaves the same content. That may have another
   * version: `stat` agrees with the last commit.
   */
  readonly commit: Effect.Effect<StoredObject, SinkError>
  /** Drops the parts of this writer's object. For changed content; never touches what is committed. */
  readonly discard: Effect.Effect<void, SinkError>
}

/**
 * Where bytes go.
 *
 * @example What is there?
 * ```ts
 * import { Manifest, Export, ObjectSink } from "@longshore/core"
 * import { Effect, Option } from "effect"
 *
 * const isComplete = Effect.fnUntraced(function* (entityType: Export.EntityType, exportId: Export.ExportId) {
 *   const sink = yield* ObjectSink.ObjectSink
 *   return Option.isSome(yield* sink.stat(Manifest.key(entityType, exportId)))
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class ObjectSink extends Context.Service<
  ObjectSink,
  {
    /** What it can do. Fixed for as long as it lives. */
    readonly capabilities: SinkCapabilities
    /** Where an object is, for people: `file:///…`, `s3://…`. */
    readonly locate: (key: ObjectKey) => string
    /** Bytes that can still be stored, where the sink can tell. Default of {@link make}: it cannot. */
    readonly room: Effect.Effect<Option.Option<number>, SinkError>
    /**
     * Begins an object, or goes on with one that was begun as the same. Closing the scope keeps the parts that are
     * stored.
     */
    readonly open: (object: SinkObject) => Effect.Effect<ObjectWriter, SinkError, Scope.Scope>
    /** Bytes of a committed object. Arrays may be lent, as those that `write` is given. */
    readonly read: (key: ObjectKey, range: Pick<Part, "offset" | "length">) => Stream.Stream<Uint8Array, SinkError>
    /** The committed object, if there is one. */
    readonly stat: (key: ObjectKey) => Effect.Effect<Option.Option<FoundObject>, SinkError>
    /**
     * Everything that is there, whoever put it there, but for names with a dot in front. What is not an object, such as a
     * link, is listed like one. A place that does not exist has nothing.
     */
    readonly list: Effect.Effect<ReadonlyArray<ListedObject>, SinkError>
    /**
     * Drops what was kept beside a committed object only to make its `commit` idempotent across a crash. Called once
     * the whole run is published; the object itself stays.
     */
    readonly settle: (key: ObjectKey) => Effect.Effect<void, SinkError>
  }
>()("@longshore/core/ObjectSink") {}

/**
 * A sink from what every sink must have. The rest has defaults: no measure of its room, nothing to settle, and `read`
 * and `list` that fail, for one that is not `durable` and keeps nothing to be read.
 *
 * A whole one to start from is `MemorySink` of `@longshore/testkit`.
 *
 * @example Around another sink: say what is published
 * ```ts
 * import { ObjectSink } from "@longshore/core"
 * import { FsSink } from "@longshore/sink-fs"
 * import { Effect, Layer } from "effect"
 *
 * const talking = Effect.map(ObjectSink.ObjectSink, (sink) =>
 *   ObjectSink.make({
 *     ...sink,
 *     open: (object) =>
 *       Effect.map(sink.open(object), (writer) => ({
 *         ...writer,
 *         commit: Effect.tap(writer.commit, () => Effect.logInfo(`published ${sink.locate(object.key)}`))
 *       }))
 *   })
 * )
 * const layer = Layer.effect(ObjectSink.ObjectSink, talking).pipe(Layer.provide(FsSink.layer({ directory: "./data" })))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  sink: Pick<ObjectSink["Service"], "capabilities" | "locate" | "open" | "stat"> &
    Partial<Pick<ObjectSink["Service"], "list" | "read" | "room" | "settle">>
): ObjectSink["Service"] =>
  ObjectSink.of({
    room: Effect.succeedNone,
    settle: () => Effect.void,
    read: (key) =>
      Stream.fail(
        new SinkError({ reason: "Unknown", location: sink.locate(key), problem: "it keeps nothing to read" })
      ),
    list: Effect.suspend(() =>
      Effect.fail(
        new SinkError({
          reason: "Unknown",
          location: sink.locate(ObjectKey.make("manifest.json")),
          problem: "this kind of target cannot list what it holds"
        })
      )
    ),
    ...sink
  })

/**
 * The parts of an object, in order. An empty object has none.
 *
 * @example
 * ```ts
 * import { ObjectSink } from "@longshore/core"
 *
 * ObjectSink.parts({ size: 10, partSize: 8 }).at(-1) // => { number: 2, offset: 8, length: 2 }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const parts = (object: Pick<SinkObject, "size" | "partSize">): ReadonlyArray<Part> =>
  Array.from({ length: Math.ceil(object.size / object.partSize) }, (_, i) => ({
    number: i + 1,
    offset: i * object.partSize,
    length: Math.min(object.partSize, object.size - i * object.partSize)
  }))

/**
 * The bytes of a part as one array of their own, for a sink that needs a part whole. It takes as much memory as the
 * part is long. Fails with a `SinkError` unless there are exactly `part.length` of them; `location` is what it names.
 *
 * @example
 * ```ts
 * import { ObjectSink } from "@longshore/core"
 * import { Effect, Stream } from "effect"
 *
 * const bytes = Stream.make(Uint8Array.of(1, 2), Uint8Array.of(3))
 * const whole = ObjectSink.collect({ number: 1, offset: 0, length: 3 }, bytes, "memory:///Bill-00001.jsonl")
 * await Effect.runPromise(whole) // => Uint8Array.of(1, 2, 3)
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const collect = Effect.fnUntraced(function* <E, R>(
  part: Part,
  bytes: Stream.Stream<Uint8Array, E, R>,
  location: string
): Effect.fn.Return<Uint8Array<ArrayBuffer>, SinkError | E, R> {
  const whole = new Uint8Array(part.length)
  let received = 0
  yield* Stream.runForEachArray(bytes, (chunks) => {
    for (const chunk of chunks) {
      if (received + chunk.length <= part.length) whole.set(chunk, received)
      received += chunk.length
    }
    return received <= part.length ? Effect.void : wrongLength(part, received, location)
  })
  return received === part.length ? whole : yield* wrongLength(part, received, location)
})

/**
 * The error of a part that got other bytes than it should. For sinks that count for themselves.
 *
 * @example
 * ```ts
 * import { ObjectSink } from "@longshore/core"
 *
 * const { problem } = ObjectSink.wrongLength({ number: 2, offset: 8, length: 8 }, 5, "file:///data/Bill-00001.jsonl")
 * problem // => "part 2 got 5 of its 8 bytes"
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export const wrongLength = (part: Part, received: number, location: string): SinkError =>
  new SinkError({
    reason: "Unknown",
    location,
    problem: `part ${part.number} got ${received > part.length ? "more than" : `${received} of`} its ${part.length} bytes`
  })
