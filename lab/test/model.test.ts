/** Stories that fast-check makes up, command by command, and cuts down to the shortest that fails. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import * as Model from "../src/Model.ts"

const commands = [
  fc.constant(Model.start),
  fc.constant(Model.start),
  fc.constantFrom(1, 3, 10, 60).map(Model.tick),
  fc.constantFrom(1, 3, 10, 60).map(Model.tick),
  fc.constantFrom(900, 86_400).map(Model.tick),
  fc.constant(Model.startSecond),
  fc.constant(Model.kill),
  fc.constant(Model.powerCut),
  fc.constantFrom(-15, 0, 15, 600).map(Model.clockJump),
  fc
    .constantFrom(
      "lose-add-answer" as const,
      "fail-export" as const,
      "expire-export" as const,
      "unknown-status" as const,
      "status-back" as const,
      "deny-link" as const,
      "reset-file" as const,
      "stall-file" as const,
      "truncate-file" as const,
      "change-content" as const,
      "file-503" as const,
      "api-429" as const,
      "api-500" as const,
      "api-401" as const
    )
    .map(Model.fault),
  fc.constant(Model.tamper)
]

describe("the model", () => {
  it.live(
    "F05 F23 F32 F43 F91 F94 agrees with the program, whatever happens in whatever order",
    () =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.nat(), fc.commands(commands, { maxCommands: 25 }), async (seed, story) => {
            const { model, real } = await Model.make(seed)
            await fc.asyncModelRun(() => ({ model, real }), story)
            await Model.calm(model, real)
          }),
          { numRuns: Number(process.env["LONGSHORE_MODEL_RUNS"] ?? 150), seed: 20_261_124 }
        )
      ),
    60_000
  )
})
