/** What one check found out. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type * as ExitCode from "../output/ExitCode.ts"
import * as Report from "../output/Report.ts"

/** In the order in which they are shown. */
export const Check = Schema.Literals([
  "program",
  "settings",
  "tokens",
  "connection",
  "api",
  "access",
  "state",
  "target",
  "clock",
  "file host"
])

export type Check = typeof Check.Type

export const Finding = Schema.Struct({
  check: Check,
  status: Schema.Literals(["ok", "warning", "failed", "skipped"]),
  found: Schema.String,
  nextStep: Schema.optionalKey(Schema.String),
  requestId: Schema.optionalKey(Schema.String),
  /** What an export would end with. */
  exitCode: Schema.optionalKey(Schema.Int)
})

export type Finding = typeof Finding.Type

export const ok = (check: Check, found: string): Finding => ({ check, status: "ok", found })

export const skipped = (check: Check, why: string): Finding => ({ check, status: "skipped", found: why })

export const warning = (check: Check, found: string, nextStep: string): Finding => ({
  check,
  status: "warning",
  found,
  nextStep
})

export const failed = (check: Check, exitCode: number, found: string, nextStep: string): Finding => ({
  check,
  status: "failed",
  found,
  nextStep,
  exitCode
})

/** In the words that an export would have for it. */
export const ofFailure = (check: Check, failure: ExitCode.Failure): Finding => {
  const { exitCode, message, nextStep, requestId } = Report.ofFailure(failure)
  return { ...failed(check, exitCode, message, nextStep), ...(requestId === undefined ? {} : { requestId }) }
}

/**
 * The end of waiting for a check. A call of the operating system cannot be taken back, so a check that is in one goes on
 * alone, to tidy up after itself if it still can.
 */
export const within = <A, B, R>(
  limit: Duration.Input,
  check: Effect.Effect<A, never, R>,
  orElse: () => B
): Effect.Effect<A | B, never, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(check)
    return yield* Fiber.join(fiber).pipe(
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => Effect.as(Effect.forkDetach(Fiber.interrupt(fiber)), orElse())
      }),
      Effect.onInterrupt(() => Fiber.interrupt(fiber))
    )
  })
