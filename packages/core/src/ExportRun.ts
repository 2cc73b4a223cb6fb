/**
 * The whole, top to bottom: intent, add, ready, plan, every file, manifest.
 *
 * What is done is a step in the `Journal`; running the same request again against the same journal goes on where the
 * last process stopped. What is stored is the sink's to say: a remembered delivery is believed only while `stat`
 * agrees.
 *
 * Use it whenever files are to be delivered. `Exports` alone is for looking at exports, `Transfer` for files that are
 * found otherwise.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Tracer from "effect/Tracer"
import type { EntityType, ExportId, ExportRequest } from "./Export.ts"
import {
  ExportError,
  ExportExpired,
  ExportFailed,
  type ExportNotFound,
  SinkError,
  WaitTimedOut
} from "./ExportError.ts"
import { forEntityType, publish } from "./ExportEvent.ts"
import { type ApiError, Exports, validate } from "./Exports.ts"
import * as FileLinks from "./FileLinks.ts"
import { ask } from "./internal/asking.ts"
import { deliver } from "./internal/delivery.ts"
import * as Metrics from "./internal/metrics.ts"
import { NotRenewed, Ready, Renewed, stepName } from "./internal/steps.ts"
import { span } from "./internal/tracing.ts"
import { CurrentLook, Journal } from "./Journal.ts"
import * as Manifest from "./Manifest.ts"
import { type ObjectKey, ObjectSink } from "./ObjectSink.ts"
import type { Transfer } from "./Transfer.ts"

/**
 * What a run is to do. Only `request` is needed.
 *
 * @example Behind another export of the type, but not for ever
 * ```ts
 * import { type ExportRun } from "@longshore/core"
 *
 * const options: ExportRun.ExportRunOptions = {
 *   request: { entityType: "Bill" },
 *   onBusy: "wait",
 *   onExpired: "renew",
 *   maxWait: "12 hours"
 * }
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface ExportRunOptions {
  /** What is asked for, and part of what makes it the same run. */
  readonly request: ExportRequest
  /** Takes up an existing export instead of asking for a new one. */
  readonly exportId?: ExportId
  /**
   * When the API runs another export of this type: `fail`, `wait` for it, or (`auto`, the default) wait when it may be
   * this run's own, because an answer to `add` was lost, and fail otherwise.
   */
  readonly onBusy?: "auto" | "fail" | "wait"
  /**
   * When the export failed or its files expired: `fail` (default), or `renew`, which asks for another, three times at most
   * in one process.
   */
  readonly onExpired?: "fail" | "renew"
  /**
   * How long this process may wait for the slot and for the export; then it fails with `WaitTimedOut`. The transfer is
   * not limited. Default: as long as it takes.
   */
  readonly maxWait?: Duration.Input
  /**
   * When that wait began, if several processes share it: milliseconds since 1970. One that comes too late still looks
   * once. Default: now.
   */
  readonly waitingSince?: number
  /**
   * A fixed time between looks. Default: 2 seconds at first, then doubling up to 5 minutes, which is what Mews advises.
   */
  readonly poll?: Duration.Input
  /** How often `add` is sent again when it certainly did not arrive or was limited. Default 6: about half a minute. */
  readonly retries?: number
  /**
   * Bytes of a part: the unit of one GET and one retry. Default 8 MiB; more if the sink's limits ask for it. A file
   * that was planned keeps the size it was planned with.
   */
  readonly partSize?: number
  /** The trace of an earlier process that this one goes on with: the span of the run links to it. */
  readonly continues?: Tracer.AnySpan
}

/**
 * What was delivered, and where.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExportRunResult {
  /** Of the request. */
  readonly entityType: string
  /** The export whose files these are: with `onExpired: "renew"` not always the first one. */
  readonly exportId: ExportId
  /** What was written beside the files; for a sink that keeps nothing, what would have been. */
  readonly manifest: Manifest.Manifest
  /** The manifest's place, for people; for a sink that keeps nothing, where the bytes went. */
  readonly location: string
  /** Each file, in the order of the export. */
  readonly files: ReadonlyArray<{
    /** Below the target. */
    readonly key: ObjectKey
    /** Where it is, for people. */
    readonly location: string
    /** Bytes. */
    readonly size: number
    /** Eight hexadecimal digits. */
    readonly crc32: string
  }>
  /** When the manifest was made. ISO 8601. */
  readonly completedUtc: string
  /** Whether all of it was there before this process. */
  readonly earlier: boolean
}

/** A run whose exports fail or expire more often than this in one process asks no more. */
const maxRenewals = 3

/**
 * Asks for an export, waits for it, delivers its files and publishes a manifest. Running it again with the same journal
 * and sink fetches what is missing and nothing else; a run that was complete gives its result again, after a look at
 * what is stored. Interrupting it keeps what is stored.
 *
 * Fails with an `ExportError`; what is done is kept. Of these, `JournalError` never fails the run itself: the layer of a
 * journal fails with it (`catchTag` outside of `Effect.provide`), and a journal that cannot be written on the way ends the
 * run as a defect.
 *
 * @example Count the bytes of all reservations
 * ```ts
 * import { Exports, ExportRun, HttpSource, Journal, StreamSink, Transfer } from "@longshore/core"
 * import { Effect, Layer, Redacted, Stream } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * let received = 0
 * const sink = StreamSink.layer({
 *   locate: (key) => `the length of ${key}`,
 *   consume: (_, bytes) => Stream.runForEach(bytes, ({ length }) => Effect.sync(() => (received += length)))
 * })
 * const live = Transfer.layer().pipe(
 *   Layer.provide(HttpSource.layer),
 *   Layer.merge(sink),
 *   Layer.merge(
 *     Exports.layer({
 *       platformAddress: process.env.LONGSHORE_PLATFORM_ADDRESS ?? "https://api.mews.com",
 *       clientToken: Redacted.make(process.env.LONGSHORE_CLIENT_TOKEN ?? ""),
 *       accessToken: Redacted.make(process.env.LONGSHORE_ACCESS_TOKEN ?? "")
 *     })
 *   ),
 *   Layer.provide(FetchHttpClient.layer),
 *   Layer.merge(Journal.layerMemory)
 * )
 *
 * const program = ExportRun.run({ request: { entityType: "Reservation" } })
 * const result = await Effect.runPromise(Effect.provide(program, live))
 * received === result.manifest.size // => true
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const run = Effect.fnUntraced(
  function* (options: ExportRunOptions) {
    yield* validate(options.request)
    const now = yield* Clock.currentTimeMillis
    const started = options.waitingSince ?? now
    const deadline = options.maxWait === undefined ? Infinity : started + Duration.toMillis(options.maxWait)
    const least = options.waitingSince === undefined ? 0 : lateLook
    const result = yield* generations(options, { started, deadline, least }).pipe(
      Effect.tapError(tellFailure),
      forEntityType(options.request.entityType)
    )
    yield* Effect.annotateCurrentSpan({
      "longshore.files": result.files.length,
      "longshore.bytes": result.manifest.size,
      "longshore.location": result.location,
      "longshore.earlier": result.earlier
    })
    return result
  },
  (effect, { continues, request: { entityType } }) =>
    effect.pipe(
      Effect.onExit((exit) =>
        Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
          ? Effect.flatMap(isSuspended, (suspended) => (suspended ? Effect.void : Metrics.ended(entityType, exit)))
          : Metrics.ended(entityType, exit)
      ),
      span("longshore.run", {
        links: continues === undefined ? [] : [{ span: continues, attributes: { "longshore.link": "continues" } }]
      }),
      Effect.annotateSpans({ "longshore.entity_type": entityType })
    )
)

/** Whether the journal says that a run which is interrupted has not come to an end by it. */
const isSuspended = Effect.flatMap(Journal, ({ isSuspended }) => isSuspended ?? Effect.succeed(false))

const tellFailure = (error: ExportError): Effect.Effect<void> =>
  publish({
    _tag: "RunFailed",
    error: error._tag,
    message: error.message,
    nextStep: error.nextStep,
    retryable: error.retryable,
    ...("requestId" in error && error.requestId !== undefined ? { requestId: error.requestId } : {})
  })

/**
 * Tells and counts a failure as that of a run, as {@link run} does by itself: for what is done for a run before it, such
 * as building its sink.
 *
 * @example A target that cannot be reached is a run that failed
 * ```ts
 * import { ExportError, ExportEvent, ExportRun } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const told: Array<string> = []
 * const target = new ExportError.SinkError({ reason: "Unavailable", location: "/srv/mews", problem: "it is not mounted" })
 * await Effect.fail(target).pipe(
 *   ExportRun.reportFailure("Bill"),
 *   Effect.provideService(ExportEvent.ExportEvents, (event) => Effect.sync(() => void told.push(event._tag))),
 *   Effect.ignore,
 *   Effect.runPromise
 * )
 * told // => ["RunFailed"]
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const reportFailure =
  (entityType: EntityType) =>
  <A, E extends ExportError, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    work.pipe(
      Effect.tapError(tellFailure),
      forEntityType(entityType),
      Effect.tapCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.void : Metrics.ended(entityType, Exit.failCause(cause))
      )
    )

interface Waiting {
  readonly started: number
  readonly deadline: number
  /** Milliseconds that a wait may take in any case, once it is begun here. */
  readonly least: number
}

/** How long a process that comes when the time is over may look. */
const lateLook = 30_000

/** One export after another, as far as the policy goes. One that was given up for the next is not asked about again. */
const generations = Effect.fnUntraced(function* (options: ExportRunOptions, waiting: Waiting) {
  const journal = yield* Journal
  for (let renewal = 0, here = 0; ; renewal++) {
    const step = { name: stepName(renewal, "renew", 0), success: Renewed, error: NotRenewed }
    // A step that only fails tells whether it was done.
    if ((yield* Effect.result(journal.step({ ...step, execute: Effect.fail("not renewed") })))._tag === "Success")
      continue
    const result = yield* Effect.result(generation(options, renewal, waiting))
    if (result._tag === "Success") return result.success
    const error = result.failure
    const isOver = error._tag === "ExportFailed" || error._tag === "ExportExpired" || error._tag === "ExportNotFound"
    if (!isOver || options.onExpired !== "renew" || here++ >= maxRenewals) return yield* error
    yield* publish({ _tag: "ExportRenewed", exportId: error.exportId, reason: error.message })
    yield* Effect.orDie(journal.step({ ...step, execute: Effect.succeed({ reason: error.message }) }))
  }
})

/** One export, from asking to manifest. */
const generation = (
  options: ExportRunOptions,
  renewal: number,
  waiting: Waiting
): Effect.Effect<ExportRunResult, ExportError, Exports | ObjectSink | Transfer | Journal> =>
  Effect.gen(function* () {
    const exportId = yield* obtain(options, renewal, waiting)
    const about = { "longshore.export_id": exportId }
    yield* Effect.annotateCurrentSpan(about)
    const links = yield* FileLinks.make(exportId)
    return yield* ready(options, renewal, waiting, exportId, links).pipe(
      Effect.flatMap((files) => deliver(options, renewal, exportId, files, links)),
      Effect.annotateSpans(about)
    )
  })

const obtain = Effect.fnUntraced(function* (options: ExportRunOptions, renewal: number, waiting: Waiting) {
  if (options.exportId !== undefined && renewal === 0) {
    yield* publish({ _tag: "ExportAdopted", exportId: options.exportId })
    return options.exportId
  }
  const { onBusy = "auto", request } = options
  const every = cadence(options, waiting)
  return yield* within(waiting, "slot", undefined, (begun) =>
    ask({ request, renewal, onBusy, every, retries: options.retries ?? 6, begun })
  ).pipe(span("longshore.ask"))
})

/** Waits until the export can be fetched. A status that is not known is not "finished". */
const ready = Effect.fnUntraced(function* (
  options: ExportRunOptions,
  renewal: number,
  waiting: Waiting,
  exportId: ExportId,
  links: FileLinks.FileLinks
) {
  const journal = yield* Journal
  const exports = yield* Exports
  const sink = yield* ObjectSink
  const every = cadence(options, waiting)
  let seen: Ready | undefined
  const began = yield* Clock.currentTimeMillis
  let answered = began
  const adopted = options.exportId !== undefined && renewal === 0
  /**
   * An outage is borne for as long as the wait before it was, at most an hour: who waited long is not let down. An export
   * that the API accepted may be missing in its answers for a moment; an id that somebody gave is wrong at once.
   */
  const borne = Effect.fnUntraced(function* (error: ApiError | ExportNotFound) {
    const { attempt, since = began } = yield* CurrentLook
    const now = yield* Clock.currentTimeMillis
    const silence = now - answered
    const missing = error._tag === "ExportNotFound" && !adopted
    const patience = Math.min(Math.max(answered - since, missing ? 60_000 : 0), 3_600_000)
    if (!(error.retryable || missing) || silence > patience) return yield* error
    const nextIn = Duration.toMillis(every(attempt, now))
    yield* publish({ _tag: "LookFailed", exportId, problem: error.message, nextIn })
    return undefined
  })
  const look = Effect.gen(function* () {
    const found = yield* exports.get(exportId).pipe(Effect.catch(borne))
    if (found === undefined) return Option.none<Ready>()
    answered = yield* Clock.currentTimeMillis
    if (found.status === "Failed") return yield* new ExportFailed({ exportId })
    if (found.status === "Expired") return yield* new ExportExpired({ exportId })
    if (found.status !== "Success") {
      const { attempt } = yield* CurrentLook
      const nextIn = Duration.toMillis(every(attempt, answered))
      yield* publish({ _tag: "ExportPolled", exportId, status: found.status, attempt, nextIn })
      return Option.none<Ready>()
    }
    yield* links.offer(found)
    const files = found.files.map((file, index) => ({ index, path: FileLinks.path(file), size: file.sizeInBytes }))
    seen = { files, expiresUtc: found.expiresUtc === undefined ? null : DateTime.formatIso(found.expiresUtc) }
    return Option.some(seen)
  })
  const export_ = yield* within(waiting, "export", exportId, (begun) =>
    journal.until(
      {
        name: stepName(renewal, "ready", 0),
        success: Schema.Option(Ready),
        error: ExportError,
        execute: Effect.andThen(begun, look).pipe(
          // Where waiting is not done in memory, nothing else notices.
          Effect.tap((found) =>
            Effect.flatMap(Clock.currentTimeMillis, (now) =>
              Option.isNone(found) && now >= waiting.deadline ? timedOut(waiting, "export", exportId) : Effect.void
            )
          )
        )
      },
      every
    )
  )
  const bytes = export_.files.reduce((sum, file) => sum + file.size, 0)
  yield* Effect.annotateCurrentSpan({ "longshore.files": export_.files.length, "longshore.bytes": bytes })
  if (seen !== undefined) {
    yield* Metrics.waited(options.request.entityType, "export", (yield* Clock.currentTimeMillis) - began)
  }
  yield* publish({
    _tag: "ExportReady",
    exportId,
    files: export_.files.length,
    bytes,
    ...(export_.expiresUtc === null ? {} : { expiresUtc: export_.expiresUtc }),
    // A look that came with links was just now.
    ...(seen === undefined ? {} : { linksUntil: (yield* Clock.currentTimeMillis) + FileLinks.lifetime })
  })
  // Nothing of it can be stored yet, so all of it must fit. A resume is measured file by file, when the sink opens it.
  if (seen !== undefined) {
    const room = yield* sink.room
    if (Option.isSome(room) && room.value < bytes) {
      return yield* new SinkError({
        reason: "NoSpace",
        location: sink.locate(Manifest.key(options.request.entityType, exportId)),
        problem: `the export has ${bytes} bytes, and there is room for ${room.value}`
      })
    }
  }
  return export_.files
}, span("longshore.ready"))

/**
 * When to look again: quickly at first, then every five minutes, as Mews advises. Looks fall on multiples of the
 * interval, so that exports which wait in one process meet, and share one `getAll`.
 */
const cadence =
  ({ poll }: ExportRunOptions, { deadline }: Waiting) =>
  (attempt: number, at: number): Duration.Duration => {
    // 2 seconds, five times; 4, 8, 16, … 256; 300. Each divides the next but for the last.
    const interval = Math.min(2_000 * 2 ** Math.max(0, Math.min(attempt, 20) - 4), 300_000)
    const pause = poll === undefined ? interval - (at % interval) : Duration.toMillis(poll)
    // Whoever waits suspended is there when the time is over.
    return Duration.millis(at < deadline ? Math.min(pause, deadline - at) : pause)
  }

/** Only what is not done yet takes time: `begun` is where it begins. What an earlier process did is never too late. */
const within = <A, E, R>(
  waiting: Waiting,
  waitingFor: "slot" | "export",
  exportId: ExportId | undefined,
  work: (begun: Effect.Effect<void>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | WaitTimedOut, R> => {
  const { deadline, least } = waiting
  if (!Number.isFinite(deadline)) return work(Effect.void)
  const begun = Latch.makeUnsafe()
  const late = Effect.gen(function* () {
    yield* begun.await
    yield* Effect.sleep(Math.max(least, deadline - (yield* Clock.currentTimeMillis)))
    return yield* timedOut(waiting, waitingFor, exportId)
  })
  return Effect.raceFirst(work(Effect.asVoid(begun.open)), late)
}

const timedOut = ({ started }: Waiting, waitingFor: "slot" | "export", exportId: ExportId | undefined) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.fail(
      new WaitTimedOut({ waitingFor, waited: now - started, ...(exportId === undefined ? {} : { exportId }) })
    )
  )
