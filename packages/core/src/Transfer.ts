/**
 * One file, source to sink, part by part. Parts of one file and of many files move at the same time under one budget.
 * Only this module retries: each attempt is a new GET and a new write.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Crc32 from "./Crc32.ts"
import { IntegrityError, type SinkError, SourceError, type TransferFailed } from "./ExportError.ts"
import { publish } from "./ExportEvent.ts"
import { FileIdentity, type FileLinks, type LinkError } from "./FileLinks.ts"
import { retrying, type Subject, watched } from "./internal/attempts.ts"
import { reader } from "./internal/reader.ts"
import {
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
 * How a file is cut. It is decided once and remembered, because a resume must cut the same parts.
 *
 * @since 0.1.0
 * @category models
 */
export const FilePlan = Schema.Struct({
  ...FileIdentity.fields,
  /** Bytes. */
  partSize: Schema.Finite,
  etag: Schema.NullOr(Schema.String),
  /** Whether the host answers ranges. Otherwise the file comes in one GET, and a resume starts it again. */
  ranges: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export type FilePlan = typeof FilePlan.Type

/**
 * @since 0.1.0
 * @category models
 */
export interface Delivered {
  readonly stored: StoredObject
  readonly crc32: number
}

/**
 * @since 0.1.0
 * @category errors
 */
export type TransferError = SourceError | TransferFailed | IntegrityError | SinkError | LinkError

/**
 * @since 0.1.0
 * @category models
 */
export interface TransferOptions {
  /** Parts on their way at the same time, of all files together. Default 8. */
  readonly concurrency?: number
  /** How often a part is tried again. Default 6: about half a minute. */
  readonly retries?: number
  /** How long a connection may be silent before it is cut and the part tried again. Default 30 seconds. */
  readonly stallTimeout?: Duration.Input
}

/**
 * @since 0.1.0
 * @category services
 */
export class Transfer extends Context.Service<
  Transfer,
  {
    /** How many parts the budget lets move at once. */
    readonly concurrency: number
    /** Asks the host about a file and decides how to cut it. */
    readonly plan: (
      key: ObjectKey,
      file: FileIdentity,
      partSize: number,
      links: FileLinks
    ) => Effect.Effect<FilePlan, TransferError>
    /**
     * Moves what the sink does not hold yet and publishes the object. Fails with `SourceError` of reason
     * `ContentChanged`, and drops the stored parts, when the file is no longer the one that was planned.
     */
    readonly deliver: (key: ObjectKey, plan: FilePlan, links: FileLinks) => Effect.Effect<Delivered, TransferError>
  }
>()("@longshore/core/Transfer") {}

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: TransferOptions = {}): Layer.Layer<Transfer, never, Source | ObjectSink> =>
  Layer.effect(
    Transfer,
    Effect.gen(function* () {
      const source = yield* Source
      const sink = yield* ObjectSink
      const crc32 = yield* Crc32.Crc32
      const concurrency = options.concurrency ?? 8
      const retries = options.retries ?? 6
      const stallTimeout = Duration.fromInputUnsafe(options.stallTimeout ?? "30 seconds")
      const budget = yield* Semaphore.make(concurrency)

      const attempts = <A, E>(subject: Subject, attempt: Attempt<A, E>) => retrying(subject, retries, attempt)
      const watching = <A, E, R>(key: ObjectKey, bytes: Bytes, consume: (bytes: Bytes) => Effect.Effect<A, E, R>) =>
        watched({ key, crc32, stallTimeout }, bytes, consume)

      const same = (key: ObjectKey, part: Part, stored: StoredPart, crc: number) =>
        stored.crc32 === crc
          ? Effect.succeed(stored)
          : new IntegrityError({
              key,
              problem: `part ${part.number} was received with CRC-32 ${Crc32.toHex(crc)} and stored with ${Crc32.toHex(stored.crc32)}`
            })

      const isStored = (key: ObjectKey, part: Part) =>
        publish({ _tag: "PartStored", key, part: part.number, bytes: part.length })

      /** Into a sink that takes parts in any order and can take an attempt back. */
      const inAnyOrder = (
        key: ObjectKey,
        plan: FilePlan,
        links: FileLinks,
        writer: ObjectWriter,
        missing: ReadonlyArray<Part>
      ) =>
        Effect.forEach(
          missing,
          (part) =>
            Semaphore.withPermit(
              budget,
              attempts({ key, part: part.number, file: plan, links }, (link) =>
                watching(key, source.part(link, sourceFile(plan), part), (bytes) => writer.write(part, bytes)).pipe(
                  Effect.flatMap(({ crc, value }) => same(key, part, value, crc))
                )
              )
            ).pipe(Effect.tap(() => isStored(key, part))),
          { concurrency: sink.capabilities.parallel ? concurrency : 1 }
        )

      /** Into a pipe: parts are fetched side by side, checked, and handed over whole and in order. */
      const inOrder = (
        key: ObjectKey,
        plan: FilePlan,
        links: FileLinks,
        writer: ObjectWriter,
        missing: ReadonlyArray<Part>
      ) =>
        Stream.fromIterable(missing).pipe(
          Stream.mapEffect(
            (part) =>
              Semaphore.withPermit(
                budget,
                attempts({ key, part: part.number, file: plan, links }, (link) =>
                  watching(key, source.part(link, sourceFile(plan), part), Stream.runCollect)
                )
              ).pipe(Effect.map(({ crc, value }) => ({ part, chunks: value, crc }))),
            // What is fetched and not yet handed over is held in memory: a few parts, never a file.
            { concurrency: Math.min(concurrency, 4) }
          ),
          Stream.mapEffect(({ chunks, crc, part }) =>
            writer.write(part, Stream.fromIterable(chunks)).pipe(
              Effect.flatMap((stored) => same(key, part, stored, crc)),
              Effect.tap(() => isStored(key, part))
            )
          ),
          Stream.runCollect
        )

      /**
       * From a host without ranges: one GET from the first byte fills the parts in order. What is stored already is
       * compared with the bytes that come again, so that an attempt goes on where the last one broke.
       */
      const fromTheStart = (key: ObjectKey, plan: FilePlan, links: FileLinks, writer: ObjectWriter) => {
        const done = new Map(writer.stored.map((part) => [part.number, part]))
        const attempt = (link: Redacted.Redacted) =>
          watching(key, source.whole(link, sourceFile(plan)), (bytes) =>
            Effect.gen(function* () {
              const take = yield* reader(bytes)
              for (const part of parts(plan)) {
                const known = done.get(part.number)
                let crc = 0
                const summed = Stream.mapArray(take(part.length), (chunks) => {
                  for (const chunk of chunks) crc = crc32(chunk, crc)
                  return chunks
                })
                if (known !== undefined) {
                  yield* Stream.runDrain(summed)
                  if (known.crc32 !== crc) {
                    return yield* new SourceError({ reason: "ContentChanged", problem: "sent other bytes than before" })
                  }
                } else {
                  const whole = sink.capabilities.rewindable
                    ? summed
                    : Stream.fromIterable(yield* Stream.runCollect(summed))
                  done.set(
                    part.number,
                    yield* Effect.flatMap(writer.write(part, whole), (stored) => same(key, part, stored, crc))
                  )
                  yield* isStored(key, part)
                }
              }
              // The end of the stream is where the source says whether it was all.
              yield* Stream.runDrain(take(0))
            }).pipe(Effect.scoped)
          )
        return Semaphore.withPermit(budget, attempts({ key, part: 0, file: plan, links }, attempt)).pipe(
          Effect.map(() => [...done.values()])
        )
      }

      const deliver = Effect.fn("Transfer.deliver")(function* (key: ObjectKey, plan: FilePlan, links: FileLinks) {
        const { partSize, size } = plan
        const writer = yield* sink.open({ key, size, partSize, version: plan.etag ?? `size ${size}` })
        const stored = new Map(writer.stored.map((part) => [part.number, part]))
        const missing = parts(plan).filter((part) => !stored.has(part.number))
        let present = 0
        for (const part of stored.values()) present += part.length
        yield* publish({ _tag: "FileStarted", key, size, stored: present })
        const move = plan.ranges
          ? sink.capabilities.rewindable
            ? inAnyOrder(key, plan, links, writer, missing)
            : inOrder(key, plan, links, writer, missing)
          : fromTheStart(key, plan, links, writer)
        const moved = missing.length === 0 ? [] : yield* Effect.tapError(move, (error) => onChange(writer, error))
        for (const part of moved) stored.set(part.number, part)

        let crc = 0
        for (const part of parts(plan)) {
          const found = stored.get(part.number)
          if (found === undefined || found.length !== part.length) {
            return yield* new IntegrityError({ key, problem: `part ${part.number} is missing in the sink` })
          }
          crc = Crc32.combine(crc, found.crc32, found.length)
        }
        const object = yield* writer.commit
        if (object.size !== size) {
          return yield* new IntegrityError({ key, problem: `the sink holds ${object.size} of ${size} bytes` })
        }
        yield* publish({ _tag: "FileDelivered", key, size, crc32: Crc32.toHex(crc), location: sink.locate(key) })
        return { stored: object, crc32: crc }
      }, Effect.scoped)

      const plan = Effect.fn("Transfer.plan")(function* (
        key: ObjectKey,
        file: FileIdentity,
        partSize: number,
        links: FileLinks
      ) {
        const { maxParts, minPartSize } = sink.capabilities
        const cut = Math.max(partSize, minPartSize, Math.ceil(file.size / maxParts))
        const { index, path, size } = file
        // An empty file has nothing to ask for.
        if (size === 0) return { index, path, size, partSize: cut, etag: null, ranges: false }
        const found = yield* Semaphore.withPermit(
          budget,
          attempts({ key, part: 0, file, links }, (link) =>
            Effect.timeoutOrElse(source.probe(link), {
              duration: stallTimeout,
              orElse: () => Effect.fail(new SourceError({ reason: "Stalled", problem: "did not answer in time" }))
            })
          )
        )
        if (found.size !== size) {
          return yield* new IntegrityError({
            key,
            problem: `the API announced ${size} bytes, the file host has ${found.size}`
          })
        }
        return { index, path, size, partSize: cut, etag: found.etag ?? null, ranges: found.ranges }
      })

      return Transfer.of({ concurrency, plan, deliver })
    })
  )

type Bytes = Stream.Stream<Uint8Array, SourceError>
type Attempt<A, E> = (link: Redacted.Redacted) => Effect.Effect<A, SourceError | E>

const sourceFile = (plan: FilePlan) => ({ size: plan.size, etag: plan.etag ?? undefined, ranges: plan.ranges })

/** Parts of content that is gone are of no use to anybody. */
const onChange = (writer: ObjectWriter, error: TransferError): Effect.Effect<void, SinkError> =>
  error instanceof SourceError && error.reason === "ContentChanged" ? writer.discard : Effect.void
