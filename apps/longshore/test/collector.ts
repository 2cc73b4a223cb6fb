/** A collector of OTLP/HTTP on loopback. It reads protobuf by the definitions of OpenTelemetry, with a decoder of others. */
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import protobuf from "protobufjs"
import type { TestContext } from "vitest"
import { type Handler, listen, type Received } from "./hosts.ts"

type Attributes = Readonly<Record<string, unknown>>

export interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly kind: number
  readonly attributes: Attributes
  readonly events: ReadonlyArray<{ readonly name: string; readonly attributes: Attributes }>
  /** 1: ok, 2: error. */
  readonly status: { readonly code: number; readonly message?: string }
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string; readonly attributes: Attributes }>
}

interface Log {
  readonly severityText: string
  readonly body: unknown
  readonly attributes: Attributes
  readonly traceId: string
  readonly spanId: string
}

interface Point {
  readonly name: string
  readonly attributes: Attributes
  /** A sum, a gauge, or how many values a histogram got. */
  readonly value: number
}

const root = new protobuf.Root()
const definitions = fileURLToPath(new URL("./otlp/", import.meta.url))
root.resolvePath = (_, target) => Path.join(definitions, target)
const signals = { traces: "trace", metrics: "metrics", logs: "logs" }
root.loadSync(
  Object.values(signals).map((signal) => `opentelemetry/proto/collector/${signal}/v1/${signal}_service.proto`)
)
const messages: Readonly<Record<string, string>> = {
  "/v1/traces": "trace.v1.ExportTraceServiceRequest",
  "/v1/metrics": "metrics.v1.ExportMetricsServiceRequest",
  "/v1/logs": "logs.v1.ExportLogsServiceRequest"
}

const decode = ({ bytes, headers, path }: Received): any => {
  if (headers["content-type"] === "application/json") return JSON.parse(bytes.toString())
  const message = root.lookupType(`opentelemetry.proto.collector.${messages[path]}`)
  return message.toObject(message.decode(bytes), { longs: Number })
}

/** Ids are bytes in protobuf and hexadecimal in JSON. */
const id = (value: string | Uint8Array | undefined): string =>
  typeof value === "string" ? value : Buffer.from(value ?? []).toString("hex")

const record = (attributes: ReadonlyArray<any> = []): Attributes =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value ?? {})[0]]))

const toSpan = (span: any): Span => ({
  name: span.name,
  traceId: id(span.traceId),
  spanId: id(span.spanId),
  parentSpanId: id(span.parentSpanId) || undefined,
  kind: span.kind,
  attributes: record(span.attributes),
  events: (span.events ?? []).map((event: any) => ({ name: event.name, attributes: record(event.attributes) })),
  status: span.status,
  links: (span.links ?? []).map((link: any) => ({
    traceId: id(link.traceId),
    spanId: id(link.spanId),
    attributes: record(link.attributes)
  }))
})

const toLog = (log: any): Log => ({
  severityText: log.severityText,
  body: Object.values(log.body)[0],
  attributes: record(log.attributes),
  traceId: id(log.traceId),
  spanId: id(log.spanId)
})

const toPoints = ({ gauge, histogram, name, sum }: any): ReadonlyArray<Point> =>
  (sum ?? histogram ?? gauge).dataPoints.map((point: any) => ({
    name,
    attributes: record(point.attributes),
    value: Number(point.asDouble ?? point.asInt ?? point.count)
  }))

/** Collects until the test is over. */
export const collect = async (
  test: Pick<TestContext, "onTestFinished">,
  answer: Handler = (response) => void response.writeHead(200).end()
) => {
  let arrived = () => {}
  const { received, url } = await listen(test, (response, request) => {
    answer(response, request)
    arrived()
  })
  const of = (path: string) => received.filter((request) => request.path === path).map(decode)
  const spans = () =>
    of("/v1/traces")
      .flatMap(({ resourceSpans }) => resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans)
      .flatMap(({ spans }) => spans.map(toSpan)) as ReadonlyArray<Span>
  return {
    received,
    spans,
    logs: () =>
      of("/v1/logs")
        .flatMap(({ resourceLogs }) => resourceLogs)
        .flatMap(({ scopeLogs }) => scopeLogs)
        .flatMap(({ logRecords }) => logRecords.map(toLog)) as ReadonlyArray<Log>,
    /** What was sent last. */
    points: () =>
      of("/v1/metrics")
        .slice(-1)
        .flatMap(({ resourceMetrics }) => resourceMetrics)
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap(({ metrics }) => metrics.flatMap(toPoints)) as ReadonlyArray<Point>,
    resource: () => record(of("/v1/traces")[0]?.resourceSpans[0].resource.attributes),
    /** Resolves once a span of this name is here. */
    has: (name: string) =>
      new Promise<void>((resolve) => {
        arrived = () => {
          if (spans().some((span) => span.name === name)) resolve()
        }
        arrived()
      }),
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: url }
  }
}
