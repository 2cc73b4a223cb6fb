/** Whether an export would work here: every check with what it found, and what helps. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { DoctorFlags } from "../commands/doctor.ts"
import * as Api from "../doctor/Api.ts"
import * as Bucket from "../doctor/Bucket.ts"
import * as Clock from "../doctor/Clock.ts"
import * as Connection from "../doctor/Connection.ts"
import * as Finding from "../doctor/Finding.ts"
import * as Folders from "../doctor/Folders.ts"
import * as Rows from "../doctor/Rows.ts"
import * as Setup from "../doctor/Setup.ts"
import * as Answer from "../output/Answer.ts"
import * as ExitCode from "../output/ExitCode.ts"
import type { ConfigError } from "../output/Problem.ts"
import * as Redaction from "../output/Redaction.ts"
import * as StateLocation from "../runs/StateLocation.ts"
import * as Target from "../runs/Target.ts"
import * as Network from "../runs/Network.ts"
import type { Credentials } from "../settings/Credentials.ts"
import * as Settings from "../settings/Settings.ts"

/** What `doctor --json` prints. */
export const DoctorJson = Answer.json({ checks: Schema.optionalKey(Schema.Array(Finding.Finding)) })

export const handle = Effect.fn("doctor")(function* (flags: DoctorFlags) {
  yield* Answer.give(flags, Effect.map(examine(flags), answer))
  // What hangs in the operating system, as on a share whose server is gone, must not keep the process.
  setTimeout(() => process.exit(), 3_000).unref()
})

interface Examination {
  readonly findings: ReadonlyArray<Finding.Finding>
  readonly secrets: ReadonlyArray<string>
}

const examine = Effect.fnUntraced(function* (flags: DoctorFlags): Effect.fn.Return<Examination> {
  const program = Setup.program()
  const loaded = yield* Effect.result(Settings.load({ given: flags, config: Option.getOrUndefined(flags.config) }))
  if (loaded._tag === "Failure") {
    const rest = Finding.Check.literals
      .filter((check) => check !== "program" && check !== "settings")
      .map((check) => Finding.skipped(check, "the settings cannot be read"))
    return { findings: [program, Finding.ofFailure("settings", loaded.failure), ...rest], secrets: [] }
  }
  const settings = loaded.success
  const tokens = yield* Setup.tokens(settings)
  const { credentials } = tokens
  const prepared = yield* Effect.result(Network.prepare(settings))
  const unprepared = prepared._tag === "Failure" ? prepared.failure : undefined
  const [network, storage] = yield* Effect.all(
    [examineApi(settings.get("platform-address") ?? "", credentials, unprepared), examineStorage(settings)],
    { concurrency: "unbounded" }
  )
  const clock = Clock.check([network.reading, storage.reading].filter((reading) => reading !== undefined))
  return {
    findings: [
      program,
      yield* Setup.settings(settings),
      tokens.finding,
      ...network.findings,
      ...storage.findings,
      clock,
      fileHost
    ],
    secrets:
      credentials === undefined
        ? []
        : [Redacted.value(credentials.clientToken), Redacted.value(credentials.accessToken)]
  }
})

const fileHost = Finding.skipped(
  "file host",
  "its address is known once an export is ready; it has to be reachable from here as well"
)

interface Examined {
  readonly findings: ReadonlyArray<Finding.Finding>
  readonly reading?: Clock.Reading
}

const examineApi = Effect.fnUntraced(function* (
  platformAddress: string,
  credentials: Credentials | undefined,
  unprepared: ConfigError | undefined
): Effect.fn.Return<Examined> {
  const late = Finding.failed("connection", ExitCode.temporary, "no answer in time", "Check the network.")
  const connection: Connection.Connection =
    unprepared === undefined
      ? yield* Finding.within("15 seconds", Connection.check(platformAddress), () => ({ finding: late }))
      : { finding: Finding.ofFailure("connection", unprepared) }
  const access = (why: string) => Finding.skipped("access", why)
  const skip = (why: string) => [Finding.skipped("api", why), access(why)]
  const findings =
    connection.finding.status === "failed"
      ? skip("there is no connection")
      : credentials === undefined
        ? skip("there are no tokens to ask with")
        : yield* Finding.within("9 seconds", Api.check(credentials), () => [
            Finding.failed("api", ExitCode.temporary, "no answer in time", "Run it again later."),
            access("the API gave no answer about the tokens")
          ])
  return { ...connection, findings: [connection.finding, ...findings] }
})

const examineStorage = Effect.fnUntraced(function* (settings: Settings.Settings): Effect.fn.Return<Examined> {
  const to = settings.get("to")
  const parsed = to === undefined ? undefined : yield* Effect.result(Target.ofSettings(settings))
  const target = parsed?._tag === "Success" ? parsed.success : undefined
  const state = yield* StateLocation.resolve(settings.get("state"), target)
  const late = (check: Finding.Check, exitCode: number) => () =>
    Finding.failed(
      check,
      exitCode,
      "no answer in time",
      "See whether the disk, the share or the server answers at all, or choose another."
    )
  const examineTarget: Effect.Effect<Bucket.Bucket> =
    parsed?._tag === "Failure"
      ? Effect.succeed({ finding: Finding.ofFailure("target", parsed.failure) })
      : target === undefined
        ? Effect.succeed({ finding: Finding.skipped("target", "none is named: give --to") })
        : target._tag === "Stdout"
          ? Effect.succeed({ finding: Finding.skipped("target", "a pipe: whoever reads it decides") })
          : target._tag === "Folder"
            ? Effect.map(
                Finding.within("10 seconds", Folders.target(target.directory), late("target", ExitCode.sink)),
                (finding) => ({ finding })
              )
            : Finding.within("18 seconds", Bucket.check(target), () => ({ finding: late("target", ExitCode.sink)() }))
  const [kept, delivered] = yield* Effect.all(
    [Finding.within("10 seconds", Folders.state(state), late("state", ExitCode.error)), examineTarget],
    { concurrency: "unbounded" }
  )
  return { ...delivered, findings: [kept, delivered.finding] }
})

const answer = ({ findings, secrets }: Examination): Answer.Answer => {
  const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_SESSION_TOKEN = "" } = process.env
  const redact = Redaction.make([...secrets, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN])
  const checks = Finding.Check.literals
    .flatMap((check) => findings.filter((finding) => finding.check === check))
    .map((finding) => ({
      ...finding,
      found: redact(finding.found),
      ...(finding.nextStep === undefined ? {} : { nextStep: redact(finding.nextStep) })
    }))
  return {
    json: { checks },
    text: Rows.text(checks, process.stdout.isTTY ? process.stdout.columns : undefined),
    paint: Rows.paint,
    exitCode: ExitCode.ofAll(checks.flatMap(({ exitCode }) => exitCode ?? []))
  }
}
