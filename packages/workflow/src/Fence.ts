/**
 * Keeps a runner that was frozen from harming what its successor does. A runner that begins to work on a run takes the
 * next number for it; before anything lasting is done the number is compared with the latest. One with an old number waits
 * until the engine takes the run away from it, which it does a few seconds after the runner wakes.
 *
 * Between the comparison and the deed a process can still be frozen. What it then does is one write of bytes that are
 * already there, one commit of the same content, or the beginning of an upload, which is then an abandoned one.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { MigrationError } from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { make, memory } from "./internal/fence.ts"
import { migrate } from "./internal/tables.ts"

/**
 * What a runner that has a run is to ask.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lease {
  /** Goes on at once while the run is this runner's. Otherwise it waits to be interrupted; who is not takes the run again. */
  readonly confirm: Effect.Effect<void>
  /** The same, unless it was confirmed in the last two seconds: for what happens often. */
  readonly recent: Effect.Effect<void>
}

/**
 * The numbers of all runs, for one runner.
 *
 * @example Before something that lasts
 * ```ts
 * import { Fence } from "@longshore/workflow"
 * import { Effect } from "effect"
 *
 * const publish = Effect.fn("publish")(function* (run: string, deed: Effect.Effect<void>) {
 *   const fence = yield* Fence.Fence
 *   const lease = yield* fence.take(run)
 *   // Whoever has the run by now: if that is another runner, this waits.
 *   yield* lease.confirm
 *   yield* deed
 * }, Effect.scoped)
 * await Effect.runPromise(Effect.provide(publish("a run", Effect.void), Fence.layerMemory))
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Fence extends Context.Service<
  Fence,
  {
    /**
     * Takes the next number: every other runner that had the run is fenced off. What is still under way here from an
     * earlier time goes by the new number.
     */
    readonly take: (run: string) => Effect.Effect<Lease, never, Scope.Scope>
  }
>()("@longshore/workflow/Fence") {}

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
 * }).pipe(Effect.scoped)
 * await Effect.runPromise(Effect.provide(program, Fence.layerMemory)) // => "still mine"
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<Fence> = Layer.sync(Fence, () => make(memory()))

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
