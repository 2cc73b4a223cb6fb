/** What the library itself traces and counts, whoever listens. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"
import { delivered, failure, makeWorld, patiently } from "./world.ts"

const small = { files: 2, fileSize: 300_000 }

/** Spans and metrics of this test alone. */
const listening = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const registry = new Map()
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const hear = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(Effect.provideService(Tracer.Tracer, tracer), Effect.provideService(Metric.MetricRegistry, registry))
  const named = (name: string) => spans.filter((span) => span.name === name)
  const counts = Effect.map(Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry), (states) =>
    Object.fromEntries(
      states.map(({ attributes, id, state }) => {
        const { unit: _, "longshore.entity_type": __, ...more } = attributes ?? {}
        return [[id, ...Object.values(more)].join(" "), "count" in state ? Number(state.count) : undefined] as const
      })
    )
  )
  return { hear, named, counts, spans }
}

describe("telemetry of the library", () => {
  it.effect("an export that is waited for for days: every look is counted, and the span holds the first of them", () =>
    Effect.gen(function* () {
      const { counts, hear, named } = listening()
      const world = yield* makeWorld({ simulator: { ...small, pending: "1 day" } })
      yield* patiently(hear(world.run()), "1 minute")
      yield* delivered(world)
      const looks = world.tags().filter((tag) => tag === "ExportPolled").length
      assert.isAtLeast(looks, 280)
      assert.strictEqual((yield* counts)["longshore.looks"], looks)
      const [ready, ...others] = named("longshore.ready")
      assert.deepStrictEqual(others, [])
      assert.strictEqual(ready?.events.length, 128)
      // One more than the looks: that it is ready.
      assert.strictEqual(ready?.attributes.get("longshore.events_dropped"), looks + 1 - 128)
    })
  )

  it.effect("a process that finishes what another began: each run by how it ended, and its links", () =>
    Effect.gen(function* () {
      const { counts, hear, named, spans } = listening()
      const world = yield* makeWorld({ simulator: small })
      yield* patiently(hear(Effect.timeoutOption(world.run(), "3 seconds")))
      const earlier = Tracer.externalSpan({ traceId: "a".repeat(32), spanId: "b".repeat(16) })
      yield* patiently(hear(world.run({ continues: earlier })))
      yield* patiently(hear(world.run()))
      yield* delivered(world)
      const links = named("longshore.run").map((span) => span.links.map((link) => link.span.spanId))
      assert.deepStrictEqual(links, [[], [earlier.spanId], []])
      assert.strictEqual(spans.filter((span) => span.links.length > 0).length, 1)
      const found = yield* counts
      assert.strictEqual(found["longshore.runs Interrupted"], 1)
      assert.strictEqual(found["longshore.runs completed"], 1)
      assert.strictEqual(found["longshore.runs unchanged"], 1)
      assert.strictEqual(found["longshore.wait.duration slot"], 1, "the export was asked for once")
      assert.strictEqual(found["longshore.wait.duration export"], 1, "and waited for by one that saw it ready")
      assert.strictEqual(found["longshore.files.delivered"], 2)
      assert.strictEqual(found["longshore.files.confirmed"], 2)
      assert.strictEqual(found["longshore.bytes.stored"], 2 * 300_000)
    })
  )

  it.effect("an error of the API: its tag on every span that it ended, and its status among the requests", () =>
    Effect.gen(function* () {
      const { counts, hear, named } = listening()
      const world = yield* makeWorld({ simulator: { ...small, faults: [{ name: "api-401", count: Infinity }] } })
      assert.strictEqual(yield* patiently(failure(hear(world.run()))), "AccessDenied")
      for (const name of ["longshore.add", "longshore.ask", "longshore.run"]) {
        assert.deepStrictEqual(
          named(name).map((span) => span.attributes.get("error.type")),
          ["AccessDenied"],
          name
        )
      }
      const found = yield* counts
      assert.strictEqual(found["longshore.runs AccessDenied"], 1)
      const key = "http.client.request.duration POST api.simulator.test add 401 AccessDenied"
      assert.strictEqual(found[key], 1, Object.keys(found).join("\n"))
    })
  )
})
