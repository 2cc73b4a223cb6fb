/** A few stories of `pnpm sim`, and that a seed always tells the same one. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Swarm from "../src/Swarm.ts"

describe("the simulation", () => {
  it.live(
    "keeps the invariants in its first hundred stories, and these have every kind of trouble in them",
    () =>
      Effect.promise(async () => {
        const sums: Record<string, number> = {}
        for (let seed = 1; seed <= 100; seed++) {
          const { counts, violation } = await Swarm.run(seed)
          assert.isUndefined(violation, `pnpm sim --seed ${seed}: ${violation?.message}`)
          for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count
        }
        for (const [name, sum] of Object.entries(sums)) assert.isAbove(sum, 0, name)
      }),
    60_000
  )

  it.live(
    "tells the same story again from the same seed",
    () =>
      Effect.promise(async () => {
        for (let seed = 201; seed <= 220; seed++) {
          const [once, again] = [await Swarm.run(seed), await Swarm.run(seed)]
          assert.deepStrictEqual(again.log, once.log)
          assert.deepStrictEqual(again.counts, once.counts)
        }
      }),
    60_000
  )
})
