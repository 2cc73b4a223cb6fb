/**
 * How many parts may be on their way at once, of all files together. A host that is overloaded (503, 429) or falls
 * silent gets half as many at a time; every round of parts that arrive earns one back.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

export interface Budget {
  /** Runs when a place is free. */
  readonly use: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** An attempt that began then (milliseconds since 1970) met an overloaded host. */
  readonly congested: (began: number) => Effect.Effect<void>
  readonly arrived: Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* (most: number): Effect.fn.Return<Budget> {
  const places = yield* Semaphore.make(most)
  let allowed = most
  let reducedAt = -Infinity
  let arrivals = 0
  const allow = (count: number) => {
    allowed = count
    arrivals = 0
    return places.resize(count)
  }
  return {
    use: (effect) => places.withPermit(effect),
    congested: Effect.fnUntraced(function* (began) {
      // Parts that were on their way together tell of one and the same congestion.
      if (began < reducedAt || allowed === 1) return
      reducedAt = yield* Clock.currentTimeMillis
      yield* allow(Math.floor(allowed / 2))
    }),
    arrived: Effect.suspend(() => (allowed < most && ++arrivals >= allowed ? allow(allowed + 1) : Effect.void))
  }
})
