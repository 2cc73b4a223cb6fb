/** Spans of a run, and what happens during it as their events. `docs/telemetry.md` lists their names and attributes. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Tracer from "effect/Tracer"

/** What OpenTelemetry calls `error.type`: the tag of an error of ours. */
export const errorType = (cause: Cause.Cause<unknown>): string => {
  if (Cause.hasInterruptsOnly(cause)) return "Interrupted"
  const error = Cause.squash(cause)
  if (Predicate.hasProperty(error, "_tag") && typeof error._tag === "string") return error._tag
  return error instanceof Error ? error.name : "Defect"
}

type Options = Pick<Tracer.SpanOptionsNoTrace, "attributes" | "kind" | "links">

/** Runs it inside a span that tells how it failed. */
export const span =
  (name: string, options: Options = {}) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    self.pipe(
      Effect.tapCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.annotateCurrentSpan("error.type", errorType(cause))
      ),
      Effect.withSpan(name, options, { captureStackTrace: false })
    )

/** As many events as OpenTelemetry lets a span have: an export may be looked at for days. */
const maxEvents = 128

const counts = new WeakMap<Tracer.Span, number>()

/** Adds an event to the span it happens in. Those that are too many are counted. */
export const event = Effect.fnUntraced(function* (name: string, attributes: Readonly<Record<string, unknown>>) {
  const current = yield* Effect.option(Effect.currentSpan)
  if (current._tag === "None") return
  const span = current.value
  const count = (counts.get(span) ?? 0) + 1
  counts.set(span, count)
  if (count <= maxEvents) span.event(name, yield* Clock.currentTimeNanos, attributes)
  else span.attribute("longshore.events_dropped", count - maxEvents)
})
