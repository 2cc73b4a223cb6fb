/** A whole world in memory: the program, the simulator, a sink, on the test's clock. */
import * as Exports from "@longshore/core/Exports"
import { type ExportEvent, ExportEvents } from "@longshore/core/ExportEvent"
import * as ExportRun from "@longshore/core/ExportRun"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Journal from "@longshore/core/Journal"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Transfer from "@longshore/core/Transfer"
import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorHttpClient from "@longshore/simulator/SimulatorHttpClient"
import { MemorySink } from "@longshore/testkit"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"

export interface WorldOptions {
  readonly simulator?: Simulator.SimulatorOptions
  readonly transfer?: Transfer.TransferOptions
  readonly exports?: Partial<Exports.ExportsOptions>
  readonly sink?: Layer.Layer<ObjectSink.ObjectSink>
}

export const tokens = { client: "client-token-0123456789abcdef", access: "access-token-0123456789abcdef" }

/** Lets virtual time pass until the effect ends; fails the test if it never does. */
export const patiently = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  step: Duration.Input = "250 millis",
  limit = 40_000
) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let i = 0; fiber.pollUnsafe() === undefined; i++) {
      if (i > limit) return yield* Effect.die(new Error("The run does not end."))
      yield* TestClock.adjust(step)
      // Streams of the platform need a turn of the event loop.
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
    return yield* Fiber.join(fiber)
  })

export const makeWorld = Effect.fnUntraced(function* (options: WorldOptions = {}) {
  const simulated = yield* Layer.build(Simulator.layer(options.simulator))
  const simulator = Context.get(simulated, Simulator.Simulator)
  const client = SimulatorHttpClient.layer.pipe(Layer.provide(Layer.succeedContext(simulated)))
  const store = MemorySink.makeStore()
  const events: Array<ExportEvent> = []
  const steps = new Map<string, unknown>()
  const writes: Array<string> = []
  const journal = Layer.succeed(
    Journal.Journal,
    Journal.make({
      get: (name) => (steps.has(name) ? Option.some(steps.get(name)) : Option.none()),
      set: (name, value) =>
        Effect.sync(() => {
          writes.push(name)
          steps.set(name, JSON.parse(JSON.stringify(value)))
        })
    })
  )
  /** One process: built anew each time, on what outlives a process. */
  const program = () => {
    const sink = options.sink ?? Layer.fresh(MemorySink.layer(store))
    return Transfer.layer(options.transfer).pipe(
      Layer.provideMerge(sink),
      Layer.provide(HttpSource.layer),
      Layer.merge(
        Exports.layer({
          platformAddress: "https://api.simulator.test",
          clientToken: Redacted.make(tokens.client),
          accessToken: Redacted.make(tokens.access),
          ...options.exports
        })
      ),
      Layer.provide(client),
      Layer.fresh
    )
  }
  const listening = Effect.provideService(ExportEvents, (event) => Effect.sync(() => void events.push(event)))
  const run = (more: Partial<ExportRun.ExportRunOptions> = {}) =>
    ExportRun.run({ request: { entityType: "Reservation" }, partSize: 64 * 1024, ...more }).pipe(
      Effect.provide(Layer.merge(program(), journal)),
      listening
    )
  /** Several runs in one process, one begun after the other, each with a journal of its own. */
  const runAll = (entityTypes: ReadonlyArray<string>, apart: Duration.Input) =>
    Effect.forEach(
      entityTypes,
      (entityType, i) =>
        ExportRun.run({ request: { entityType } }).pipe(
          Effect.provide(Layer.fresh(Journal.layerMemory)),
          Effect.delay(Duration.times(Duration.fromInputUnsafe(apart), i))
        ),
      { concurrency: "unbounded" }
    ).pipe(Effect.provide(program()), listening)
  const count = (kind: "add" | "getAll" | "file", status?: number) =>
    Effect.map(
      simulator.requests,
      (requests) =>
        requests.filter((one) => one.kind === kind && (status === undefined || one.status === status)).length
    )
  const tags = () => events.map((event) => event._tag)
  return { run, runAll, simulator, store, events, tags, steps, writes, count }
})

/** A sink in memory whose writers are different. */
export const different = (
  store: MemorySink.MemoryStore,
  change: (writer: ObjectSink.ObjectWriter) => Partial<ObjectSink.ObjectWriter>
): Layer.Layer<ObjectSink.ObjectSink> =>
  Layer.effect(
    ObjectSink.ObjectSink,
    Effect.map(ObjectSink.ObjectSink, (sink) =>
      ObjectSink.make({
        ...sink,
        open: (object) => Effect.map(sink.open(object), (writer) => ({ ...writer, ...change(writer) }))
      })
    )
  ).pipe(Layer.provide(MemorySink.layer(store)), Layer.fresh)

/** What the simulator says an export's files are. */
export const truth = (simulator: Simulator.Simulator["Service"]) =>
  Effect.map(simulator.exports, (exports) =>
    exports.map(({ entityType, files, id }) => ({
      id,
      files: files.map((file, index) => ({
        key: `${entityType}/${id}/${entityType}-${String(index + 1).padStart(5, "0")}.jsonl`,
        bytes: Buffer.concat([...file.read(0, file.size)])
      }))
    }))
  )
