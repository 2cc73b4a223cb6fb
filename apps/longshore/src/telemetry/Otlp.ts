/** Sends telemetry over OTLP/HTTP, as the variables of OpenTelemetry say. No collector is worth a failed or a slow run. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Otlp from "effect/observability/Otlp"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Network from "../runs/Network.ts"
import * as Redaction from "../output/Redaction.ts"
import * as Environment from "./environment.ts"
import { ownSpans } from "./ownSpans.ts"
import { type Command, parseTraceparent, type Signal, Telemetry } from "./Telemetry.ts"

/** What is known on the way to the collector. */
interface Way {
  readonly env: Environment.Environment
  redact: Redaction.Redaction
  /** Why the last request failed, if it did. */
  trouble: string | undefined
  /** The command has ended: what fails now is not tried again. */
  closing: boolean
}

/** Runs a command in a span of its own, and sends what it tells. */
export const observed = <A, E, R>(self: Effect.Effect<A, E, R>, command: Command): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const way: Way = {
      env: Environment.read(process.env),
      redact: Redaction.make(),
      trouble: undefined,
      closing: false
    }
    const { isService, name, quiet } = command
    const note = (text: string) =>
      Effect.sync(() => {
        if (!quiet) process.stderr.write(`${way.redact(`longshore: ${text}`)}\n`)
      })
    const without = (problem: string) => Effect.andThen(note(`Telemetry is off: ${problem}`), self)
    const problem = Environment.problem(way.env)
    if (problem !== undefined) return without(problem)
    return Effect.acquireUseRelease(
      Scope.make(),
      (scope) =>
        Effect.flatMap(Effect.exit(Layer.buildWithScope(exporters(way), scope)), (built) =>
          Exit.isSuccess(built)
            ? Effect.provideContext(isService ? self : spanned(name, self), services(way, built.value, isService))
            : without(unreadable(built.cause))
        ),
      // What is left is sent now, also when somebody stopped the command.
      Effect.fnUntraced(function* (scope, exit) {
        way.closing = true
        yield* Scope.close(scope, exit)
        if (way.trouble !== undefined) {
          yield* note(`Telemetry did not reach the collector (${way.trouble}). The command is not affected.`)
        }
      })
    )
  })

class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly exitCode: number }> {
  override readonly message = `It ended with exit code ${this.exitCode}.`
}

/** The span of the command: a child of `TRACEPARENT`, and failed if the exit code says so. */
const spanned = <A, E, R>(name: string, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const parent = parseTraceparent(process.env["TRACEPARENT"])
  return Effect.acquireUseRelease(
    Effect.makeSpan(`longshore ${name}`, {
      attributes: { "longshore.command": name },
      ...(parent === undefined ? {} : { parent })
    }),
    (span) => Effect.withParentSpan(self, span, { captureStackTrace: false }),
    (span, exit) =>
      Effect.map(Clock.currentTimeNanos, (now) => {
        if (Exit.isFailure(exit)) return span.end(now, exit)
        const exitCode = Number(process.exitCode ?? 0)
        span.attribute("process.exit.code", exitCode)
        if (exitCode === 0) return span.end(now, exit)
        span.attribute("error.type", String(exitCode))
        span.end(now, Exit.fail(new CommandFailed({ exitCode })))
      })
  )
}

const services = (way: Way, built: Context.Context<never>, isService: boolean): Context.Context<never> => {
  const loggers = Environment.isSent(way.env, "LOGS") ? Context.get(built, Logger.CurrentLoggers) : new Set<never>()
  const isTraced = Environment.isSent(way.env, "TRACES")
  const telemetry: Telemetry = {
    log: (level, body, attributes) =>
      Effect.logWithLevel(level)(body).pipe(
        Effect.annotateLogs(attributes),
        Effect.provideService(References.MinimumLogLevel, "Debug")
      ),
    traceparent: isTraced
      ? Effect.match(Effect.currentSpan, {
          onFailure: () => undefined,
          onSuccess: (span) => (span.sampled ? HttpTraceContext.toHeaders(span)["traceparent"] : undefined)
        })
      : Effect.undefined,
    redactWith: (redact) => Effect.sync(() => void (way.redact = redact))
  }
  return built.pipe(
    // Nothing of it belongs on stdout.
    Context.add(Logger.CurrentLoggers, loggers),
    Context.add(Tracer.Tracer, ownSpans(Context.get(built, Tracer.Tracer), isService)),
    Context.add(Telemetry, telemetry)
  )
}

const exporters = (way: Way) =>
  Otlp.layerFromConfig({ loggerExcludeLogSpans: true, loggerMergeWithExisting: false }).pipe(
    Layer.provide(serialization(way)),
    Layer.provide(client(way)),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: Environment.forExporters(way.env) })))
  )

/** Each signal in its own protocol, and every text through the last door. */
const serialization = (way: Way) =>
  Layer.effect(
    OtlpSerialization.OtlpSerialization,
    Effect.gen(function* () {
      const { OtlpSerialization: Service, layerJson, layerProtobuf } = OtlpSerialization
      const json = Context.get(yield* Layer.build(layerJson), Service)
      const protobuf = Context.get(yield* Layer.build(layerProtobuf), Service)
      const by = (signal: Signal) => (Environment.protocol(way.env, signal) === "http/json" ? json : protobuf)
      return Service.of({
        traces: (data) => by("TRACES").traces(redacted(data, way.redact)),
        metrics: (data) => by("METRICS").metrics(redacted(data, way.redact)),
        logs: (data) => by("LOGS").logs(redacted(data, way.redact))
      })
    })
  )

const redacted = <A>(data: A, redact: Redaction.Redaction): A =>
  JSON.parse(JSON.stringify(data), (_, value: unknown) => (typeof value === "string" ? redact(value) : value))

const silence = "no answer in time"

/** The way to the collector. It remembers how the last request went. */
const client = (way: Way) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.transform((effect, request) =>
        effect.pipe(
          Effect.timeoutOrElse({
            duration: Environment.requestTimeout(way.env),
            orElse: () =>
              Effect.fail(
                new HttpClientError.HttpClientError({
                  reason: new HttpClientError.TransportError({ request, description: silence })
                })
              )
          }),
          Effect.tap(({ status }) =>
            Effect.sync(() => void (way.trouble = status < 300 ? undefined : `HTTP ${status}`))
          ),
          Effect.tapError(({ reason }) => Effect.sync(() => void (way.trouble = transportProblem(reason)))),
          Effect.onInterrupt(() => Effect.sync(() => void (way.trouble = silence))),
          // An exporter tries failures again, for seconds; nobody waits for that at the end. Defects it drops.
          Effect.catchIf(() => way.closing, Effect.die)
        )
      )
    )
  ).pipe(Layer.provide(Network.client({ maxSockets: 4 })))

const transportProblem = (reason: HttpClientError.HttpClientError["reason"]): string => {
  const cause = "cause" in reason ? reason.cause : undefined
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return typeof code === "string" ? code : (reason.description ?? "no connection")
}

/** A variable that means nothing. Its value may be a secret, so only its name is told. */
const unreadable = (cause: Cause.Cause<unknown>): string => {
  const [name] = /OTEL_[A-Z_]+/.exec(Cause.pretty(cause)) ?? []
  return `${name ?? "a variable OTEL_…"} cannot be read. Correct it, or unset it.`
}
