/** Look-ups that the runs of one account share: whoever can do with an answer that is not quite new gets one for all. */
import type { Export, ExportId } from "@longshore/core/Export"
import type { ExportNotFound } from "@longshore/core/ExportError"
import type { ApiError, Exports } from "@longshore/core/Exports"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Semaphore from "effect/Semaphore"

export interface Looks {
  /** An answer that is at most `freshness` milliseconds old. */
  readonly get: (id: ExportId, freshness: number) => Effect.Effect<Export, ApiError | ExportNotFound>
  /** Something that the API said of it elsewhere. */
  readonly tell: (found: Export) => Effect.Effect<void>
}

interface Known {
  readonly at: number
  readonly exit: Exit.Exit<Export, ApiError | ExportNotFound>
}

/** Who has not asked for this long waits no more. */
const forgetAfter = 15 * 60_000

export const isActive = ({ status }: Export): boolean => status === "Pending" || status === "Processing"

export const make = Effect.fnUntraced(function* (api: Exports["Service"]): Effect.fn.Return<Looks> {
  const turn = yield* Semaphore.make(1)
  /** Who waits, and when it asked last. */
  const waiting = new Map<ExportId, number>()
  const known = new Map<ExportId, Known>()

  const look = (id: ExportId) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) =>
      Effect.map(Effect.exit(api.get(id)), (exit) => {
        known.set(id, { at, exit })
        if (exit._tag === "Success" && !isActive(exit.value)) waiting.delete(id)
        return exit
      })
    )

  const round = Effect.fnUntraced(function* (now: number) {
    for (const [id, asked] of waiting) if (now - asked > forgetAfter) waiting.delete(id)
    for (const [id, { at }] of known) if (now - at > forgetAfter) known.delete(id)
    // All at once, so that they become one request.
    yield* Effect.forEach([...waiting.keys()], look, { concurrency: "unbounded", discard: true })
  })

  return {
    tell: (found) =>
      Effect.map(Clock.currentTimeMillis, (at) => void known.set(found.id, { at, exit: Exit.succeed(found) })),
    get: Effect.fnUntraced(function* (id, freshness) {
      if (freshness === 0) return yield* yield* look(id)
      // Before it waits for its turn: whoever is next looks for it as well.
      const asked = yield* Clock.currentTimeMillis
      waiting.set(id, asked)
      const answer = () => {
        const found = known.get(id)
        if (found === undefined) return undefined
        // A failure is of those alone who asked before it.
        return found.at >= asked || (Exit.isSuccess(found.exit) && found.at >= asked - freshness)
          ? found.exit
          : undefined
      }
      const exit = yield* Semaphore.withPermit(
        turn,
        Effect.gen(function* () {
          const before = answer()
          if (before !== undefined) return before
          const now = yield* Clock.currentTimeMillis
          waiting.set(id, now)
          yield* round(now)
          return answer() ?? (yield* look(id))
        })
      )
      return yield* exit
    })
  }
})
