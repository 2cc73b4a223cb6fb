/** Attempts at bytes: what is tried again, when, and how an attempt is watched. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type * as Crc32 from "../Crc32.ts"
import { SinkError, SourceError, TransferFailed } from "../ExportError.ts"
import { publish } from "../ExportEvent.ts"
import { maxRetryAfter } from "../Exports.ts"
import type { FileIdentity, FileLinks, LinkError } from "../FileLinks.ts"
import type { ObjectKey } from "../ObjectSink.ts"
import type { Budget } from "./budget.ts"

/** What is fetched: a part of a file, or (0) the whole of it. */
export interface Subject {
  readonly key: ObjectKey
  readonly part: number
  readonly file: FileIdentity
  readonly links: FileLinks
}

/** A link that was fetched just now and is refused again and again has not expired: something else is wrong. */
const maxRejections = 5

/** Attempts until one succeeds or trying again is no use. Who waits gives its place in the budget to others. */
export const makeRetrying = ({ budget, retries }: { readonly budget: Budget; readonly retries: number }) => {
  // What an attempt took lately, in milliseconds: a link must live at least that long.
  let needed = 0

  return Effect.fnUntraced(function* <A, E>(
    { file, key, links, part }: Subject,
    attempt: (link: Redacted.Redacted) => Effect.Effect<A, SourceError | E>
  ): Effect.fn.Return<A, E | SourceError | TransferFailed | LinkError> {
    let rejected = 0
    let rejections = 0
    let failures = 0
    /** Succeeds, or says how long to wait and why. A link that has ended is not waited for. */
    const now = Effect.gen(function* () {
      for (;;) {
        const link = yield* links.get(file, { rejected, needed })
        const began = yield* Clock.currentTimeMillis
        const result = yield* Effect.result(attempt(link.url))
        if (result._tag === "Success") {
          needed = Math.max((yield* Clock.currentTimeMillis) - began, needed * 0.9)
          yield* budget.arrived
          return { value: result.success }
        }
        const error = result.failure
        let wait = 0
        if (error instanceof SourceError && error.reason === "LinkRejected") {
          rejected = link.generation
          rejections += 1
          // The first refusals are links that ended; after that, ever slower.
          if (rejections > 2) wait = 500 * 2 ** (rejections - 3)
        } else if ((error instanceof SourceError || error instanceof SinkError) && error.retryable) {
          failures += 1
          rejections = 0
          if (isCongestion(error)) yield* budget.congested(began)
          const asked = error instanceof SourceError ? (error.retryAfter ?? 0) : 0
          wait = Math.max(asked, Math.min(30_000, 500 * 2 ** (failures - 1)) * (yield* Random.nextBetween(0.8, 1.2)))
        } else return yield* Effect.fail(error)
        if (failures > retries || rejections > maxRejections || wait > maxRetryAfter) {
          if (!(error instanceof SourceError)) return yield* error
          const { problem, reason } = error
          return yield* new TransferFailed({ key, attempts: failures + rejections, reason, problem })
        }
        if (wait > 0) return { wait, problem: error.problem }
      }
    })
    for (;;) {
      const outcome = yield* budget.use(now)
      if ("value" in outcome) return outcome.value
      const { problem, wait } = outcome
      yield* publish({ _tag: "PartRetried", key, part, attempt: failures + rejections, problem, retryIn: wait })
      yield* Effect.sleep(Duration.millis(wait))
    }
  })
}

/** Whether fewer parts at a time would help the one who failed. */
const isCongestion = (error: SourceError | SinkError): boolean =>
  error instanceof SinkError
    ? error.reason === "Unavailable"
    : error.reason === "Stalled" || error.status === 503 || error.status === 429

/** Bytes per second below which a host counts as silent: nobody waits days for a file that drips. */
const minRate = 1024

/**
 * Bytes on their way: counted, and cut off when next to none come for too long. Only the time in which the host is waited
 * for counts, not the time that the sink takes.
 */
export const watched = <A, E, R>(
  options: { readonly key: ObjectKey; readonly stallTimeout: Duration.Duration },
  bytes: Stream.Stream<Uint8Array, SourceError>,
  consume: (bytes: Stream.Stream<Uint8Array, SourceError>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | SourceError, R> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    let received = 0
    let waited = 0
    let waitsSince: number | undefined
    const wait = () => (waitsSince ??= clock.currentTimeMillisUnsafe())
    const served = () => {
      waited += clock.currentTimeMillisUnsafe() - wait()
      waitsSince = undefined
    }
    // Opening it asks the host, and pulling from it does. What a sink does before, between and after is its own affair.
    const counted = Stream.suspend(() => {
      wait()
      return Stream.transformPull(bytes, (pull) =>
        Effect.sync(() => {
          served()
          return Effect.suspend(() => {
            wait()
            return Effect.tap(pull, (chunks) => {
              served()
              const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
              received += size
              return publish({ _tag: "BytesReceived", key: options.key, bytes: size })
            })
          })
        })
      )
    })
    // One timer for an attempt, not one for each chunk.
    const silence = Effect.gen(function* () {
      const timeout = Duration.toMillis(options.stallTimeout)
      for (;;) {
        const before = received
        waited = 0
        if (waitsSince !== undefined) waitsSince = clock.currentTimeMillisUnsafe()
        yield* Effect.sleep(options.stallTimeout)
        const waiting = waited + (waitsSince === undefined ? 0 : clock.currentTimeMillisUnsafe() - waitsSince)
        if (waiting >= timeout / 2 && (received - before) * 1000 < minRate * waiting) {
          const problem = `sent ${received === before ? "nothing" : "next to nothing"} for ${Duration.format(options.stallTimeout)}`
          return yield* new SourceError({ reason: "Stalled", problem })
        }
      }
    })
    return yield* Effect.raceFirst(consume(counted), silence).pipe(
      Effect.tapError(() =>
        received === 0 ? Effect.void : publish({ _tag: "BytesLost", key: options.key, bytes: received })
      )
    )
  })

/** Bytes, and the CRC-32 of those that came so far. */
export const summed = <E>(
  crc32: (typeof Crc32.Crc32)["Service"],
  bytes: Stream.Stream<Uint8Array, E>
): readonly [bytes: Stream.Stream<Uint8Array, E>, crc32: Effect.Effect<number>] => {
  let crc = 0
  return [
    Stream.mapArray(bytes, (chunks) => {
      for (const chunk of chunks) crc = crc32(chunk, crc)
      return chunks
    }),
    Effect.sync(() => crc)
  ]
}
