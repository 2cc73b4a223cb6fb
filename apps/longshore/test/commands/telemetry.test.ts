/** What a command sends to a collector, and what a collector can do to a command. */
import * as Fault from "@longshore/simulator/Fault"
import { describe, expect, it, type TestContext } from "vitest"
import { collect, type Span } from "../collector.ts"
import { exportId, json, listen, mews } from "../hosts.ts"
import { leaks, watchedSimulator } from "../leaks.ts"
import { laboratory } from "../program.ts"
import { atOnce, inTheMiddle, oneByOne, slow } from "../slowly.ts"

const tokens = {
  "client token": "A0B1C2D3E4F5061728394A5B6C7D8E9F-0F1E2D3C4B5A69788796A5B4C3D2E1F",
  "access token": 'ACCESS/c+c=e&s"s0T0KEN0C66EF7B239D246'
}

const account = (url: string) => ({
  LONGSHORE_PLATFORM_ADDRESS: url,
  LONGSHORE_CLIENT_TOKEN: tokens["client token"],
  LONGSHORE_ACCESS_TOKEN: tokens["access token"]
})

const asJson = { OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const parent = { TRACEPARENT: `00-${traceId}-00f067aa0ba902b7-01` }

const named = (spans: ReadonlyArray<Span>, name: string): Span => {
  const found = spans.find((span) => span.name === name)
  if (found === undefined) throw new Error(`There is no span ${name}: ${spans.map((span) => span.name).join(", ")}`)
  return found
}

const faults = (...texts: ReadonlyArray<string>) =>
  texts.map((text) => {
    const fault = Fault.parse(text)
    if (typeof fault === "string") throw new Error(fault)
    return fault
  })

/** Exports bills of an honest host with one file. */
const bill = async (context: TestContext, env: Record<string, string>, behaviour: Parameters<typeof mews>[1] = {}) => {
  const host = await mews(context, behaviour)
  const lab = laboratory(context)
  const target = await lab.folder()
  const ended = await lab.longshore(["export", "Bill", "--to", target, "--poll", "100ms", "--retries", "0"], {
    env: { ...account(host.url), ...env }
  })
  return { ...ended, host, target }
}

describe.concurrent("a collector hears of a run", () => {
  it("in traces, metrics and logs that agree, and without a secret", async (context) => {
    const collector = await collect(context)
    const { links, url } = await watchedSimulator(context, {
      pending: 0,
      processing: 0,
      files: 2,
      fileSize: 50_000,
      faults: faults("reset-file=1", "deny-link=1")
    })
    const lab = laboratory(context)
    const target = await lab.folder()
    const key = "a-secret-of-the-collector"
    const { code, stderr } = await lab.longshore(
      ["export", "Bill", "--to", target, "--poll", "100ms", "--part-size", "16KiB"],
      {
        env: {
          ...account(url),
          ...collector.env,
          ...asJson,
          ...parent,
          OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${key}`,
          // A token where none belongs: the last door is shut.
          OTEL_RESOURCE_ATTRIBUTES: `deployment.environment.name=test,service.name=nightly,x=${tokens["client token"]}`
        }
      }
    )
    expect(code).toBe(0)
    expect(stderr).not.toContain("elemetry")
    expect(collector.resource()).toMatchObject({
      "service.name": "nightly",
      "deployment.environment.name": "test",
      x: "<redacted>"
    })

    const spans = collector.spans()
    const [command, run] = [named(spans, "longshore export"), named(spans, "longshore.run")]
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]))
    const byId = new Map(spans.map((span) => [span.spanId, span.name]))
    expect(
      spans.map((span) => `${byId.get(span.parentSpanId ?? "") ?? span.parentSpanId} > ${span.name}`).sort()
    ).toEqual([
      "00f067aa0ba902b7 > longshore export",
      "longshore export > longshore.run",
      "longshore.ask > longshore.add",
      "longshore.run > longshore.ask",
      "longshore.run > longshore.deliver",
      "longshore.run > longshore.deliver",
      "longshore.run > longshore.plan",
      "longshore.run > longshore.plan",
      "longshore.run > longshore.publish",
      "longshore.run > longshore.ready"
    ])
    expect(command.attributes).toMatchObject({ "longshore.command": "export", "process.exit.code": 0 })
    expect(run.attributes).toMatchObject({
      "longshore.entity_type": "Bill",
      "longshore.export_id": expect.stringMatching(/^[0-9a-f-]{36}$/),
      "longshore.run_id": expect.stringMatching(/^Bill-[0-9a-f]{16}\.1$/),
      "longshore.target": target,
      "longshore.files": 2,
      "longshore.bytes": 100_000
    })
    expect(run.links).toEqual([])
    expect(named(spans, "longshore.add")).toMatchObject({ kind: 3, attributes: { "http.response.status_code": 200 } })
    expect(named(spans, "longshore.ready").events.at(-1)?.name).toBe("ExportReady")
    const happened = spans.flatMap(({ events }) => events.map(({ name }) => name))
    expect(happened.filter((name) => name === "PartRetried").length).toBeGreaterThan(0)
    expect(happened).not.toContain("BytesReceived")

    const logs = collector.logs()
    const delivered = logs.filter(({ body }) => body === "FileDelivered")
    expect(delivered.map(({ attributes }) => attributes["longshore.size"])).toEqual([50_000, 50_000])
    for (const log of delivered) expect(byId.get(log.spanId)).toBe("longshore.deliver")
    expect(logs.find(({ body }) => body === "PartRetried")?.severityText).toBe("Warn")
    expect(logs.map(({ body }) => body)).toEqual(expect.arrayContaining(happened))

    const value = (name: string, attributes: object = {}) =>
      collector.points().find((point) => point.name === name && leftOf(point.attributes, attributes))?.value
    expect(value("longshore.runs", { "longshore.outcome": "completed" })).toBe(1)
    expect(value("longshore.bytes.stored", { "longshore.entity_type": "Bill", unit: "By" })).toBe(100_000)
    expect(value("longshore.parts.stored")).toBe(8)
    expect(value("longshore.files.delivered")).toBe(2)
    expect(value("longshore.parts.retried")).toBe(happened.filter((name) => name === "PartRetried").length)
    expect(value("longshore.links.renewed")).toBe(happened.filter((name) => name === "LinksRenewed").length)
    expect(value("longshore.looks") ?? 0).toBe(happened.filter((name) => name === "ExportPolled").length)
    expect(value("longshore.wait.duration", { "longshore.waiting_for": "export" })).toBe(1)
    const add = { "longshore.operation": "add", "http.response.status_code": "200", "server.address": "127.0.0.1" }
    expect(value("http.client.request.duration", add)).toBe(1)

    for (const { headers } of collector.received) expect(headers["x-api-key"]).toBe(key)
    const places = new Map(collector.received.map(({ bytes, path }, n) => [`${path} ${n}`, bytes]))
    expect(leaks({ nothing: "longshore.run" }, places)).not.toEqual([])
    expect(leaks({ ...tokens, ...links, key }, places)).toEqual([])
  })

  it("that was killed, and of the one that goes on with it, which links to its trace", async (context) => {
    const collector = await collect(context)
    const lab = laboratory(context)
    const simulator = await lab.simulator(...slow)
    const target = await lab.folder()
    const line = ["export", "Bill", "--to", target, "--poll", "100ms"]
    const env = { ...simulator.env, ...collector.env }
    const first = lab.start([...line, ...oneByOne], { env: { ...env, ...parent, OTEL_BSP_SCHEDULE_DELAY: "50" } })
    await collector.has("longshore.ready")
    await inTheMiddle(simulator)
    first.child.kill("SIGKILL")
    await first.ended
    const before = collector.spans().length
    // One that has no collector opens the journal as well, and does not let the trace be forgotten.
    const silent = lab.start([...line, ...oneByOne], { env: simulator.env })
    await silent.says(/going on with export/)
    silent.child.kill("SIGKILL")
    await silent.ended
    const { code } = await lab.longshore(["resume", target, ...atOnce], { env })
    expect(code).toBe(0)
    const spans = collector.spans().slice(before)
    const run = named(spans, "longshore.run")
    expect(run.traceId).not.toBe(traceId)
    expect(run.links).toEqual([
      { traceId, spanId: expect.stringMatching(/^[0-9a-f]{16}$/), attributes: { "longshore.link": "continues" } }
    ])
    // It is the parent of what the first one did.
    const waited = named(collector.spans(), "longshore.ready")
    expect(waited.traceId).toBe(traceId)
    expect(run.parentSpanId).toBe(named(spans, "longshore resume").spanId)
    expect(spans.map(({ name }) => name)).not.toContain("longshore.add")
    expect(named(spans, "longshore.deliver").events[0]?.attributes["longshore.stored"]).toBeGreaterThan(0)
  })

  it("that failed: of the error, what Mews calls it, and the exit code", async (context) => {
    const collector = await collect(context)
    const { code, host } = await bill(
      context,
      { ...collector.env, ...parent },
      {
        add: (response) => json(response, { Message: "No.", RequestId: "R-1" }, 400),
        getAll: (response) => json(response, {})
      }
    )
    expect(code).toBe(4)
    const spans = collector.spans()
    expect(named(spans, "longshore.add")).toMatchObject({
      status: { code: 2, message: expect.stringContaining("No.") },
      attributes: {
        "error.type": "AddRejected",
        "http.response.status_code": 400,
        "longshore.request_id": "R-1"
      }
    })
    expect(named(spans, "longshore.run")).toMatchObject({
      status: { code: 2 },
      attributes: { "error.type": "AddRejected" }
    })
    expect(named(spans, "longshore export")).toMatchObject({
      status: { code: 2, message: "It ended with exit code 4." },
      attributes: { "process.exit.code": 4 }
    })
    expect(collector.logs().find(({ severityText }) => severityText === "Error")?.attributes).toMatchObject({
      "error.type": "AddRejected",
      "longshore.request_id": "R-1",
      "process.exit.code": 4
    })
    expect(collector.points().find(({ name }) => name === "longshore.runs")?.attributes["longshore.outcome"]).toBe(
      "AddRejected"
    )
    // Whom the trace is none of the business of.
    expect(host.received.length).toBeGreaterThan(0)
    for (const { headers } of host.received) {
      expect(Object.keys(headers)).not.toEqual(expect.arrayContaining([expect.stringMatching(/trace|b3|baggage/)]))
    }
  })

  it("that was stopped", async (context) => {
    const collector = await collect(context)
    const lab = laboratory(context)
    const simulator = await lab.simulator(...slow)
    const running = lab.start(["export", "Bill", "--to", await lab.folder(), "--poll", "100ms", ...oneByOne], {
      env: { ...simulator.env, ...collector.env }
    })
    await inTheMiddle(simulator)
    running.child.kill("SIGINT")
    expect((await running.ended).code).toBe(130)
    const run = named(collector.spans(), "longshore.run")
    expect(run.attributes["effect.fiber.interrupted"]).toBe(true)
    expect(run.attributes["error.type"]).toBeUndefined()
    expect(collector.points().find(({ name }) => name === "longshore.runs")?.attributes["longshore.outcome"]).toBe(
      "Interrupted"
    )
  })
})

describe.concurrent("a collector is never worth a run", () => {
  const note = /^longshore: Telemetry did not reach the collector \((.+)\)\. The command is not affected\.$/gm

  it.for([
    ["refuses", 401, "HTTP 401", {}],
    ["has trouble", 503, "HTTP 503", {}],
    ["never answers", undefined, "no answer in time", { OTEL_EXPORTER_OTLP_TIMEOUT: "200" }],
    // An hour, if it were waited for.
    ["never answers in time", undefined, "no answer in time", { OTEL_EXPORTER_OTLP_TIMEOUT: "3600000" }]
  ] as const)("that %s", async ([, status, why, env], context) => {
    const collector = await collect(context, (response) => {
      if (status !== undefined) response.writeHead(status).end()
    })
    const { code, stderr } = await bill(context, { ...collector.env, ...env })
    expect(code).toBe(0)
    expect([...stderr.matchAll(note)].map(([, reason]) => reason)).toEqual([why])
    expect(collector.received.length).toBeGreaterThan(0)
  })

  it("that is not there", async (context) => {
    const { code, stderr } = await bill(context, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" })
    expect(code).toBe(0)
    expect([...stderr.matchAll(note)].map(([, reason]) => reason)).toEqual(["ECONNREFUSED"])
  })

  it("that is spoken to in another way", async (context) => {
    const collector = await collect(context)
    const { code, stderr } = await bill(context, { ...collector.env, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^longshore: Telemetry is off: .*grpc.*http\/protobuf.*$/m)
    expect(collector.received).toEqual([])
  })

  it("that is named in a way that means nothing", async (context) => {
    const { code, stderr } = await bill(context, { OTEL_EXPORTER_OTLP_ENDPOINT: "not-an-address" })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^longshore: Telemetry is off: OTEL_EXPORTER_OTLP_ENDPOINT cannot be read\./m)
    expect(stderr).not.toContain("not-an-address")
  })
})

describe.concurrent("signals are switched off", () => {
  it.for<[what: string, env: Record<string, string>, paths: ReadonlyArray<string>]>([
    ["all of them", { OTEL_SDK_DISABLED: "true" }, []],
    ["one by one", { OTEL_TRACES_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none" }, ["/v1/metrics"]]
  ])("%s", async ([, env, paths], context) => {
    const collector = await collect(context)
    const { code, stdout } = await bill(context, { ...collector.env, ...env })
    expect(code).toBe(0)
    expect(stdout.toString()).toBe("")
    expect([...new Set(collector.received.map(({ path }) => path))]).toEqual(paths)
  })

  it("and one of them may have an address of its own", async (context) => {
    const collector = await collect(context)
    const other = await listen(context, (response) => void response.writeHead(200).end())
    await bill(context, { ...collector.env, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${other.url}/mine` })
    expect(new Set(other.received.map(({ path }) => path))).toEqual(new Set(["/mine"]))
    expect(collector.logs()).toEqual([])
    expect(named(collector.spans(), "longshore.run").attributes["longshore.export_id"]).toBe(exportId)
  })
})

const leftOf = (all: Readonly<Record<string, unknown>>, some: object): boolean =>
  Object.entries(some).every(([name, value]) => all[name] === value)
