/**
 * A machine on virtual time. Processes share Effect's `TestClock`; each has a wall clock of its own, which may be wrong, and
 * a run queue whose order the dice decide. A process that is killed stops between two instructions: no finalizer runs.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { Dice } from "./Dice.ts"

export interface Process<A, E> {
  readonly pid: number
  /** Until it ends or is killed. */
  readonly isAlive: () => boolean
  /** How it ended, if it was not killed. */
  readonly exit: () => Exit.Exit<A, E> | undefined
  readonly kill: () => void
}

export interface Machine {
  /** Milliseconds since 1970, as it really is. */
  readonly now: () => number
  /** The clock that is right: for the other side of the network. */
  readonly clock: Clock.Clock
  /** Moves the wall clock of processes, those that run and those to come. */
  readonly setWallClock: (milliseconds: number) => void
  readonly start: <A, E>(program: (process: Process<A, E>) => Effect.Effect<A, E>) => Process<A, E>
  /** Lets time pass until there is reason to stop, or nobody waits for anything, or it is too late. */
  readonly run: (isOver: () => boolean, until?: number) => Promise<"over" | "idle" | "late">
}

/** Instructions that may pass without any time passing. More of them go round in circles. */
const mostSteps = 2_000_000

export const make = async (dice: Dice): Promise<Machine> => {
  const scope = Scope.makeUnsafe()
  const base = await Effect.runPromise(Scope.provide(TestClock.make({ warningDelay: "1 hour" }), scope))
  await Effect.runPromise(base.setTime(Date.UTC(2026, 0, 5)))
  let pids = 0
  let wallClock = 0
  const running = new Set<{ readonly queues: Array<Array<() => void>>; readonly wakes: Set<{ readonly at: number }> }>()

  const start = <A, E>(program: (process: Process<A, E>) => Effect.Effect<A, E>): Process<A, E> => {
    const queues: Array<Array<() => void>> = []
    const wakes = new Set<{ readonly at: number }>()
    const self = { queues, wakes }
    let exit: Exit.Exit<A, E> | undefined
    const stop = () => {
      running.delete(self)
      queues.length = 0
      wakes.clear()
    }
    running.add(self)
    const process: Process<A, E> = { pid: ++pids, isAlive: () => running.has(self), exit: () => exit, kill: stop }

    const scheduler: Scheduler.Scheduler = {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= 2048,
      makeDispatcher: () => {
        const queue: Array<() => void> = []
        return {
          scheduleTask: (task) => {
            if (!process.isAlive()) return
            if (queue.push(task) === 1) queues.push(queue)
          },
          flush: () => undefined
        }
      }
    }
    const wall = () => base.currentTimeMillisUnsafe() + wallClock
    const nanos = () => BigInt(Math.round(wall())) * 1_000_000n
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: wall,
      currentTimeNanosUnsafe: nanos,
      monotonicTimeNanosUnsafe: () => base.monotonicTimeNanosUnsafe(),
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanos: base.monotonicTimeNanos,
      sleep: (duration) =>
        Effect.suspend(() => {
          const wake = { at: base.currentTimeMillisUnsafe() + Duration.toMillis(duration) }
          if (process.isAlive()) wakes.add(wake)
          return Effect.ensuring(
            base.sleep(duration),
            Effect.sync(() => wakes.delete(wake))
          )
        })
    }
    const own = dice.fork()
    const context = Context.make(Clock.Clock, clock).pipe(
      Context.add(Scheduler.Scheduler, scheduler),
      Context.add(Random.Random, {
        nextIntUnsafe: () => own.between(0, 2 ** 32),
        nextDoubleUnsafe: own.next
      })
    )
    Effect.runForkWith(context)(program(process)).addObserver((ended) => {
      if (!process.isAlive()) return
      exit = ended
      stop()
    })
    return process
  }

  const step = (): boolean => {
    const ready = [...running].filter(({ queues }) => queues.length > 0)
    if (ready.length === 0) return false
    const { queues } = dice.pick(ready)
    const at = dice.between(0, queues.length)
    const queue = queues[at]!
    const task = queue.shift()!
    if (queue.length === 0) queues.splice(at, 1)
    task()
    return true
  }
  /** Runs what can run now. Promises of the platform, such as those of its streams, need a turn of the event loop. */
  const settle = async (isOver: () => boolean) => {
    for (let steps = 0; ;) {
      while (!isOver() && step()) {
        if (++steps > mostSteps) throw new Error("The program goes round in circles: time does not pass.")
      }
      if (isOver()) return
      await new Promise((resolve) => setImmediate(resolve))
      if (![...running].some(({ queues }) => queues.length > 0)) return
    }
  }

  return {
    now: () => base.currentTimeMillisUnsafe(),
    clock: base,
    setWallClock: (milliseconds) => {
      wallClock = milliseconds
    },
    start,
    run: async (isOver, until = Infinity) => {
      for (;;) {
        await settle(isOver)
        if (isOver()) return "over"
        const next = Math.min(...[...running].flatMap(({ wakes }) => [...wakes].map(({ at }) => at)))
        if (!Number.isFinite(next)) return "idle"
        if (next > until) {
          await Effect.runPromise(base.setTime(until))
          return "late"
        }
        await Effect.runPromise(base.setTime(next))
      }
    }
  }
}
