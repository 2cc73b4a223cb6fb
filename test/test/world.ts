/** A whole world in memory: the program, the simulator, a sink, on the test's clock. */
import { assert } from "@effect/vitest"
import * as ConnectorApi from "@longshore/core/ConnectorApi"
import * as Exports from "@longshore/core/Exports"
import { type ExportEvent, ExportEvents } from "@longshore/core/ExportEvent"
import * as ExportRun from "@longshore/core/ExportRun"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Journal from "@longshore/core/Journal"
import * as Manifest from "@longshore/core/Manifest"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Transfer from "@longshore/core/Transfer"
import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorHttpClient from "@longshore/simulator/SimulatorHttpClient"
import { MemorySink } from "@longshore/testkit"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"

export interface WorldOptions {
  readonly simulator?: Simulator.SimulatorOptions
  readonly transfer?: Transfer.TransferOptions
  readonly exports?: Partial<Exports.ExportsOptions>
  readonly sink?: Layer.Layer<ObjectSink.ObjectSink>
  /** So many requests find nobody who listens. */
  readonly unreachable?: number
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

/** With a clock that is so many milliseconds ahead. Timers go on as they do. */
const shifted = <A, E, R>(effect: Effect.Effect<A, E, R>, ahead: () => number) =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const now = () => clock.currentTimeMillisUnsafe() + ahead()
    const other: Clock.Clock = Object.create(clock, {
      currentTimeMillisUnsafe: { value: now },
      currentTimeMillis: { value: Effect.sync(now) }
    })
    return Effect.provideService(effect, Clock.Clock, other)
  })

/** As of a port where nobody listens. */
const refused = (request: HttpClientRequest.HttpClientRequest) => {
  const cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED" })
  return new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
}

export const makeWorld = Effect.fnUntraced(function* (options: WorldOptions = {}) {
  // Milliseconds: the program's clock is wrong, and ahead of the simulator's; the machine slept, and time passed for both.
  const clock = { ahead: 0, asleep: 0 }
  const simulated = yield* shifted(Layer.build(Simulator.layer(options.simulator)), () => clock.asleep)
  const simulator = Context.get(simulated, Simulator.Simulator)
  let unreachable = options.unreachable ?? 0
  const client = Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) =>
      HttpClient.make((request) => (unreachable-- > 0 ? Effect.fail(refused(request)) : client.execute(request)))
    )
  ).pipe(Layer.provide(SimulatorHttpClient.layer), Layer.provide(Layer.succeedContext(simulated)))
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
      Layer.merge(sink),
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
      listening,
      (effect) => shifted(effect, () => clock.asleep + clock.ahead)
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
  return { run, runAll, simulator, store, events, tags, steps, writes, count, clock }
})

export type World = Effect.Success<ReturnType<typeof makeWorld>>

/** Every file of the last export is there, byte for byte, and the manifest says so. */
export const delivered = Effect.fnUntraced(function* (world: World) {
  const found = (yield* truth(world.simulator)).at(-1)
  assert.isDefined(found)
  for (const file of found?.files ?? []) {
    const stored = world.store.objects.get(file.key)?.bytes
    assert.isDefined(stored, file.key)
    assert.strictEqual(Buffer.compare(stored ?? new Uint8Array(), file.bytes), 0, file.key)
  }
  const manifest = world.store.objects.get(`Reservation/${found?.id}/manifest.json`)?.bytes
  const decoded = yield* Manifest.decode(Buffer.from(manifest ?? []).toString())
  assert.strictEqual(decoded.files.length, found?.files.length)
  assert.strictEqual(world.store.uploads.size, 0, "nothing partial is left")
})

/** Runs, and meanwhile something happens. */
export const meanwhile = <A, E, R>(world: World, effect: Effect.Effect<A, E, R>, step?: Duration.Input) =>
  Effect.map(patiently(Effect.all([world.run(), effect], { concurrency: "unbounded" }), step), ([result]) => result)

/** The tag of the error that it ends with. */
export const failure = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.result(effect), (result) => (result._tag === "Failure" ? result.failure._tag : undefined))

/** Another program with the same tokens asks for an export. Gives the status of the answer. */
export const foreignAdd = (simulator: Simulator.Simulator["Service"], EntityType = "Reservation") =>
  Effect.map(
    simulator.handle({
      method: "POST",
      origin: "https://api.simulator.test",
      path: ConnectorApi.addPath,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ClientToken: tokens.client,
        AccessToken: tokens.access,
        Client: "Another 1.0",
        EntityType
      })
    }),
    ({ status }) => status
  )

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
