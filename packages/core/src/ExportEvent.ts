/**
 * What happens during a run, as data. The same events feed progress bars, `--events`, logs and tests. They hold neither
 * tokens nor links. Listen by providing {@link ExportEvents}; for a line of JSON see `EventLine`.
 *
 * @example Say what happens
 * ```ts
 * import { ExportEvent, ExportRun } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const program = ExportRun.run({ request: { entityType: "Bill" } }).pipe(
 *   Effect.provideService(ExportEvent.ExportEvents, (event) =>
 *     ExportEvent.isFrequent(event) ? Effect.void : Effect.logInfo(event._tag, ExportEvent.attributes(event))
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { EntityType, ExportId } from "./Export.ts"
import * as Metrics from "./internal/metrics.ts"
import * as Tracing from "./internal/tracing.ts"

const millis = (description: string) => Schema.Finite.annotate({ description: `Milliseconds ${description}` })
const bytes = Schema.Finite.annotate({ description: "Bytes" })
const problem = Schema.String.annotate({ description: "What went wrong, for people" })
const location = Schema.String.annotate({ description: "Where it is: file:///…, s3://… or stdout" })

const common = {
  at: millis("since 1970"),
  entityType: EntityType.annotate({ description: "Which run speaks: each entity type is a run of its own" })
}

const ofRun = <const Tag extends string, const Fields extends Schema.Struct.Fields>(
  tag: Tag,
  description: string,
  fields: Fields
) => Schema.TaggedStruct(tag, { ...common, ...fields }).annotate({ title: tag, description })

const key = Schema.String.annotate({ description: "The file, relative to the target" })

const ofFile = <const Tag extends string, const Fields extends Schema.Struct.Fields>(
  tag: Tag,
  description: string,
  fields: Fields
) => ofRun(tag, description, { key, ...fields })

const part = Schema.Int.annotate({
  description: "Number of the part in its file, from 1; 0 is the file as a whole"
})

/**
 * One thing that happened, told apart by `_tag`. Each member says in its `description` what, and the page
 * [events](https://github.com/longshore/longshore/blob/main/docs/events.md) lists them. `at` is in milliseconds since
 * 1970, sizes are in bytes, times until something in milliseconds.
 *
 * @since 0.1.0
 * @category models
 */
export const ExportEvent = Schema.Union([
  ofRun("ExportRequested", "The API accepted a new export.", { exportId: ExportId }),
  ofRun("ExportAdopted", "An export that exists was taken up.", { exportId: ExportId }),
  ofRun("AnswerLost", "An export was asked for, and nobody knows whether the API accepted it.", { problem }),
  ofRun("SlotBusy", "The API refuses another export of this type for now; it is asked again.", {
    problem,
    retryIn: millis("until it is asked again")
  }),
  ofRun("AddRetried", "An export was asked for, and the API certainly did not accept it; it is asked again.", {
    attempt: Schema.Int.annotate({ description: "How many have failed" }),
    problem,
    retryIn: millis("until it is asked again")
  }),
  ofRun("ExportPolled", "A look at an export that is not finished.", {
    exportId: ExportId,
    status: Schema.String.annotate({ description: "As the API says it; there may be new ones" }),
    attempt: Schema.Int.annotate({ description: "How many looks came before" }),
    nextIn: millis("until the next look")
  }),
  ofRun("LookFailed", "A look at the export got no answer; the wait goes on.", {
    exportId: ExportId,
    problem,
    nextIn: millis("until the next look")
  }),
  ofRun("ExportReady", "Files can be fetched.", {
    exportId: ExportId,
    files: Schema.Int,
    bytes,
    expiresUtc: Schema.optionalKey(Schema.String.annotate({ description: "When the files are gone: ISO 8601" })),
    linksUntil: Schema.optionalKey(
      millis("since 1970, until which the links at hand live; absent where there are none yet")
    )
  }),
  ofRun("ExportRenewed", "The export failed or expired, and another one is asked for.", {
    exportId: ExportId,
    reason: Schema.String
  }),
  ofFile("FileStarted", "A file is on its way.", {
    size: bytes,
    stored: Schema.Finite.annotate({ description: "Bytes of it that were there already" })
  }),
  ofFile("BytesReceived", "Bytes came, also those of attempts that fail later.", { bytes }),
  ofFile("BytesLost", "An attempt failed, and all that it had received is lost.", { bytes }),
  ofFile("PartStored", "A part is durable.", { part, bytes }),
  ofFile("PartLost", "A part that was stored is no longer what it was, and is fetched again.", { part, bytes }),
  ofFile("PartRetried", "An attempt at a part failed; another one follows.", {
    part,
    attempt: Schema.Int.annotate({ description: "How many have failed" }),
    problem,
    retryIn: millis("until the next attempt")
  }),
  ofRun("LinksRenewed", "Fresh links were fetched.", {
    exportId: ExportId,
    linksUntil: millis("since 1970, until which they live")
  }),
  ofFile("FileRestarted", "A file begins anew.", { problem }),
  ofFile("FileDelivered", "A file is published.", {
    size: bytes,
    crc32: Schema.String.annotate({ description: "Of the whole file: eight hexadecimal digits" }),
    location
  }),
  ofFile("FileConfirmed", "A file was delivered by an earlier process, and is still there.", { size: bytes, location }),
  ofRun("RunCompleted", "Everything is delivered, and the manifest says so.", {
    exportId: ExportId,
    files: Schema.Int,
    bytes,
    location: location.annotate({ description: "Where the manifest is" }),
    completedUtc: Schema.String.annotate({ description: "ISO 8601" }),
    earlier: Schema.Boolean.annotate({ description: "Whether it was complete before this process" })
  }),
  ofRun("RunFailed", "The run ended with an error; what is done is kept.", {
    error: Schema.String.annotate({ description: "Its tag: docs/errors.md lists them" }),
    message: Schema.String.annotate({ description: "What happened, for people" }),
    nextStep: Schema.String.annotate({ description: "What to do now, for people" }),
    retryable: Schema.Boolean.annotate({ description: "Whether the same again can help" }),
    requestId: Schema.optionalKey(Schema.String.annotate({ description: "Under which Mews finds the request" }))
  })
])

/**
 * What {@link ExportEvent} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type ExportEvent = typeof ExportEvent.Type

/**
 * Who hears of events: by default nobody. Provide a function that is quick, or that hands over to a queue: whatever
 * happened waits until it returns.
 *
 * @example Into a queue
 * ```ts
 * import { ExportEvent } from "@longshore/core"
 * import { Effect, Queue } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const events = yield* Queue.unbounded<ExportEvent.ExportEvent>()
 *   yield* ExportEvent.publish({ _tag: "FileRestarted", key: "Bill-00001.jsonl", problem: "it changed" }).pipe(
 *     Effect.provideService(ExportEvent.ExportEvents, (event) => Queue.offer(events, event))
 *   )
 *   return yield* Queue.take(events)
 * })
 * const event = await Effect.runPromise(program)
 * event._tag // => "FileRestarted"
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export const ExportEvents = Context.Reference<(event: ExportEvent) => Effect.Effect<void>>(
  "@longshore/core/ExportEvents",
  { defaultValue: () => () => Effect.void }
)

/** Which run speaks: set once by the run, so that what lies below need not carry it along. */
const CurrentEntityType = Context.Reference<EntityType>("@longshore/core/ExportEvent/CurrentEntityType", {
  defaultValue: () => "Unknown"
})

/**
 * Everything that happens inside concerns this entity type. `ExportRun.run` says so by itself; whoever uses `Transfer`
 * alone says it here, or its events are of `Unknown`.
 *
 * @example
 * ```ts
 * import { ExportEvent } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * let speaker = ""
 * await ExportEvent.publish({ _tag: "AnswerLost", problem: "the connection was cut" }).pipe(
 *   ExportEvent.forEntityType("Bill"),
 *   Effect.provideService(ExportEvent.ExportEvents, (event) => Effect.sync(() => (speaker = event.entityType))),
 *   Effect.runPromise
 * )
 * speaker // => "Bill"
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const forEntityType =
  (entityType: EntityType) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(self, CurrentEntityType, entityType)

/**
 * An event without the two fields that {@link publish} fills in, `at` and `entityType`.
 *
 * @since 0.1.0
 * @category models
 */
export type Happening = ExportEvent extends infer E
  ? E extends ExportEvent
    ? Omit<E, "at" | "entityType">
    : never
  : never

/**
 * The fields of an event as attributes of spans and logs: `exportId` is `longshore.export_id`. `_tag`, which is the
 * name of the record, and `at` are not among them.
 *
 * @example
 * ```ts
 * import { ExportEvent } from "@longshore/core"
 *
 * const event = { _tag: "BytesReceived", at: 0, entityType: "Bill", key: "Bill-00001.jsonl", bytes: 7 } as const
 * Object.keys(ExportEvent.attributes(event)) // => ["longshore.entity_type", "longshore.key", "longshore.bytes"]
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const attributes = (event: ExportEvent): Record<string, string | number | boolean> => {
  const { _tag, at: _at, ...fields } = event
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      `longshore.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
      value
    ])
  )
}

/**
 * Whether it happens too often to be told one by one: bytes that came, parts that are stored. Metrics sum these up.
 *
 * @example
 * ```ts
 * import { ExportEvent } from "@longshore/core"
 *
 * ExportEvent.isFrequent({ _tag: "BytesReceived", at: 0, entityType: "Bill", key: "Bill-00001.jsonl", bytes: 7 }) // => true
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const isFrequent = (event: ExportEvent): boolean => event._tag === "BytesReceived" || event._tag === "PartStored"

/**
 * Tells the listener what happened, now; counts it, and notes it in the span in which it happened. For whoever adds to
 * the lifecycle; everything in it tells its events by itself.
 *
 * @example
 * ```ts
 * import { ExportEvent } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const told: Array<string> = []
 * await ExportEvent.publish({ _tag: "PartLost", key: "Bill-00001.jsonl", part: 1, bytes: 8_388_608 }).pipe(
 *   Effect.provideService(ExportEvent.ExportEvents, (event) => Effect.sync(() => void told.push(event._tag))),
 *   Effect.runPromise
 * )
 * told // => ["PartLost"]
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const publish = Effect.fnUntraced(function* (happening: Happening) {
  const listener = yield* ExportEvents
  const entityType = yield* CurrentEntityType
  const at = yield* Clock.currentTimeMillis
  const event: ExportEvent = { ...happening, at, entityType }
  yield* Metrics.observe(event)
  if (!isFrequent(event)) yield* Tracing.event(event._tag, attributes(event))
  yield* listener(event)
})
