/**
 * One file, source to sink, part by part. Parts of one file and of many files move at the same time under one budget.
 * The sink is asked for by each call, so runs into different targets share the budget as well. Only this module retries:
 * each attempt is a new GET and a new write. `ExportRun` drives it; by itself it delivers files of an export that is
 * ready, without a journal and without a manifest.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Crc32 from "./Crc32.ts"
import { IntegrityError, SinkError, SourceError, type TransferFailed } from "./ExportError.ts"
import { publish } from "./ExportEvent.ts"
import { FileIdentity, type FileLinks, type LinkError } from "./FileLinks.ts"
import { makeRetrying, summed, watched } from "./internal/attempts.ts"
import * as Budget from "./internal/budget.ts"
import { reader } from "./internal/reader.ts"
import { span } from "./internal/tracing.ts"
import {
  collect,
  ObjectSink,
  type ObjectKey,
  type ObjectWriter,
  type Part,
  parts,
  type StoredObject,
  type StoredPart
} from "./ObjectSink.ts"
import { Source } from "./Source.ts"

/**
 * How a file is cut. It is decided once and remembered, because a resume must cut the same parts. `etag` is `null`
 * where the host has none, and where a file that comes in one GET needs none.
 *
 * @since 0.1.0
 * @category models
 */
export const FilePlan = Schema.Struct({
  ...FileIdentity.fields,
  /** Bytes. */
  partSize: Schema.Finite,
  etag: Schema.NullOr(Schema.String),
  /** Whether it comes in ranges. Otherwise it comes in one GET, and a resume starts it again. */
  ranges: Schema.Boolean
})

/**
 * What {@link FilePlan} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type FilePlan = typeof FilePlan.Type

/**
 * A file that was published.
 *
 * @since 0.1.0
 * @category models
 */
export interface Delivered {
  /** As its commit gave it: compare it with a later `stat`. */
  readonly stored: StoredObject
  /** CRC-32 of the whole file, as it was received. */
  readonly crc32: number
  /** CRC-32 of each part, in order. */
  readonly parts: ReadonlyArray<number>
}

/**
 * What a delivery can fail with. `SourceError` where trying again is no use, `TransferFailed` where it was tried often
 * enough, `IntegrityError` where sizes disagree, `SinkError` of the sink, and what stands between it and a fresh link.
 *
 * @since 0.1.0
 * @category errors
 */
export type TransferError = SourceError | TransferFailed | IntegrityError | SinkError | LinkError

/**
 * How much at the same time, and how patiently.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransferOptions {
  /**
   * Parts on their way at the same time, of all files and runs together. Default 8. A host that is overloaded gets fewer
   * for a while.
   */
  readonly concurrency?: number
  /**
   * Files that are delivered at the same time, of all runs together. Default: twice `concurrency`, so that some are
   * published while others are on their way. A file that waits for its turn holds nothing of the sink; one on its way into
   * a sink that is not `rewindable` holds up to five parts in memory.
   */
  readonly files?: number
  /**
   * How often a part is tried again, with growing pauses and never before the host's `Retry-After`. Default 6: about
   * half a minute. Links that ended do not count.
   */
  readonly retries?: number
  /**
   * How long a connection may be silent, or next to silent (under 1 KiB/s), before it is cut and the part tried again.
   * Only the time in which the host is waited for counts. Default 30 seconds.
   */
  readonly stallTimeout?: Duration.Input
}

/**
 * Moves files into the sink that the caller provides. Everything that uses one service shares its budget, whatever the
 * target: build it once for a process.
 *
 * @example The first file of an export that is ready
 * ```ts
 * import { Export, FileLinks, Manifest, Transfer } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const deliverFirst = Effect.fnUntraced(function* (ready: Export.Export) {
 *   const [first] = ready.files
 *   if (first === undefined) return undefined
 *   const links = yield* FileLinks.make(ready.id)
 *   yield* links.offer(ready)
 *
 *   const transfer = yield* Transfer.Transfer
 *   const key = Manifest.fileKey(ready.entityType, ready.id, 0)
 *   const file = { index: 0, path: FileLinks.path(first), size: first.sizeInBytes }
 *   const plan = yield* transfer.plan(key, file, 8 * 1024 * 1024, links)
 *   return yield* transfer.deliver(key, plan, links)
 * })
 * ```
 *
 * @effect-expect-leaking ObjectSink
 * @since 0.1.0
 * @category services
 */
export class Transfer extends Context.Service<
  Transfer,
  {
    /** How many parts the budget lets move at once. */
    readonly concurrency: number
    /**
     * Asks the host about a file and decides how to cut it: parts of `partSize` bytes, or more if the sink's limits ask
     * for it. A file of one part is not asked about. Fails with `IntegrityError` if the host has another size than the
     * API announced.
     */
    readonly plan: (
      key: ObjectKey,
      file: FileIdentity,
      partSize: number,
      links: FileLinks
    ) => Effect.Effect<FilePlan, TransferError, ObjectSink>
    /**
     * Moves what the sink does not hold yet and publishes the object. Fails with `SourceError` of reason
     * `ContentChanged`, and drops the stored parts, when the file is no longer the one that was planned: plan it again.
     */
    readonly deliver: (
      key: ObjectKey,
      plan: FilePlan,
      links: FileLinks
    ) => Effect.Effect<Delivered, TransferError, ObjectSink>
  }
>()("@longshore/core/Transfer") {}

/**
 * The transfer from the source that is provided. The sink is given to each run.
 *
 * @example At most two parts at a time
 * ```ts
 * import { HttpSource, Transfer } from "@longshore/core"
 * import { Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const transfer = Transfer.layer({ concurrency: 2, stallTimeout: "10 seconds" }).pipe(
 *   Layer.provide(HttpSource.layer),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: TransferOptions = {}): Layer.Layer<Transfer, never, Source> =>
  Layer.effect(
    Transfer,
    Effect.gen(function* () {
      const source = yield* Source
      const crc32 = yield* Crc32.Crc32
      const concurrency = options.concurrency ?? 8
      const stallTimeout = Duration.fromInputUnsafe(options.stallTimeout ?? "30 seconds")
      const turns = yield* Semaphore.make(options.files ?? 2 * concurrency)
      const attempts = makeRetrying({ budget: yield* Budget.make(concurrency), retries: options.retries ?? 6 })

      const watching = <A, E, R>(key: ObjectKey, bytes: Bytes, consume: (bytes: Bytes) => Effect.Effect<A, E, R>) =>
        watched({ key, stallTimeout }, bytes, consume)

      const isStored = (key: ObjectKey, part: Part) =>
        publish({ _tag: "PartStored", key, part: part.number, bytes: part.length })

      /** One attempt at a part. What the store says it got must be what was received. */
      const write = Effect.fnUntraced(function* <E>(
        { done, key, sink, writer }: Delivery,
        part: Part,
        bytes: Stream.Stream<Uint8Array, E>
      ) {
        const [sum, received] = summed(crc32, bytes)
        const stored = yield* writer.write(part, sum, received)
        const crc = yield* received
        if (stored !== undefined && stored !== crc) {
          return yield* new SinkError({
            reason: "Corrupt",
            location: sink.locate(key),
            problem: `part ${part.number} was received with CRC-32 ${Crc32.toHex(crc)} and stored with ${Crc32.toHex(stored)}`
          })
        }
        done.set(part.number, { ...part, crc32: crc })
      })

      /** Into a sink that takes parts in any order and can take an attempt back. */
      const inAnyOrder = (delivery: Delivery, missing: ReadonlyArray<Part>) => {
        const { key, links, plan, sink } = delivery
        return Effect.forEach(
          missing,
          (part) =>
            attempts({ key, part: part.number, file: plan, links }, (link) =>
              watching(key, source.part(link, sourceFile(plan), part), (bytes) => write(delivery, part, bytes))
            ).pipe(Effect.andThen(isStored(key, part))),
          { concurrency: sink.capabilities.parallel ? concurrency : 1, discard: true }
        )
      }

      /** Into a pipe: parts are fetched side by side, and handed over whole and in order. */
      const inOrder = (delivery: Delivery, missing: ReadonlyArray<Part>) => {
        const { key, links, plan } = delivery
        return Stream.fromIterable(missing).pipe(
          Stream.mapEffect(
            (part) =>
              attempts({ key, part: part.number, file: plan, links }, (link) =>
                watching(key, source.part(link, sourceFile(plan), part), (bytes) => collect(part, bytes, key))
              ).pipe(Effect.map((whole) => ({ part, whole }))),
            // What is fetched and not yet handed over is held in memory: a few parts, never a file.
            { concurrency: Math.min(concurrency, 4) }
          ),
          Stream.runForEach(({ part, whole }) =>
            Effect.andThen(write(delivery, part, Stream.make(whole)), isStored(key, part))
          )
        )
      }

      /**
       * One GET from the first byte fills the parts in order: for a host without ranges, and for a file that is one part.
       * What is stored already is compared with the bytes that come again, so that an attempt goes on where the last one
       * broke.
       */
      const fromTheStart = (delivery: Delivery) => {
        const { done, key, links, plan, sink } = delivery
        const all = parts(plan)
        const attempt = (link: Redacted.Redacted) =>
          watching(key, source.whole(link, sourceFile(plan)), (bytes) =>
            Effect.gen(function* () {
              const take = yield* reader(bytes)
              for (const part of all) {
                // The last one runs to the end, where the source says whether all of it was right.
                const taken = take(part.number === all.length ? 0 : part.length)
                const known = done.get(part.number)
                if (known !== undefined) {
                  const [sum, received] = summed(crc32, taken)
                  yield* Stream.runDrain(sum)
                  // Where the sink cannot tell, the ETag by which the part was found says enough.
                  if (known.crc32 === undefined || known.crc32 === (yield* received)) continue
                  return yield* new SourceError({ reason: "ContentChanged", problem: "sent other bytes than before" })
                }
                const whole = sink.capabilities.rewindable ? taken : Stream.make(yield* collect(part, taken, key))
                yield* write(delivery, part, whole)
                yield* isStored(key, part)
              }
            }).pipe(Effect.scoped)
          )
        return attempts({ key, part: 0, file: plan, links }, attempt)
      }

      /** Forgets the parts that are no longer what they were when an earlier process stored them. */
      const confirm = Effect.fnUntraced(function* ({ done, key, writer }: Delivery, held: ReadonlyArray<StoredPart>) {
        const lost: Array<Part> = []
        if (writer.confirm === undefined) return lost
        for (const part of held) {
          if (yield* writer.confirm(part)) continue
          done.delete(part.number)
          lost.push(part)
          yield* publish({ _tag: "PartLost", key, part: part.number, bytes: part.length })
        }
        return lost
      })

      const move = Effect.fnUntraced(function* (delivery: Delivery) {
        const { done, plan, sink, writer } = delivery
        const held = writer.stored
        const missing = parts(plan).filter((part) => !done.has(part.number))
        if (!plan.ranges) {
          const lost = yield* confirm(delivery, held)
          if (missing.length + lost.length > 0) yield* fromTheStart(delivery)
          return
        }
        const fetch = sink.capabilities.rewindable ? inAnyOrder : inOrder
        // On a network, reading back what is there takes no time: it is done by when the rest has come.
        const [lost] = yield* Effect.all([confirm(delivery, held), fetch(delivery, missing)], { concurrency: 2 })
        yield* fetch(delivery, lost)
      })

      /** The CRC-32 of a part that only the published object can tell. */
      const readBack = Effect.fnUntraced(function* ({ key, sink }: Delivery, part: Part) {
        let crc = 0
        let read = 0
        yield* Stream.runForEachArray(sink.read(key, part), (chunks) =>
          Effect.sync(() => {
            for (const chunk of chunks) {
              crc = crc32(chunk, crc)
              read += chunk.length
            }
          })
        )
        if (read === part.length) return crc
        return yield* new IntegrityError({
          key,
          problem: `the sink gave back ${read} of ${part.length} bytes of a part`
        })
      })

      const deliver = Effect.fnUntraced(
        function* (key: ObjectKey, plan: FilePlan, links: FileLinks) {
          const sink = yield* ObjectSink
          const { partSize, size } = plan
          // Without an ETag nothing tells content from other content: then no earlier process has stored any of this.
          const version = plan.etag ?? `unknown ${yield* Random.nextInt}`
          const writer = yield* sink.open({ key, size, partSize, version })
          const done = new Map(writer.stored.map((part) => [part.number, part]))
          const present = writer.stored.reduce((sum, part) => sum + part.length, 0)
          yield* publish({ _tag: "FileStarted", key, size, stored: present })
          const delivery: Delivery = { key, plan, links, sink, writer, done }
          yield* Effect.tapError(move(delivery), (error) => onChange(writer, error))
          for (const part of parts(plan)) {
            if (done.get(part.number)?.length !== part.length) {
              return yield* new IntegrityError({ key, problem: `part ${part.number} is missing in the sink` })
            }
          }
          const object = yield* writer.commit
          if (object.size !== size) {
            return yield* new IntegrityError({ key, problem: `the sink holds ${object.size} of ${size} bytes` })
          }
          const checksums = yield* Effect.forEach(
            parts(plan),
            (part) => {
              const known = done.get(part.number)?.crc32
              return known === undefined ? readBack(delivery, part) : Effect.succeed(known)
            },
            { concurrency: 4 }
          )
          const crc = parts(plan).reduce((sum, part, i) => Crc32.combine(sum, checksums[i] ?? 0, part.length), 0)
          yield* publish({ _tag: "FileDelivered", key, size, crc32: Crc32.toHex(crc), location: sink.locate(key) })
          return { stored: object, crc32: crc, parts: checksums }
        },
        Effect.scoped,
        inSpan("longshore.deliver"),
        // Outermost: whoever waits for a turn has opened nothing yet.
        (effect) => turns.withPermit(effect)
      )

      const plan = Effect.fnUntraced(function* (
        key: ObjectKey,
        file: FileIdentity,
        partSize: number,
        links: FileLinks
      ) {
        const { capabilities } = yield* ObjectSink
        const { maxParts, minPartSize } = capabilities
        const cut = Math.max(partSize, minPartSize, Math.ceil(file.size / maxParts))
        const { index, path, size } = file
        // What comes in one GET needs no ranges, and nothing of it outlives that GET.
        if (size <= cut) return { index, path, size, partSize: cut, etag: null, ranges: false }
        const found = yield* attempts({ key, part: 0, file, links }, (link) =>
          Effect.timeoutOrElse(source.probe(link), {
            duration: stallTimeout,
            orElse: () => Effect.fail(new SourceError({ reason: "Stalled", problem: "did not answer in time" }))
          })
        )
        if (found.size !== size) {
          return yield* new IntegrityError({
            key,
            problem: `the API announced ${size} bytes, the file host has ${found.size}`
          })
        }
        return { index, path, size, partSize: cut, etag: found.etag ?? null, ranges: found.ranges }
      }, inSpan("longshore.plan"))

      return Transfer.of({ concurrency, plan, deliver })
    })
  )

/** One span for a file. Parts have none of their own: a large export has tens of thousands. */
const inSpan =
  (name: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>, key: ObjectKey, { size }: FileIdentity) =>
    span(name, { attributes: { "longshore.key": key, "longshore.size": size } })(self)

type Bytes = Stream.Stream<Uint8Array, SourceError>

/** A file on its way. `done` has the parts that the sink holds. */
interface Delivery {
  readonly key: ObjectKey
  readonly plan: FilePlan
  readonly links: FileLinks
  readonly sink: ObjectSink["Service"]
  readonly writer: ObjectWriter
  readonly done: Map<number, StoredPart>
}

const sourceFile = (plan: FilePlan) => ({ size: plan.size, etag: plan.etag ?? undefined, ranges: plan.ranges })

/** Parts of content that is gone are of no use to anybody. */
const onChange = (writer: ObjectWriter, error: TransferError): Effect.Effect<void, SinkError> =>
  error instanceof SourceError && error.reason === "ContentChanged" ? writer.discard : Effect.void
