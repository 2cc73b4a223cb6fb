/**
 * One small world: the real core, transfer, sink and journal as a process on a machine; the simulator on the other side
 * of the network; a disk that a power cut hurts. Every call to disk and network passes one gate, where a plan
 * says what becomes of it.
 */
import * as Crc32 from "@longshore/core/Crc32"
import type { ExportEvent } from "@longshore/core/ExportEvent"
import { ExportEvents } from "@longshore/core/ExportEvent"
import * as ExportRun from "@longshore/core/ExportRun"
import * as Exports from "@longshore/core/Exports"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Transfer from "@longshore/core/Transfer"
import { Disk, intercept } from "@longshore/disk/Disk"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import { Processes } from "@longshore/journal-file/Processes"
import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorHttpClient from "@longshore/simulator/SimulatorHttpClient"
import * as FsSink from "@longshore/sink-fs/FsSink"
import { CrashingDisk } from "@longshore/testkit"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { crc32 } from "node:zlib"
import * as Invariants from "./Invariants.ts"
import * as Machine from "./Machine.ts"
import { type Call, entityType, journalPath, type RunProcess, target, tokens, type WorldOptions } from "./Scene.ts"

export interface World {
  readonly machine: Machine.Machine
  readonly simulator: Simulator.Simulator["Service"]
  readonly storage: CrashingDisk.CrashingDisk
  /** Of all processes. */
  readonly events: ReadonlyArray<ExportEvent>
  readonly calls: () => number
  readonly powerCuts: () => number
  readonly start: (more?: Partial<ExportRun.ExportRunOptions>) => RunProcess
  /** Kills the process, or all of them with the machine. */
  readonly crash: (process: RunProcess, power: boolean) => void
  readonly checker: Invariants.Checker
}

/** As they come from a network: small, and not where parts end. */
const pieces = function* (chunks: Iterable<Uint8Array>) {
  for (const chunk of chunks) for (let at = 0; at < chunk.length; at += 3_000) yield chunk.subarray(at, at + 3_000)
}

/** What takes its time on a real disk: others run meanwhile, and it cannot be taken back. */
const slow: ReadonlySet<string> = new Set(["write", "read", "sync", "syncFolder"])
const turn = <A, E>(effect: Effect.Effect<A, E>) => Effect.uninterruptible(Effect.andThen(Effect.yieldNow, effect))

export const make = async (options: WorldOptions): Promise<World> => {
  const { dice } = options
  const machine = await Machine.make(dice)
  const build = <A>(layer: Layer.Layer<A>): Promise<Context.Context<A>> =>
    Effect.runPromise(Effect.provideService(Effect.scoped(Layer.build(layer)), Clock.Clock, machine.clock))
  const simulator = Context.get(await build(Simulator.layer(options.simulator)), Simulator.Simulator)
  const observed = Simulator.Simulator.of({
    ...simulator,
    handle: (request) =>
      Effect.map(simulator.handle(request), (answer) =>
        request.path.startsWith("/files/") && answer.status < 300
          ? checker.sending({ ...answer, body: () => pieces(answer.body()) })
          : answer
      )
  })
  const client = SimulatorHttpClient.layer.pipe(Layer.provide(Layer.succeed(Simulator.Simulator, observed)))
  const network = Context.get(await build(client), HttpClient.HttpClient)

  let broken: string | undefined
  const takeBroken = () => {
    const code = broken
    broken = undefined
    return code
  }
  const storage = CrashingDisk.make({
    random: dice.fork().next,
    now: machine.now,
    fault: takeBroken,
    ...(options.capacity === undefined ? {} : { capacity: options.capacity })
  })
  await Effect.runPromise(Effect.andThen(storage.disk.makeFolder("/data"), storage.disk.syncFolder("/")))

  const events: Array<ExportEvent> = []
  const alive = new Set<RunProcess>()
  const checker = Invariants.make({ now: machine.now, simulator, storage, events, options })
  let calls = 0
  let powerCuts = 0

  const crash = (process: RunProcess, power: boolean) => {
    // It may not be among the others yet: its first call comes before it has started.
    process.kill()
    if (power) {
      powerCuts += 1
      for (const one of alive) one.kill()
      storage.cutPower()
    }
    for (const one of alive) if (!one.isAlive()) alive.delete(one)
    checker.crashed(power)
  }

  /** A process that is dead waits for ever: nothing it began has any effect. */
  const gate = <A, E>(
    process: RunProcess,
    name: string,
    path: string,
    effect: Effect.Effect<A, E>,
    fail: (code: string) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      if (!process.isAlive()) return Effect.never
      const call: Call = { number: ++calls, name, path, pid: process.pid }
      const fate = options.fate(call)
      const seen = Effect.tap(effect, () => Effect.sync(() => checker.saw(call)))
      // Who died meanwhile does not come to it.
      const later = Effect.suspend(() => (process.isAlive() ? seen : Effect.never))
      switch (fate._tag) {
        case "Pass":
          return fate.delay === undefined ? seen : Effect.delay(later, Duration.millis(fate.delay))
        case "Fail":
          return fail(fate.code)
        case "Lose":
          return Effect.andThen(seen, fail("ECONNRESET"))
        case "Crash": {
          const die = Effect.suspend(() => {
            crash(process, fate.power)
            return Effect.never
          })
          const half = fate.when === "during" && name === "disk write"
          return fate.when === "after" || half ? Effect.andThen(Effect.exit(half ? fail("EIO") : seen), die) : die
        }
      }
    })

  const start: World["start"] = (more = {}) => {
    const process = machine.start<ExportRun.ExportRunResult, unknown>((process) => {
      const disk = intercept(storage.disk, (call, effect) => {
        const inTime = <A, E>(effect: Effect.Effect<A, E>) => (slow.has(call.name) ? turn(effect) : effect)
        const failing = (code: string) =>
          Effect.suspend(() => {
            broken = code
            return Effect.ensuring(effect, Effect.sync(takeBroken))
          })
        return gate(process, `disk ${call.name}`, call.path, inTime(effect), (code) => inTime(failing(code)))
      })
      const connection = HttpClient.make((request, url) => {
        const kind = url.pathname.startsWith("/files/") ? "file" : (url.pathname.split("/").at(-1) ?? "")
        const failed = (code: string) =>
          Effect.fail(
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.TransportError({ request, cause: Object.assign(new Error(code), { code }) })
            })
          )
        const sent = gate(process, `http ${kind}`, url.pathname, network.execute(request), failed)
        return checker.requesting(process, kind, url, sent)
      })
      const layer = Transfer.layer(options.transfer).pipe(
        Layer.merge(FsSink.layer({ directory: target })),
        Layer.provide(HttpSource.layer),
        Layer.merge(
          Exports.layer({
            platformAddress: "https://api.simulator.test",
            clientToken: Redacted.make(tokens.client),
            accessToken: Redacted.make(tokens.access),
            rateLimit: options.rateLimit
          })
        ),
        Layer.provide(Layer.succeed(HttpClient.HttpClient, connection)),
        Layer.provideMerge(FileJournal.layer({ path: journalPath, identity: { entityType, target } }))
      )
      return ExportRun.run({ ...options.run, ...more, request: { entityType } }).pipe(
        Effect.provide(Layer.fresh(layer)),
        Effect.provideContext(
          Context.make(Disk, disk).pipe(
            Context.add(Crc32.Crc32, crc32),
            Context.add(Processes, {
              self: () => ({ host: "here", pid: process.pid, started: null }),
              isAlive: ({ pid }) => [...alive].some((one) => one.pid === pid && one.isAlive())
            }),
            Context.add(ExportEvents, (event) => Effect.sync(() => void events.push(event)))
          )
        )
      )
    })
    alive.add(process)
    return process
  }

  return {
    machine,
    simulator,
    storage,
    events,
    calls: () => calls,
    powerCuts: () => powerCuts,
    start,
    crash,
    checker
  }
}
