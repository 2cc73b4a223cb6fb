/**
 * What a user may expect of a run, in a hundred lines: one export at a time, stages that never go back, done stays done. The
 * commands do things to the real program in its world, and to this; then both must agree.
 */
import * as RunSummary from "@longshore/core/RunSummary"
import { Disk } from "@longshore/disk/Disk"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import type { FaultName } from "@longshore/simulator/Fault"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as fc from "fast-check"
import * as Calm from "./Calm.ts"
import * as Dice from "./Dice.ts"
import { journalPath, pass, type RunProcess } from "./Scene.ts"
import * as World from "./World.ts"

const stages = ["asking", "waiting", "transferring", "publishing", "complete"] as const

/** What is expected. */
export interface Model {
  /** A process is at work. */
  running: boolean
  /** The furthest stage that the journal has told: a later process does not begin before it. */
  stage: number
  /** Exports that the run may have asked for: one, and one more for every answer that was lost or export that ended badly. */
  mayAsk: number
  /** Faults that were set on the other side, and may not have happened yet. */
  faults: number
}

export interface Real {
  readonly world: World.World
  process: RunProcess | undefined
}

export const make = async (seed: number): Promise<{ model: Model; real: Real }> => ({
  model: { running: false, stage: 0, mayAsk: 1, faults: 0 },
  real: {
    process: undefined,
    world: await World.make({
      dice: Dice.make(seed),
      simulator: { seed, fileSizes: [20_000, 9_000], pending: "5 seconds", processing: "20 seconds", bandwidth: 4_000 },
      run: { partSize: 8_192, onBusy: "wait", onExpired: "renew" },
      transfer: { concurrency: 2, stallTimeout: "5 seconds" },
      rateLimit: { limit: 100, window: "30 seconds" },
      fate: () => pass
    })
  }
})

const ensure = (holds: boolean, problem: string) => {
  if (!holds) throw new Error(problem)
}

/** Holds the real thing against the model. */
const compare = (model: Model, real: Real) => {
  const { process, world } = real
  const violation = world.checker.violation()
  if (violation !== undefined) throw violation
  const read = Effect.runSync(
    Effect.result(Effect.provideService(FileJournal.read(journalPath), Disk, world.storage.disk))
  )
  const stage = read._tag === "Failure" ? 0 : stages.indexOf(RunSummary.summarize(read.success.steps).stage)
  const renewed = read._tag === "Success" && [...read.success.steps.keys()].some((name) => /^(\d+\.)?renew$/.test(name))
  ensure(stage >= model.stage || renewed, `the run was ${stages[model.stage]}, and then ${stages[stage]}`)
  model.stage = stage
  const accepted = Effect.runSync(world.simulator.exports).length
  ensure(accepted <= model.mayAsk, `${accepted} exports were accepted, where ${model.mayAsk} may be`)
  const exit = process?.exit()
  if (exit === undefined) return
  // It ended: well when it is complete, with an error only if there was a fault to blame.
  world.checker.ended(exit)
  ensure(exit._tag === "Success" ? stage === 4 : model.faults > 0, `the run ended as ${JSON.stringify(exit)}`)
  model.running = false
  real.process = undefined
}

type Command = fc.AsyncCommand<Model, Real>

const command = (
  name: string,
  check: (model: Model) => boolean,
  run: (model: Model, real: Real) => Promise<void> | void
): Command => ({
  check,
  run: async (model, real) => {
    await run(model, real)
    compare(model, real)
  },
  toString: () => name
})

const always = () => true

/** Time passes: as much as asked, or until the process ends. */
export const tick = (seconds: number) =>
  command(`tick ${seconds} s`, always, async (_, { process, world }) => {
    const isOver = () => process?.isAlive() === false || world.checker.violation() !== undefined
    const end = world.machine.now() + seconds * 1_000
    if (process?.isAlive() === true) await world.machine.run(isOver, end)
  })

export const start = command(
  "start",
  (model) => !model.running,
  (model, real) => {
    real.process = real.world.start()
    model.running = true
  }
)

/** A second one is turned away while the first is at work. */
export const startSecond = command(
  "start a second process",
  (model) => model.running,
  async (_, { process, world }) => {
    // Only who holds the lock turns others away: the first gets a moment to come to it.
    await world.machine.run(() => process?.isAlive() === false, world.machine.now() + 500)
    if (process?.isAlive() !== true) return
    const second = world.start()
    await world.machine.run(() => !second.isAlive() || !process.isAlive(), world.machine.now() + 5_000)
    const exit = second.exit()
    if (exit?._tag !== "Failure") return ensure(!process.isAlive(), "two processes are at work on one run")
    const locked = exit.cause.reasons.some(
      (reason) =>
        reason._tag === "Fail" && Predicate.hasProperty(reason.error, "reason") && reason.error.reason === "Locked"
    )
    ensure(locked, "the second process ended with another error than that the run is locked")
  }
)

const crash = (name: string, power: boolean) =>
  command(
    name,
    (model) => model.running,
    (model, { process, world }) => {
      // The answer to a request for an export may be on its way, and is lost then.
      if (model.stage === 0) model.mayAsk += 1
      if (process !== undefined) world.crash(process, power)
      model.running = false
    }
  )
export const kill = crash("kill -9", false)
export const powerCut = crash("power cut", true)

export const clockJump = (minutes: number) =>
  command(`the clock is ${minutes} min off`, always, (_, { world }) => {
    world.machine.setWallClock(minutes * 60_000)
    world.checker.clockMoved()
  })

/** Something goes wrong on the other side. Which of them end an export, or hide one, is known. */
export const fault = (name: FaultName) =>
  command(`fault ${name}`, always, (model, { world }) => {
    Effect.runSync(world.simulator.addFault({ name }))
    model.faults += 1
    if (["lose-add-answer", "fail-export", "expire-export"].includes(name)) model.mayAsk += 1
  })

export const tamper = command(
  "somebody deletes a file",
  (model) => !model.running && model.stage > 2,
  (model, { world }) => {
    const path = [...world.storage.files().keys()].find((path) => /\/Reservation-\d+\.jsonl$/.test(path))
    if (path === undefined) return
    world.checker.tampered(path)
    world.storage.put(path, undefined)
    // If its export has expired meanwhile, it takes another to bring it back.
    model.mayAsk += 1
  }
)

/** In the end all faults stop: it completes, and stays complete. */
export const calm = async (model: Model, real: Real) => {
  const { process, world } = real
  Effect.runSync(world.simulator.clearFaults)
  if (process?.isAlive() === true) await Calm.attend(world, process)
  model.faults += 1
  compare(model, real)
  model.mayAsk += 1
  await Calm.finish(world)
}
