/** Leases by numbers, wherever these are kept. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Fence } from "../Fence.ts"

export interface Numbers {
  readonly next: (run: string) => Effect.Effect<number>
  readonly latest: (run: string) => Effect.Effect<number>
}

/** How long an old holder waits to be interrupted. A runner that wakes loses its shards within ten seconds. */
const patience = "20 seconds"

interface Held {
  number: number
  holders: number
}

/** What one runner does. */
export const make = ({ latest, next }: Numbers): Fence["Service"] => {
  /**
   * The runs that are worked on here. The engine may do a step of a run that this runner lost and has again as the earlier
   * time left it: these two are no strangers, and must not wait for each other.
   */
  const ours = new Map<string, Held>()
  const hold = (run: string) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const held = ours.get(run) ?? { number: 0, holders: 0 }
        held.holders++
        ours.set(run, held)
        return held
      }),
      (held) => Effect.sync(() => --held.holders === 0 && ours.delete(run))
    )
  return {
    take: Effect.fnUntraced(function* (run) {
      yield* hold(run)
      let mine = 0
      const number = () => Math.max(mine, ours.get(run)?.number ?? 0)
      const renew = Effect.map(next(run), (taken) => {
        mine = taken
        const held = ours.get(run)
        if (held !== undefined) held.number = number()
      })
      yield* renew
      let confirmedAt = yield* Clock.currentTimeMillis
      const confirm: Effect.Effect<void> = Effect.gen(function* () {
        while ((yield* latest(run)) > number()) {
          yield* Effect.logWarning("another runner has taken this run over")
          // Also where nothing may be interrupted: nothing is done yet.
          yield* Effect.interruptible(Effect.sleep(patience))
          // Still here: the run is ours, and the other one was the older.
          yield* renew
        }
        confirmedAt = yield* Clock.currentTimeMillis
      })
      const recent = Effect.flatMap(Clock.currentTimeMillis, (now) =>
        // A clock that was set back says nothing either.
        Math.abs(now - confirmedAt) < 2_000 ? Effect.void : confirm
      )
      return { confirm, recent }
    })
  }
}

/** For as many runners as are made of it. */
export const memory = (): Numbers => {
  const numbers = new Map<string, number>()
  const latest = (run: string) => numbers.get(run) ?? 0
  return {
    next: (run) =>
      Effect.sync(() => {
        numbers.set(run, latest(run) + 1)
        return latest(run)
      }),
    latest: (run) => Effect.sync(() => latest(run))
  }
}
