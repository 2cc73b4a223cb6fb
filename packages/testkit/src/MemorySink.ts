/**
 * A sink that keeps objects in memory: for tests of programs, and the model of a new sink.
 *
 * @since 0.1.0
 */
import * as Crc32 from "@longshore/core/Crc32"
import { SinkError } from "@longshore/core/ExportError"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

interface Upload {
  readonly plan: string
  readonly parts: Map<number, { readonly part: ObjectSink.StoredPart; readonly bytes: Uint8Array }>
}

/**
 * What outlives a sink, as a disk outlives a process: give the same store to a second layer to reopen what a first one
 * left.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryStore {
  /** What was published, by key. */
  readonly objects: Map<string, { readonly bytes: Uint8Array; readonly version: string; readonly plan: string }>
  /** Parts of what was not published yet, by key. */
  readonly uploads: Map<string, Upload>
  /** How often something was published: makes versions that never repeat. */
  revision: number
}

/**
 * An empty store.
 *
 * @example Two processes, one after the other
 * ```ts
 * import { ObjectSink } from "@longshore/core"
 * import { MemorySink } from "@longshore/testkit"
 * import { Effect, Stream } from "effect"
 *
 * const store = MemorySink.makeStore()
 * const object = { key: ObjectSink.ObjectKey.make("rows.jsonl"), size: 6, partSize: 3, version: "1" }
 * const [first] = ObjectSink.parts(object)
 *
 * const write = Effect.gen(function* () {
 *   const writer = yield* ObjectSink.ObjectSink.use((sink) => sink.open(object))
 *   if (first !== undefined) yield* writer.write(first, Stream.make(Buffer.from("abc")), Effect.succeed(0))
 * })
 * const look = ObjectSink.ObjectSink.use((sink) => Effect.map(sink.open(object), ({ stored }) => stored.length))
 *
 * await Effect.runPromise(Effect.scoped(Effect.provide(write, MemorySink.layer(store))))
 * await Effect.runPromise(Effect.scoped(Effect.provide(look, MemorySink.layer(store)))) // => 1
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeStore = (): MemoryStore => ({ objects: new Map(), uploads: new Map(), revision: 0 })

/**
 * A complete sink: durable as long as its store, resumable, parallel, atomic. Default: an empty store of its own.
 *
 * Its source is about a hundred lines, and says what a sink has to do; begin a new one from it. Fails with a `SinkError` of
 * reason `InvalidKey` for a key that is none, `Conflict` for reading what is not there, and `Unknown` for committing what is not
 * whole.
 *
 * @example A program's test
 * ```ts
 * import { ExportRun, Exports, HttpSource, Journal, Transfer } from "@longshore/core"
 * import { Simulator, SimulatorHttpClient } from "@longshore/simulator"
 * import { MemorySink } from "@longshore/testkit"
 * import { Effect, Layer, Redacted } from "effect"
 *
 * const store = MemorySink.makeStore()
 * const tokens = { clientToken: Redacted.make("client"), accessToken: Redacted.make("access") }
 * const live = Transfer.layer().pipe(
 *   Layer.provide(HttpSource.layer),
 *   Layer.merge(MemorySink.layer(store)),
 *   Layer.merge(Exports.layer({ platformAddress: "https://api.mews.com", ...tokens })),
 *   Layer.merge(Journal.layerMemory),
 *   Layer.provide(SimulatorHttpClient.layer),
 *   Layer.provide(Simulator.layer({ fileSizes: [1234], pending: 0, processing: 0 }))
 * )
 * await Effect.runPromise(Effect.provide(ExportRun.run({ request: { entityType: "Bill" } }), live))
 *
 * // One file, and its manifest.
 * const sizes = [...store.objects.values()].map(({ bytes }) => bytes.length)
 * sizes[0] // => 1234
 * sizes.length // => 2
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (store: MemoryStore = makeStore()): Layer.Layer<ObjectSink.ObjectSink> =>
  Layer.effect(
    ObjectSink.ObjectSink,
    Effect.map(Crc32.Crc32, (crc32) => {
      const locate = (key: ObjectSink.ObjectKey) => `memory:///${key}`
      const fail = (key: ObjectSink.ObjectKey, problem: string, reason: SinkError["reason"] = "Unknown") =>
        new SinkError({ reason, location: locate(key), problem })
      const describe = (key: ObjectSink.ObjectKey): Option.Option<ObjectSink.StoredObject> => {
        const found = store.objects.get(key)
        return found === undefined
          ? Option.none()
          : Option.some({ key, size: found.bytes.length, version: found.version })
      }

      const open = Effect.fnUntraced(function* (object: ObjectSink.SinkObject) {
        const { key, partSize, size, version } = object
        if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(key)) return yield* fail(key, "the key is not one", "InvalidKey")
        const plan = JSON.stringify([version, size, partSize])
        const all = ObjectSink.parts(object)
        // Parts of other content, or cut otherwise, are of no use.
        const upload = store.uploads.get(key)?.plan === plan ? store.uploads.get(key) : undefined
        const parts = upload?.parts ?? new Map()
        store.uploads.set(key, { plan, parts })

        const writer: ObjectSink.ObjectWriter = {
          stored: Array.from(parts.values(), ({ part }) => part),
          write: Effect.fnUntraced(function* (part, bytes) {
            const whole = yield* ObjectSink.collect(part, bytes, locate(key))
            const crc = crc32(whole)
            parts.set(part.number, { part: { ...part, crc32: crc }, bytes: whole })
            return crc
          }),
          commit: Effect.suspend(() => {
            const committed = store.objects.get(key)
            const missing = all.filter((part) => !parts.has(part.number))
            if (missing.length > 0) {
              // Committed before, and the parts are gone with the upload: then it is done.
              return committed?.plan === plan
                ? Effect.succeed({ key, size, version: committed.version })
                : fail(key, `${missing.length} of ${all.length} parts are missing`)
            }
            if (committed?.plan !== plan || store.uploads.get(key)?.parts === parts) {
              const bytes = concat(all.map((part) => parts.get(part.number)?.bytes ?? new Uint8Array()))
              store.objects.set(key, { bytes, plan, version: `revision ${++store.revision}` })
              store.uploads.delete(key)
            }
            return Effect.succeed({ key, size, version: store.objects.get(key)?.version ?? "" })
          }),
          discard: Effect.sync(() => {
            parts.clear()
            store.uploads.delete(key)
          })
        }
        return writer
      })

      return ObjectSink.make({
        capabilities: {
          durable: true,
          resumable: true,
          parallel: true,
          rewindable: true,
          atomic: true,
          minPartSize: 1,
          maxParts: 10_000
        },
        locate,
        open,
        read: (key, { length, offset }) =>
          Stream.suspend(() => {
            const found = store.objects.get(key)
            return found === undefined
              ? Stream.fail(fail(key, "it is not there", "Conflict"))
              : Stream.make(found.bytes.slice(offset, offset + length))
          }),
        stat: (key) => Effect.sync(() => describe(key)),
        list: Effect.sync(() =>
          [...store.objects].map(([key, { bytes }]) => ({ key, size: bytes.length, partial: false }))
        )
      })
    })
  )

const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
