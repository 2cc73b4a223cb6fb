/** The variables of OpenTelemetry, with the defaults that it names. */
import { version } from "../version.ts"
import { type Signal, signals } from "./Telemetry.ts"

export type Environment = Readonly<Record<string, string>>

const endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", ...signals.map((signal) => `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`)]

/** Empty means unset. */
export const read = (variables: { readonly [name: string]: string | undefined }): Environment => {
  const given: Environment = Object.fromEntries(
    Object.entries(variables).flatMap(([name, value = ""]) =>
      name.startsWith("OTEL_") && name !== "OTEL_SDK_DISABLED" && value.trim() !== "" ? [[name, value.trim()]] : []
    )
  )
  const attributes = [
    "service.name=longshore",
    `service.version=${version}`,
    // What is said later counts.
    given["OTEL_RESOURCE_ATTRIBUTES"] ?? []
  ].flat()
  return {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    ...(endpoints.some((name) => name in given) ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" }),
    ...given,
    OTEL_RESOURCE_ATTRIBUTES: attributes.join(",")
  }
}

/** Whether a signal is sent: it has an endpoint and is not switched off. */
export const isSent = (env: Environment, signal: Signal): boolean =>
  (env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? env["OTEL_EXPORTER_OTLP_ENDPOINT"]) !== undefined &&
  (env[`OTEL_${signal}_EXPORTER`] ?? "").split(",").some((exporter) => exporter.trim().toLowerCase() === "otlp")

export const protocol = (env: Environment, signal: Signal): string =>
  env[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] ?? env["OTEL_EXPORTER_OTLP_PROTOCOL"] ?? "http/protobuf"

/** What keeps telemetry from being sent as it is asked for. */
export const problem = (env: Environment): string | undefined => {
  const wrong = signals
    .filter((signal) => isSent(env, signal))
    .map((signal) => protocol(env, signal))
    .find((protocol) => protocol !== "http/protobuf" && protocol !== "http/json")
  if (wrong === undefined) return undefined
  const asked = wrong === "grpc" ? "grpc" : "a protocol that is not known"
  return `OTEL_EXPORTER_OTLP_PROTOCOL asks for ${asked}. Set it to http/protobuf or http/json, and the port to that of these (4318, as a rule).`
}

/** How long one request may take, in milliseconds. */
export const requestTimeout = (env: Environment): number => Number(env["OTEL_EXPORTER_OTLP_TIMEOUT"]) || 10_000

/** How long a command waits at its end for what is still to be sent, in milliseconds. */
const closingTimeout = 3_000

/** The same for Effect's exporters. To them a timeout is how long they wait at the end: no collector may make that long. */
export const forExporters = (env: Environment): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(env).filter(([name]) => !name.endsWith("_TIMEOUT"))),
  OTEL_EXPORTER_OTLP_TIMEOUT: String(Math.min(requestTimeout(env), closingTimeout))
})
