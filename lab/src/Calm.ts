/** What must be true once all faults have stopped: the run ends well, in bounded time, and stays done. */
import * as Effect from "effect/Effect"
import { exitText, Violation } from "./Invariants.ts"
import type { RunProcess } from "./Scene.ts"
import type { World } from "./World.ts"

const hour = 3_600_000

/** A run that is left alone by all faults has ended by then (virtual time), whatever happened before. */
const patience = 3 * hour

/** An error that is left over from before may be told, and a generation given up: then it must work. */
const mostStarts = 3

/** Runs a process until it ends, or dies, or it is too late. */
export const attend = async (world: World, process: RunProcess, until = world.machine.now() + patience) => {
  const isOver = () => !process.isAlive() || world.checker.violation() !== undefined
  const how = await world.machine.run(isOver, until)
  const exit = process.exit()
  if (how === "over" && exit !== undefined) world.checker.ended(exit)
  return { how, exit }
}

/** Starts the run until it is complete, and once more: I9, I10. Fails with the invariant that does not hold. */
export const finish = async (world: World, started: (process: RunProcess) => void = () => undefined) => {
  const { checker } = world
  const once = async () => {
    const process = world.start({ onBusy: "wait", onExpired: "renew" })
    started(process)
    const { exit } = await attend(world, process)
    const violation = checker.violation()
    if (violation !== undefined) throw violation
    if (exit === undefined) throw new Violation("I9", "without faults the run does not end")
    return exit
  }
  for (let n = 1; ; n++) {
    const exit = await once()
    if (exit._tag === "Success") break
    if (n === mostStarts) throw new Violation("I9", `without faults it fails again and again: ${exitText(exit)}`)
  }
  const requests = () => Effect.runSync(world.simulator.requests).length
  const before = requests()
  const exit = await once()
  if (exit._tag === "Failure") throw new Violation("I11", `the run was complete, and then: ${exitText(exit)}`)
  if (requests() > before) throw new Violation("I10", `a complete run sent ${requests() - before} requests`)
  if (!exit.value.earlier) throw new Violation("I10", "a complete run was not known as complete")
}
