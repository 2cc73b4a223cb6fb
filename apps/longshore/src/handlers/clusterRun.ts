/** `longshore cluster run`: one runner, from its settings to its end. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ExportEvent from "@longshore/core/ExportEvent"
import * as Transfer from "@longshore/core/Transfer"
import * as NodeSource from "@longshore/source-node/NodeSource"
import * as Account from "@longshore/workflow/Account"
import * as ClusterServer from "@longshore/workflow/ClusterServer"
import * as ExportCluster from "@longshore/workflow/ExportCluster"
import * as ExportWorkflow from "@longshore/workflow/ExportWorkflow"
import * as Fence from "@longshore/workflow/Fence"
import * as Retention from "@longshore/workflow/Retention"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import { createServer } from "node:http"
import * as Base from "../cluster/Base.ts"
import * as Database from "../cluster/Database.ts"
import * as Runner from "../cluster/Runner.ts"
import * as RunnerLog from "../cluster/RunnerLog.ts"
import * as Setup from "../cluster/Setup.ts"
import type { ClusterRunFlags } from "../commands/cluster/run.ts"
import * as EventLog from "../output/EventLog.ts"
import * as LogFile from "../output/LogFile.ts"
import { ConfigError } from "../output/Problem.ts"
import * as Redaction from "../output/Redaction.ts"
import * as Report from "../output/Report.ts"
import * as Stderr from "../output/Stderr.ts"
import * as Stopping from "../output/Stopping.ts"
import { concurrencyOf } from "../runs/runExport.ts"
import * as TargetSink from "../runs/TargetSink.ts"
import type { HostPort } from "../settings/Setting.ts"
import * as Telemetry from "../telemetry/Telemetry.ts"
import { version } from "../version.ts"

export const handle = Effect.fn("cluster run")(function* (flags: ClusterRunFlags) {
  Stopping.asService("longshore: Stopping: what is on its way may end; once more leaves at once.")
  // What is secret is known once it is read; until then nothing of it is said.
  const known = { redact: Redaction.make() }
  yield* run(flags, known).pipe(
    Effect.scoped,
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.interrupt
        : Effect.gen(function* () {
            const report = Report.ofCause(cause)
            yield* Telemetry.logReport(report)
            Stderr.line(Report.paragraph(report, known.redact))
            process.exitCode = report.exitCode
          })
    )
  )
}, Telemetry.service("cluster run"))

const run = Effect.fnUntraced(function* (flags: ClusterRunFlags, known: { redact: Redaction.Redaction }) {
  const setup = yield* Setup.load(flags)
  const { front, settings } = setup
  const redact = Redaction.make(Setup.secretsOf(setup))
  known.redact = redact
  yield* (yield* Telemetry.Telemetry).redactWith(redact)
  // A target that cannot be written is found out before there is a run that fails by it.
  yield* Effect.scoped(Layer.build(TargetSink.layer(setup.base)))

  const runner: Runner.RunnerOptions = {
    address: { host: settings.get("runner-host") ?? "localhost", port: settings.get("runner-port") ?? 34_431 },
    listen: settings.get("runner-listen"),
    lockExpiry: settings.get("lock-expiry") ?? Duration.seconds(35),
    terminationTimeout: settings.get("termination-timeout") ?? Duration.seconds(5)
  }
  const name = hostPort(runner.address)
  const path = settings.get("log-file")
  const log = RunnerLog.make({
    redact,
    quiet: flags.quiet,
    verbose: flags.verbose,
    file: path === undefined ? undefined : yield* LogFile.open(path, `longshore ${version}: runner ${name}`)
  })
  const events = settings.get("events")
  const record =
    events === undefined ? () => Effect.void : yield* EventLog.make({ path: events, redact, tell: log.say })

  // What others log goes where this does, and to a collector; never to stdout.
  const collectors = [...(yield* Logger.CurrentLoggers)].filter((logger) => logger !== Logger.defaultLogger)
  const listen = Effect.fnUntraced(function* (event: ExportEvent.ExportEvent) {
    const { account, run } = yield* References.CurrentLogAnnotations
    const about = {
      ...(typeof run === "string" ? { run } : {}),
      ...(typeof account === "string" ? { account } : {})
    }
    yield* record(event, about)
    yield* Effect.provideService(log.event(event, about), Logger.CurrentLoggers, new Set(collectors))
  })

  return yield* Effect.gen(function* () {
    const database = Database.layer({ url: setup.url, name, patience: "30 seconds", tell: log.say })
    const services = yield* Layer.build(Layer.provide(work(setup, runner), database)).pipe(
      Effect.catchCause((cause) => Effect.failCause(explained(cause, setup, runner)))
    )
    yield* Effect.provideContext(Runner.isReady, services)
    const where = front === undefined ? "without an HTTP front" : `HTTP on http://${hostPort(front.listen)}`
    yield* log.say(`runner ${name} is ready, ${where}`)
    return yield* Effect.never
  }).pipe(
    Effect.scoped,
    Effect.onInterrupt(() => log.say(`runner ${name} has stopped`)),
    Effect.provideService(Logger.CurrentLoggers, new Set([...collectors, log.logger])),
    Effect.provideService(ExportEvent.ExportEvents, listen)
  )
})

/** Everything that a runner does. The front is the last to come and the first to go. */
const work = (
  { accounts, base, front, http, schedules, settings, tasks }: Setup.Setup,
  runner: Runner.RunnerOptions
) => {
  const client = Layer.succeedContext(http)
  const retries = settings.get("retries")
  const transfer = Transfer.layer({
    concurrency: concurrencyOf(settings),
    ...(retries === undefined ? {} : { retries })
  }).pipe(Layer.provide(NodeSource.layer()), Layer.provide(client))
  const whom = Account.layer(Object.fromEntries([...accounts].map(([name, { options }]) => [name, options]))).pipe(
    Layer.provide(client)
  )
  const exports = ExportWorkflow.layer({
    sink: (task) => Layer.unwrap(Effect.map(Base.targetOf(base, task), (target) => TargetSink.layer(target)))
  })
  const retention = Retention.layer({
    complete: settings.get("keep-complete") ?? Duration.days(7),
    failed: settings.get("keep-failed") ?? Duration.days(30)
  })
  const served =
    front === undefined
      ? Layer.empty
      : Layer.provide(
          ClusterServer.layer({ token: front.token, tasks }),
          // Who waits for a run asks another runner.
          NodeHttpServer.layer(() => createServer(), { ...front.listen, gracefulShutdownTimeout: "1 second" })
        )
  return served.pipe(
    Layer.provideMerge(Layer.mergeAll(exports, Account.entities, retention, ...schedules)),
    Layer.provide([transfer, Fence.layer, whom]),
    Layer.provideMerge(ExportCluster.layer({ stored: (task, exportId) => Base.stored(base, task, exportId) })),
    Layer.provideMerge(Runner.layer(runner))
  )
}

const hostPort = ({ host, port }: HostPort): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

/** Why it could not begin, where that is not a bug. */
const explained = (
  cause: Cause.Cause<unknown>,
  { front, url }: Setup.Setup,
  { address, listen }: Runner.RunnerOptions
): Cause.Cause<unknown> => {
  const error = Cause.squash(cause)
  const tag = Predicate.hasProperty(error, "_tag") ? error._tag : undefined
  const refused =
    tag === "SocketServerError"
      ? taken(error, listen ?? address, listen === undefined ? "--runner-host or --runner-port" : "--runner-listen")
      : tag === "ServeError" && front !== undefined
        ? taken(error, front.listen, "--listen")
        : Database.failureOf(url, error)
  return refused === undefined ? cause : Cause.fail(refused)
}

const taken = (error: unknown, address: HostPort, flag: string): ConfigError => {
  const inner = error instanceof Error ? error.cause : undefined
  const code = Predicate.hasProperty(inner, "code") ? String(inner.code) : "unknown"
  return code === "EADDRINUSE"
    ? new ConfigError({
        problem: `Another program, perhaps another runner, listens on ${hostPort(address)} (${code}).`,
        nextStep: `Stop it, or choose another address with ${flag}.`
      })
    : new ConfigError({
        problem: `This machine cannot listen on ${hostPort(address)} (${code}).`,
        nextStep: `Name an address of this machine, and a port that this user may have, with ${flag}.`
      })
}
