/**
 * A whole story from one seed: what the world is like, which faults there are in it and when, and how often its process is
 * started again. Which faults are on is part of the seed: few at a time find what all together hide.
 */
import type * as Fault from "@longshore/simulator/Fault"
import * as Effect from "effect/Effect"
import * as Dice from "./Dice.ts"
import { attend, finish } from "./Calm.ts"
import { exitText, Violation } from "./Invariants.ts"
import { type Call, entityType, type Fate, pass, type RunProcess } from "./Scene.ts"
import * as World from "./World.ts"

export interface Counts {
  readonly starts: number
  readonly kills: number
  readonly powerCuts: number
  readonly failedCalls: number
  readonly lostAnswers: number
  readonly simulatorFaults: number
  readonly clockJumps: number
  readonly secondProcesses: number
  readonly tamperings: number
  readonly calls: number
  /** Of virtual time. */
  readonly days: number
}

export interface Story {
  readonly counts: Counts
  readonly violation: Violation | undefined
  /** What happened, for people. */
  readonly log: ReadonlyArray<string>
}

/** What may happen to calls of the disk. */
const diskCodes = ["ENOSPC", "EIO", "EACCES", "EMFILE", "EROFS"]
const networkCodes = ["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENOTFOUND"]

/** Faults of the other side from which a run comes back by itself or when it is started again. */
const apiFaults: ReadonlyArray<Fault.FaultName> = [
  "lose-add-answer",
  "fail-export",
  "expire-export",
  "unknown-status",
  "api-400",
  "api-401",
  "api-403",
  "api-408",
  "api-409",
  "api-429",
  "api-429-html",
  "api-429-date",
  "api-500",
  "api-503-html",
  "api-not-json",
  "api-204",
  "api-wrong-shape"
]
const fileFaults: ReadonlyArray<Fault.FaultName> = [
  "reset-file",
  "stall-file",
  "truncate-file",
  "change-content",
  "gzip-file",
  "ignore-range",
  "no-etag",
  "wrong-range",
  "deny-link",
  "file-503"
]

const minute = 60_000
const hour = 60 * minute

/** Of one process: a wait of hours is not disturbed every second. */
const mostDisturbances = 30

export const run = async (seed: number): Promise<Story> => {
  const dice = Dice.make(seed)
  const log: Array<string> = []
  const count = {
    starts: 0,
    kills: 0,
    failedCalls: 0,
    lostAnswers: 0,
    simulatorFaults: 0,
    clockJumps: 0,
    secondProcesses: 0,
    tamperings: 0
  }

  // The world.
  const partSize = dice.pick([4_096, 10_000, 16_384, 65_536])
  const sizes = Array.from({ length: dice.pick([0, 1, 2, 3, 3, 4]) }, () =>
    dice.pick([0, 1, partSize, partSize + 1, 2 * partSize, 4 * partSize - 1, dice.between(1, 65_537)])
  ).map((size) => Math.min(size, 65_536))
  const concurrency = dice.pick([1, 2, 3, 8])
  const hurried = dice.chance(0.5)

  // The faults: each kind is on or off. Most are rare, or hit nothing but files: else few processes would come as far.
  const onlyFiles = dice.chance(0.5)
  const on = (probability: number) => (dice.chance(0.4) ? dice.next() ** (onlyFiles ? 1 : 2) * probability : 0)
  const rates = {
    kill: on(0.08),
    power: on(0.04),
    disk: on(0.03),
    network: on(0.2),
    lose: on(0.2),
    host: on(0.3),
    delay: on(0.3)
  }
  const codes = dice.pick([diskCodes, ["ENOSPC"], ["EIO"]])
  const names = {
    api: apiFaults.filter(() => dice.chance(0.2)),
    file: fileFaults.filter(() => dice.chance(0.2))
  }
  const faultsEvery = dice.pick([2_000, 10_000, minute])
  const jumps = dice.chance(0.2)
  const seconds = dice.chance(0.2)
  const tampers = dice.chance(0.3)
  let calm = false
  let tight = dice.chance(0.15)

  const fate = (call: Call): Fate => {
    if (calm) return pass
    if (onlyFiles && call.name !== "http file" && !call.path.includes(`/${entityType}/`)) return pass
    const isDisk = call.name.startsWith("disk")
    // A death at a rename is the hardest to come back from.
    const turning = call.name === "disk rename" ? 5 : 1
    if (dice.chance(rates.power * turning)) return crash(dice, true)
    if (dice.chance(rates.kill * turning)) {
      count.kills += 1
      return crash(dice, false)
    }
    if (isDisk && dice.chance(rates.disk)) {
      count.failedCalls += 1
      return { _tag: "Fail", code: dice.pick(codes) }
    }
    if (!isDisk && dice.chance(rates.network)) {
      count.failedCalls += 1
      return { _tag: "Fail", code: dice.pick(networkCodes) }
    }
    if (!isDisk && dice.chance(rates.lose)) {
      count.lostAnswers += 1
      return { _tag: "Lose" }
    }
    if (!isDisk && dice.chance(rates.host)) addFault(call.name === "http file" ? names.file : names.api)
    return dice.chance(rates.delay) ? { _tag: "Pass", delay: dice.between(1, isDisk ? 50 : 5_000) } : pass
  }

  const world = await World.make({
    dice: dice.fork(),
    simulator: {
      seed,
      fileSizes: sizes,
      pending: dice.pick([0, 1_500, minute]),
      processing: dice.pick([500, 10_000, hour]),
      linkTtl: dice.pick([20_000, 2 * minute, 10 * minute]),
      exportTtl: dice.pick([6 * hour, 7 * 24 * hour]),
      unknownId: dice.pick(["reject", "omit"]),
      conflictStatus: dice.pick([400, 403, 409]),
      ...(dice.chance(0.3) ? { bandwidth: dice.pick([2_000, 20_000, 200_000]) } : {})
    },
    run: {
      partSize,
      onBusy: dice.pick(["auto", "fail", "wait"]),
      onExpired: dice.pick(["fail", "renew"]),
      retries: dice.pick([0, 2, 6])
    },
    transfer: { concurrency, retries: dice.pick([0, 2, 6]), stallTimeout: dice.pick(["5 seconds", "30 seconds"]) },
    rateLimit: dice.pick([
      { limit: 100, window: "30 seconds" },
      { limit: 3, window: "10 seconds" }
    ]),
    capacity: () => (tight ? 40_000 : 2 ** 40),
    fate
  })
  const { checker, machine } = world
  const began = machine.now()
  const note = (text: string) =>
    log.push(`${((machine.now() - began) / 1000).toFixed(3)} s, call ${world.calls()}: ${text}`)
  note(
    `files of ${sizes.join(", ") || "none"} bytes, parts of ${partSize}; faults: ${
      [
        ...Object.entries(rates).flatMap(([name, rate]) => (rate > 0 ? [`${name} ${(100 * rate).toFixed(1)} %`] : [])),
        ...names.api,
        ...names.file
      ].join(", ") || "none"
    }`
  )

  /** For the next request that it can happen to. */
  const addFault = (names: ReadonlyArray<Fault.FaultName>) => {
    if (names.length === 0) return
    const name = dice.pick(names)
    count.simulatorFaults += 1
    Effect.runSync(world.simulator.addFault({ name, count: dice.pick([1, 1, 3]) }))
    note(`fault ${name}`)
  }
  /** Faults of the other side come now and then; a clock jumps; a disk that was full has room. */
  const disturb = () => {
    addFault([...names.api, ...names.file])
    if (jumps && dice.chance(0.3)) {
      count.clockJumps += 1
      const by = dice.pick([-15 * minute, 15 * minute, 8 * hour, 0])
      machine.setWallClock(by)
      checker.clockMoved()
      note(`the wall clock is ${by / minute} minutes off`)
    }
    if (tight && dice.chance(0.1)) tight = false
  }
  const tamper = () => {
    const delivered = [...world.storage.files()].filter(([path]) => path.endsWith(".jsonl") && !path.includes("/."))
    const victim = delivered.length === 0 ? undefined : dice.pick(delivered)
    if (victim === undefined) return
    const [path, bytes] = victim
    count.tamperings += 1
    checker.tampered(path)
    const how = dice.pick(["deleted", "cut", "edited"])
    world.storage.put(
      path,
      how === "deleted"
        ? undefined
        : how === "cut"
          ? bytes.subarray(0, Math.floor(bytes.length / 2))
          : bytes.map((byte) => byte ^ 1)
    )
    note(`${path} was ${how}`)
    // By the time that it is fetched again it may be another.
    if (dice.chance(0.5)) addFault(["change-content"])
  }

  /** Lets a process run to its end, or its death, or until it is too late for whoever looks after it. */
  const troubled = async (process: RunProcess, until: number, meanwhile: () => void) => {
    for (let disturbances = 0; ; disturbances++) {
      const next = disturbances > mostDisturbances ? until : Math.min(until, machine.now() + faultsEvery)
      const { exit, how } = await attend(world, process, next)
      if (how === "idle" && process.isAlive()) throw new Violation("I9", "it waits for what never comes")
      if (how !== "late" || next === until) {
        note(exit !== undefined ? firstLine(exit) : process.isAlive() ? "it still runs" : "it died")
        return exit
      }
      meanwhile()
    }
  }

  const story = async () => {
    let second: RunProcess | undefined
    // Trouble.
    for (let n = dice.between(1, 8); n > 0 && checker.violation() === undefined; n--) {
      count.starts += 1
      const process = world.start()
      note(`process ${process.pid} starts`)
      const exit = await troubled(process, machine.now() + (hurried ? 10 * minute : 12 * hour), () => {
        disturb()
        if (seconds && dice.chance(0.3) && second?.isAlive() !== true) {
          count.secondProcesses += 1
          second = world.start()
          note(`process ${second.pid} starts beside it`)
        }
      })
      const alsoExit = second?.exit()
      if (alsoExit !== undefined) {
        checker.ended(alsoExit)
        note(`the second: ${firstLine(alsoExit)}`)
        second = undefined
      }
      // Too slow for whoever looks after it.
      if (process.isAlive()) {
        count.kills += 1
        world.crash(process, false)
      }
      if (exit?._tag === "Success" && !tampers && dice.chance(0.5)) break
      if (tampers && dice.chance(0.7)) tamper()
      disturb()
    }
    if (second?.isAlive() === true) world.crash(second, false)

    calm = true
    tight = false
    machine.setWallClock(0)
    checker.clockMoved()
    Effect.runSync(world.simulator.clearFaults)
    note("calm")
    let last: RunProcess | undefined
    await finish(world, (process) => {
      count.starts += 1
      last = process
    })
    // What is complete outlives the machine.
    if (last !== undefined) world.crash(last, true)
  }

  let violation: Violation | undefined
  try {
    await story()
    violation = checker.violation()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    // What the checker saw first may be the reason.
    violation =
      checker.violation() ?? (error instanceof Violation ? error : new Violation("a defect", String(error.stack)))
  }
  if (violation !== undefined) note(violation.message)
  const days = (machine.now() - began) / (24 * hour)
  return { counts: { ...count, powerCuts: world.powerCuts(), calls: world.calls(), days }, violation, log }
}

const firstLine = (exit: Parameters<typeof exitText>[0]) => exitText(exit).split("\n")[0] ?? ""

const crash = (dice: Dice.Dice, power: boolean): Fate => ({
  _tag: "Crash",
  when: dice.pick(["before", "during", "after"]),
  power
})
