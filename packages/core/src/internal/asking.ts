/** How a run comes by its export: `add`, at most once for what is known. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { ExportId, ExportRequest } from "../Export.ts"
import { AddOutcomeUnknown, type AddRejected, ExportError, type UnexpectedResponse } from "../ExportError.ts"
import { publish } from "../ExportEvent.ts"
import { Exports, maxRetryAfter } from "../Exports.ts"
import { Journal } from "../Journal.ts"
import * as Metrics from "./metrics.ts"
import { Asked, Intent, type Refusal, stepName } from "./steps.ts"

export interface AskOptions {
  readonly request: ExportRequest
  readonly renewal: number
  readonly onBusy: "auto" | "fail" | "wait"
  /** How long to wait before asking again for the n-th time. */
  readonly every: (attempt: number, at: number) => Duration.Duration
  /** How often a request that certainly did not reach the API is sent again. */
  readonly retries: number
  /** Where asking begins, unless it was done before. */
  readonly begun: Effect.Effect<void>
}

/** How many answers in a row may be lost. */
const maxUnknown = 3

/**
 * Each asking is two steps. The intent, with an id of this process, is durable before `add` is sent; then what became
 * of it. An intent of another process without an outcome means that the API may have accepted an export whose id nobody
 * knows: it holds the slot until it ends, and only a refusal tells.
 */
export const ask = Effect.fnUntraced(function* (options: AskOptions) {
  const journal = yield* Journal
  const process = yield* Effect.map(
    Effect.all([Random.nextIntBetween(0, 2 ** 32), Random.nextIntBetween(0, 2 ** 32)]),
    (words) => words.map((word) => word.toString(16).padStart(8, "0")).join("")
  )
  for (let again = 0; ; again++) {
    const intent = yield* journal.step({
      name: stepName(options.renewal, "intent", again),
      success: Intent,
      error: ExportError,
      execute: Effect.succeed({ process })
    })
    const began = yield* Clock.currentTimeMillis
    let mine = false
    // Between the answer and its line in the journal nothing may interrupt: the id exists nowhere else.
    const asked = yield* Effect.uninterruptibleMask((restore) =>
      journal.step({
        name: stepName(options.renewal, "add", again),
        success: Asked,
        error: ExportError,
        irreplaceable: true,
        execute: Effect.suspend(() => {
          mine = true
          return Effect.andThen(options.begun, request(options, intent.process !== process, restore))
        })
      })
    )
    if (asked._tag === "Accepted") {
      if (mine) yield* Metrics.waited(options.request.entityType, "slot", (yield* Clock.currentTimeMillis) - began)
      return asked.exportId
    }
    if (mine) return yield* asked.error
  }
})

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const request = Effect.fnUntraced(function* (
  { every, onBusy, request, retries }: AskOptions,
  foreignIntent: boolean,
  restore: Restore
): Effect.fn.Return<typeof Asked.Type, AddOutcomeUnknown | UnexpectedResponse | Refusal, Exports> {
  const exports = yield* Exports
  const { entityType } = request
  const wait = (millis: number) => restore(Effect.sleep(Duration.millis(millis)))
  let lost = foreignIntent
  // A refusal settles this request; one whose answer was lost before stays open, so then it is not remembered.
  const settle = (error: Refusal): Effect.Effect<typeof Asked.Type, Refusal> =>
    lost ? Effect.fail(error) : Effect.succeed({ _tag: "Refused", error })
  if (lost) {
    const problem = "an earlier process ended before it noted the answer"
    yield* publish({ _tag: "AnswerLost", problem })
    if (onBusy === "fail") return yield* new AddOutcomeUnknown({ operation: "add", entityType, problem })
  }
  for (let attempt = 0, failures = 0, unknown = 0; ;) {
    const result = yield* Effect.result(exports.add(request))
    if (result._tag === "Success") {
      const exportId: ExportId = result.success.id
      yield* publish({ _tag: "ExportRequested", exportId })
      return { _tag: "Accepted", exportId }
    }
    const error = result.failure
    switch (error._tag) {
      case "AddRejected": {
        if (onBusy === "fail" || (onBusy === "auto" && !lost)) return { _tag: "Refused", error }
        unknown = 0
        const millis = Duration.toMillis(every(attempt++, yield* Clock.currentTimeMillis))
        yield* publish({ _tag: "SlotBusy", problem: refusal(error), retryIn: millis })
        yield* wait(millis)
        break
      }
      case "AddOutcomeUnknown": {
        // One lost answer is worth a wait for the slot. An API that never answers is not.
        if (onBusy === "fail" || ++unknown > maxUnknown) return yield* error
        lost = true
        yield* publish({ _tag: "AnswerLost", problem: error.problem })
        yield* wait(Duration.toMillis(every(attempt++, yield* Clock.currentTimeMillis)))
        break
      }
      // It may have been accepted: the intent stays open.
      case "UnexpectedResponse":
        return yield* error
      case "RateLimited":
      case "ApiUnavailable": {
        const asked = "retryAfter" in error ? (error.retryAfter ?? 0) : 0
        if (!error.retryable || failures >= retries || asked > maxRetryAfter) return yield* settle(error)
        const millis = Math.max(asked, Math.min(30_000, 500 * 2 ** failures++))
        yield* publish({ _tag: "AddRetried", attempt: failures, problem: error.message, retryIn: millis })
        yield* wait(millis)
        break
      }
      default:
        return yield* settle(error)
    }
  }
})

const refusal = (error: AddRejected): string =>
  error.apiMessage === undefined ? `HTTP ${error.status ?? "?"}` : `HTTP ${error.status ?? "?"}: ${error.apiMessage}`
