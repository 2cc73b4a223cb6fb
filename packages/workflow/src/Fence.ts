/**
 * Keeps a runner that was frozen from harming what its successor does. Whoever begins to work on a run takes the next
 * number for it; before anything lasting is done the number is compared with the latest. An old one waits until the
 * engine takes the run away from this runner, which it does a few seconds after it wakes.
 *
 * Between the comparison and the deed a process can still be frozen. What it then does is one write of bytes that are
 * already there, one commit of the same content, or the beginning of an upload, which is then an abandoned one.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type { MigrationError } from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { migrate } from "./internal/tables.ts"

/**
 * What a holder of a run is to ask.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lease {
  /** Goes on at once while the run is this holder's. Otherwise it waits to be interrupted; who is not takes the run again. */
  readonly confirm: Effect.Effect<void>
  /** The same, unless it was confirmed in the last two seconds: for what happens often. */
  readonly recent: Effect.Effect<void>
}

/**
 * The numbers of all runs.
 *
 * @example Whoever had a run before does nothing more
 * ```ts
 * import { Fence } from "@longshore/workflow"
 * import { Effect, Option } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const fence = yield* Fence.Fence
 *   const frozen = yield* fence.take("a run")
 *   const successor = yield* fence.take("a run")
 *   yield* successor.confirm
 *   return yield* Effect.timeoutOption(frozen.confirm, "50 millis")
 * })
 * await Effect.runPromise(Effect.provide(program, Fence.layerMemory)) // => Option.none()
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Fence extends Context.Service<
  Fence,
  {
    /** Takes the next number. Every earlier holder of the run is fenced off. */
    readonly take: (run: string) => Effect.Effect<Lease>
  }
>()("@longshore/workflow/Fence") {}

interface Numbers {
  readonly next: (run: string) => Effect.Effect<number>
  readonly latest: (run: string) => Effect.Effect<number>
}

/** How long an old holder waits to be interrupted. A runner that wakes loses its shards within ten seconds. */
const patience = "20 seconds"

const make = ({ latest, next }: Numbers): Fence["Service"] =>
  Fence.of({
    take: Effect.fnUntraced(function* (run) {
      let mine = yield* next(run)
      let confirmedAt = yield* Clock.currentTimeMillis
      const confirm: Effect.Effect<void> = Effect.gen(function* () {
        while ((yield* latest(run)) > mine) {
          yield* Effect.logWarning("another runner has taken this run over")
          // Also where nothing may be interrupted: nothing is done yet.
          yield* Effect.interruptible(Effect.sleep(patience))
          // Still here: the run is ours, and the other one was the older.
          mine = yield* next(run)
        }
        confirmedAt = yield* Clock.currentTimeMillis
      })
      const recent = Effect.flatMap(Clock.currentTimeMillis, (now) =>
        // A clock that was set back says nothing either.
        Math.abs(now - confirmedAt) < 2_000 ? Effect.void : confirm
      )
      return { confirm, recent }
    })
  })

/**
 * In memory: for engines in memory.
 *
 * @example
 * ```ts
 * import { Fence } from "@longshore/workflow"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const fence = yield* Fence.Fence
 *   const lease = yield* fence.take("a run")
 *   yield* lease.confirm
 *   return "still mine"
 * })
 * await Effect.runPromise(Effect.provide(program, Fence.layerMemory)) // => "still mine"
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<Fence> = Layer.sync(Fence, () => {
  const numbers = new Map<string, number>()
  const latest = (run: string) => numbers.get(run) ?? 0
  return make({
    next: (run) =>
      Effect.sync(() => {
        numbers.set(run, latest(run) + 1)
        return latest(run)
      }),
    latest: (run) => Effect.sync(() => latest(run))
  })
})

/**
 * In a table `longshore_fence` of the database. A database that does not answer is waited for: nothing is written
 * meanwhile.
 *
 * @example
 * ```ts no-run
 * import { Fence } from "@longshore/workflow"
 * import { PgClient } from "@effect/sql-pg"
 * import { Layer, Redacted } from "effect"
 *
 * const fence = Fence.layer.pipe(Layer.provide(PgClient.layer({ url: Redacted.make("postgres://localhost/longshore") })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Fence, MigrationError | SqlError, SqlClient> = Layer.effect(
  Fence,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* migrate
    const number = (query: Effect.Effect<ReadonlyArray<{ readonly epoch: number | bigint | string }>, SqlError>) =>
      query.pipe(
        Effect.map((rows) => Number(rows[0]?.epoch ?? 0)),
        Effect.tapError((error) =>
          Effect.logWarning("the database does not answer; nothing is written until it does", error)
        ),
        Effect.retry(Schedule.spaced("1 second")),
        Effect.orDie
      )
    return make({
      next: (run) =>
        number(sql`
          INSERT INTO longshore_fence (run, epoch) VALUES (${run}, 1)
          ON CONFLICT (run) DO UPDATE SET epoch = longshore_fence.epoch + 1 RETURNING epoch`),
      latest: (run) => number(sql`SELECT epoch FROM longshore_fence WHERE run = ${run}`)
    })
  })
)
