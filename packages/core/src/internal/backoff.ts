import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"

/**
 * How long to wait before trying again: from half a second, doubling, at most half a minute, jittered so that many
 * clients do not come back together, and never before the other side said (`retryAfter`, milliseconds).
 */
export const backoff = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("30 seconds")]).pipe(
  Schedule.jittered,
  Schedule.modifyDelay(({ duration, input }) => Effect.succeed(Duration.max(duration, asked(input))))
)

const asked = (error: unknown): Duration.Duration =>
  Predicate.hasProperty(error, "retryAfter") && Predicate.isNumber(error.retryAfter)
    ? Duration.millis(error.retryAfter)
    : Duration.zero
