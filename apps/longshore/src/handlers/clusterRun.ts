/** `longshore cluster run`: one runner, from its settings to its end. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ExportEvent from "@longshore/core/ExportEvent"
import * as Transfer from "@longshore/core/Transfer"
import * as NodeSource from "@longshore/source-node/NodeSource"
import * as Account from "@longshore/workflow/Account"
import * as ClusterApi from "@longshore/workflow/ClusterApi"
import * as ExportCluster from "@longshore/workflow/ExportCluster"
import * as ExportWorkflow from "@longshore/workflow/ExportWorkflow"
import * as Fence from "@longshore/workflow/Fence"
import * as Retention from "@longshore/workflow/Retention"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import { createServer } from "node:http"
import * as Base from "../cluster/Base.ts"
import * as ClusterAccounts from "../cluster/ClusterAccounts.ts"
import * as Database from "../cluster/Database.ts"
import * as Runner from "../cluster/Runner.ts"
import * as RunnerLog from "../cluster/RunnerLog.ts"
import * as Schedules from "../cluster/Schedules.ts"
import * as Tasks from "../cluster/Tasks.ts"
import type { ClusterRunFlags } from "../commands/cluster/run.ts"
import * as EventLog from "../output/EventLog.ts"
import * as LogFile from "../output/LogFile.ts"
import { ConfigError, UsageError } from "../output/Problem.ts"
import * as Redaction from "../output/Redaction.ts"
import * as Report from "../output/Report.ts"
import * as Stderr from "../output/Stderr.ts"
import * as Stopping from "../output/Stopping.ts"
import * as Network from "../runs/Network.ts"
import { concurrencyOf, http } from "../runs/runExport.ts"
import * as TargetSink from "../runs/TargetSink.ts"
import * as Credentials from "../settings/Credentials.ts"
import type { HostPort } from "../settings/Setting.ts"
import * as Settings from "../settings/Settings.ts"
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
  const settings = yield* Effect.map(
    Settings.load({ given: flags, config: Option.getOrUndefined(flags.config) }),
    // A runner is for all accounts, whichever is chosen for other commands.
    (settings) => settings.as(undefined)
  )
  if (settings.get("events") === "-") {
    return yield* new UsageError({ problem: "A runner writes no events to stdout.", nextStep: "Name a file for them." })
  }
  yield* Network.prepare(settings)
  const base = yield* Base.ofSettings(settings)
  const url = yield* Database.address(settings)
  const front = yield* frontOf(settings)
  const client = Layer.succeedContext(yield* Layer.build(http(settings)))
  const accounts = yield* Effect.provide(ClusterAccounts.load(settings, version), client)
  const redact = Redaction.make([
    ...Database.secretsOf(url),
    ...ClusterAccounts.secretsOf(accounts),
    ...(front === undefined ? [] : [Redacted.value(front.token)])
  ])
  known.redact = redact
  yield* (yield* Telemetry.Telemetry).redactWith(redact)
  yield* Effect.forEach(accounts.values(), ({ options, settings }) => Credentials.refuseTokens(options, settings))

  // A target that cannot be written is found out before there is a run that fails by it.
  yield* Effect.scoped(Layer.build(TargetSink.layer(base)))

  const address: HostPort = {
    host: settings.get("runner-host") ?? "localhost",
    port: settings.get("runner-port") ?? 34_431
  }
  const listenAt = settings.get("runner-listen")
  const name = hostPort(address)
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

  const whom = Layer.provide(
    Account.layer(Object.fromEntries([...accounts].map(([name, { options }]) => [name, options]))),
    client
  )
  const layer = Layer.unwrap(
    Effect.gen(function* () {
      const tasks = yield* Tasks.make(base, accounts)
      const schedules = yield* Schedules.layers(settings.schedules.values(), [...accounts.keys()], tasks)
      const retries = settings.get("retries")
      const keepComplete = settings.get("keep-complete")
      const keepFailed = settings.get("keep-failed")
      const work = Layer.mergeAll(
        ExportWorkflow.layer({
          sink: (task) => Layer.unwrap(Effect.map(Base.targetOf(base, task), (target) => TargetSink.layer(target)))
        }),
        Account.entities,
        Retention.layer({
          ...(keepComplete === undefined ? {} : { complete: keepComplete }),
          ...(keepFailed === undefined ? {} : { failed: keepFailed })
        }),
        ...schedules
      )
      const transfer = Transfer.layer({
        concurrency: concurrencyOf(settings),
        ...(retries === undefined ? {} : { retries })
      }).pipe(Layer.provide(NodeSource.layer()), Layer.provide(client))
      const cluster = ExportCluster.layer({ stored: (task, exportId) => Base.stored(base, task, exportId) })
      const served =
        front === undefined
          ? Layer.empty
          : ClusterApi.layer({ token: front.token, tasks }).pipe(
              Layer.provide(
                NodeHttpServer.layer(() => createServer(), {
                  ...front.listen,
                  // Who waits for a run asks another runner.
                  gracefulShutdownTimeout: "1 second"
                })
              )
            )
      return served.pipe(
        Layer.provideMerge(work),
        Layer.provide([transfer, Fence.layer]),
        Layer.provideMerge(cluster),
        Layer.provideMerge(
          Runner.layer({
            address,
            listen: listenAt,
            lockExpiry: settings.get("lock-expiry") ?? Duration.seconds(35),
            terminationTimeout: settings.get("termination-timeout") ?? Duration.seconds(2)
          })
        ),
        Layer.provide(Database.layer({ url, name, patience: "30 seconds", tell: log.say }))
      )
    })
  ).pipe(Layer.provide(whom))

  return yield* Effect.gen(function* () {
    const services = yield* Layer.build(layer).pipe(
      Effect.catchCause((cause) =>
        Effect.failCause(
          explained(cause, { url, front, runner: listenAt ?? address, isElsewhere: listenAt !== undefined })
        )
      )
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

interface Front {
  readonly listen: HostPort
  readonly token: Redacted.Redacted
}

/** The HTTP front that is wanted. Without a token everybody could start exports, so there is none. */
const frontOf = Effect.fnUntraced(function* (
  settings: Settings.Settings
): Effect.fn.Return<Front | undefined, ConfigError> {
  const listen = settings.get("listen")
  if (listen === undefined || listen === "none") return undefined
  const found = yield* Credentials.whereIs(settings, "cluster")
  const make =
    "Make one (openssl rand -hex 32), and set LONGSHORE_CLUSTER_TOKEN to it for all runners and clients, or LONGSHORE_CLUSTER_TOKEN_FILE to a file that holds it; or leave the front out: --listen none."
  if (found === undefined) {
    return yield* new ConfigError({ problem: "The HTTP front has no token that clients must show.", nextStep: make })
  }
  const token = yield* Credentials.fetch(found)
  if (token.length < 16) {
    return yield* new ConfigError({
      problem: `The token of the HTTP front, from ${found.origin.where}, is shorter than 16 characters.`,
      nextStep: make
    })
  }
  return { listen, token: Redacted.make(token, { label: "cluster token" }) }
})

const hostPort = ({ host, port }: HostPort): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

/** Why it could not begin, where that is not a bug. */
const explained = (
  cause: Cause.Cause<unknown>,
  about: {
    readonly url: Redacted.Redacted
    readonly front: Front | undefined
    readonly runner: HostPort
    readonly isElsewhere: boolean
  }
): Cause.Cause<unknown> => {
  const error = Cause.squash(cause)
  const tag = Predicate.hasProperty(error, "_tag") ? error._tag : undefined
  const refused =
    tag === "SocketServerError"
      ? taken(error, about.runner, about.isElsewhere ? "--runner-listen" : "--runner-host or --runner-port")
      : tag === "ServeError" && about.front !== undefined
        ? taken(error, about.front.listen, "--listen")
        : Database.failureOf(about.url, error)
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
