/**
 * What the witness's list of requests says about the limits of an account: whether whoever asked kept to them, and by how far.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type { WitnessedRequest } from "./Simulator.ts"

/**
 * What one account asked of the API, downloads not counted.
 *
 * @since 0.1.0
 * @category models
 */
export interface AccountUse {
  /** As `Simulator.accountOf` names it. */
  readonly account: string
  /** Calls of `add`. */
  readonly adds: number
  /** Calls of `getAll`. */
  readonly looks: number
  /** The most calls that came within one window, wherever it begins. The API allows an access token 200 in 30 seconds. */
  readonly mostInWindow: number
  /** Calls that were refused with 429. */
  readonly limited: number
  /** Calls of `add` that were refused otherwise: an export of that type was running, or the request was wrong. */
  readonly refused: number
  /** The most calls of `add` for one entity type that were on their way at once. Whoever keeps the slots has 1. */
  readonly mostAddsAtOnce: number
}

/**
 * Counts the requests of each account, in the order in which the accounts first asked. The window is 30 seconds unless told otherwise.
 *
 * @example
 * ```ts
 * import { Simulator, SimulatorHttpClient, Witness } from "@longshore/simulator"
 * import { Exports } from "@longshore/core"
 * import { Effect, Layer, Redacted } from "effect"
 *
 * const tokens = { clientToken: Redacted.make("client"), accessToken: Redacted.make("access") }
 * const live = Exports.layer({ platformAddress: "https://api.mews.com", ...tokens }).pipe(
 *   Layer.provide(SimulatorHttpClient.layer),
 *   Layer.provideMerge(Simulator.layer())
 * )
 * const program = Effect.gen(function* () {
 *   const exports = yield* Exports.Exports
 *   yield* exports.add({ entityType: "Bill" })
 *   yield* exports.add({ entityType: "Customer" })
 *   const requests = yield* Simulator.Simulator.use((simulator) => simulator.requests)
 *   return Witness.accounts(requests).map(({ adds, mostAddsAtOnce, mostInWindow }) => ({ adds, mostAddsAtOnce, mostInWindow }))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, live)) // => [{ adds: 2, mostAddsAtOnce: 1, mostInWindow: 2 }]
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const accounts = (
  requests: ReadonlyArray<WitnessedRequest>,
  window: Duration.Input = "30 seconds"
): ReadonlyArray<AccountUse> => {
  const calls = requests.filter(({ kind }) => kind !== "file")
  const names = new Set(calls.flatMap(({ account }) => account ?? []))
  return [...names].map((account) => {
    const own = calls.filter((call) => call.account === account)
    const adds = own.filter(({ kind }) => kind === "add")
    const types = new Set(adds.map(({ entityType }) => entityType))
    return {
      account,
      adds: adds.length,
      looks: own.length - adds.length,
      mostInWindow: most(own.map(({ receivedAt }) => [time(receivedAt), time(receivedAt) + Duration.toMillis(window)])),
      limited: own.filter(({ status }) => status === 429).length,
      refused: adds.filter(({ status }) => status >= 400 && status < 500 && status !== 429).length,
      mostAddsAtOnce: Math.max(
        0,
        ...[...types].map((type) =>
          most(
            adds
              .filter(({ entityType }) => entityType === type)
              .map(({ at, receivedAt }) => [time(receivedAt), time(at)])
          )
        )
      )
    }
  })
}

const time = (iso: string): number => Date.parse(iso)

/** The most intervals that share a moment. Where one ends the next may begin. */
const most = (intervals: ReadonlyArray<readonly [from: number, to: number]>): number =>
  Math.max(
    0,
    ...intervals.map(
      ([at], index) => intervals.filter(([from, to], other) => other === index || (from <= at && at < to)).length
    )
  )
