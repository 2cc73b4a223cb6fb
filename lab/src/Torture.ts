/**
 * Torture: a scenario is run once to count its calls to disk and network. Then it is run again for every call, which fails,
 * or at which the process or the machine dies; the run is started again, and the invariants must hold.
 */
import * as Dice from "./Dice.ts"
import { attend, finish } from "./Calm.ts"
import { Violation } from "./Invariants.ts"
import { type Call, type Fate, pass } from "./Scene.ts"
import * as World from "./World.ts"

export interface Scenario {
  /** Bytes of each file. */
  readonly sizes: ReadonlyArray<number>
  readonly partSize: number
}

/** Several files, several parts. */
export const long: Scenario = { sizes: [20_000, 0, 9_000], partSize: 8_192 }

/** One file, several parts: what is kept of it between processes is in play. */
export const parts: Scenario = { sizes: [9_000], partSize: 8_192 }

/** One file, one part. */
export const short: Scenario = { sizes: [100], partSize: 8_192 }

/** What happens to one call. */
export const harms = [
  "fails",
  "is lost",
  "is cut off before it",
  "is cut off in it",
  "is cut off after it",
  "loses power before it",
  "loses power in it",
  "loses power after it"
] as const
export type Harm = (typeof harms)[number]

export interface Outcome {
  /** Calls of the first process. */
  readonly calls: number
  /** Whether every call that was to be harmed was reached. */
  readonly harmed: boolean
  readonly violation: Violation | undefined
}

const fateOf = (harm: Harm, call: Call): Fate => {
  if (harm === "fails") return { _tag: "Fail", code: call.name.startsWith("http") ? "ECONNRESET" : "EIO" }
  if (harm === "is lost") return call.name.startsWith("http") ? { _tag: "Lose" } : { _tag: "Fail", code: "ENOSPC" }
  const when = harm.endsWith("before it") ? "before" : harm.endsWith("after it") ? "after" : "during"
  return { _tag: "Crash", when, power: harm.startsWith("loses power") }
}

/**
 * Runs the scenario with a harm to each of the calls that are named by their number. After each death a new process is
 * started, whose calls go on in the same count; what a call looks like is the same up to the first harm.
 */
export const run = async (scenario: Scenario, harmed: ReadonlyMap<number, Harm>, seed = 1): Promise<Outcome> => {
  const left = new Map(harmed)
  const world = await World.make({
    dice: Dice.make(seed),
    simulator: { seed, fileSizes: scenario.sizes, pending: 1_000, processing: 1_000 },
    run: { partSize: scenario.partSize },
    transfer: { concurrency: 2 },
    rateLimit: { limit: 100, window: "30 seconds" },
    fate: (call) => {
      const harm = left.get(call.number)
      left.delete(call.number)
      return harm === undefined ? pass : fateOf(harm, call)
    }
  })
  let calls = 0
  try {
    for (let n = 0; n === 0 || (left.size > 0 && n <= harmed.size); n++) {
      const { exit } = await attend(world, world.start())
      if (n === 0) calls = world.calls()
      if (exit?._tag === "Success") break
    }
    const harmedAll = left.size === 0
    left.clear()
    await finish(world)
    return { calls, harmed: harmedAll, violation: world.checker.violation() }
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    return { calls, harmed: left.size === 0, violation: error }
  }
}
