/** The short part of `pnpm torture`: every call of a short run goes wrong, in every way. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Torture from "../src/Torture.ts"

describe("torture", () => {
  for (const harm of Torture.harms) {
    it.live(
      `F88 F95 F98 whichever call ${harm}, the next process finishes the run`,
      () =>
        Effect.promise(async () => {
          const { calls, violation } = await Torture.run(Torture.short, new Map())
          assert.isUndefined(violation)
          assert.isAbove(calls, 60)
          for (let call = 1; call <= calls; call++) {
            const outcome = await Torture.run(Torture.short, new Map([[call, harm]]))
            assert.isUndefined(outcome.violation, `call ${call} ${harm}: ${outcome.violation?.message}`)
            assert.isTrue(outcome.harmed, `call ${call} was not made`)
          }
        }),
      60_000
    )
  }
})
