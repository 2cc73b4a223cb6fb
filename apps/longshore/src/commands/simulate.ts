/** `longshore simulate`: its flags. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { durationFlag, parseDuration, parsed, sizeFlag } from "../settings/units.ts"

/** `200/30s` */
const parseRate = (text: string) => {
  const [, limit, window] = /^(\d+)\/(.+)$/.exec(text.trim()) ?? []
  return Option.flatMap(Option.fromNullishOr(window), parseDuration).pipe(
    Option.map((window) => ({ limit: Number(limit), window })),
    Option.filter((rate) => rate.limit > 0 && Duration.toMillis(rate.window) > 0)
  )
}

const flags = {
  port: Flag.Int("port").pipe(Flag.withDescription("Port on 127.0.0.1; 0 takes a free one"), Flag.withDefault(4010)),
  profile: Flag.Literals("profile", ["current", "seed"]).pipe(
    Flag.withDescription("The API of today, or that of its first documentation"),
    Flag.withDefault("current")
  ),
  seed: Flag.Int("seed").pipe(Flag.withDescription("Decides every row"), Flag.withDefault(7)),
  files: Flag.Int("files").pipe(Flag.withDescription("Files of an export"), Flag.withDefault(2)),
  fileSize: sizeFlag("file-size").pipe(Flag.withDescription("Size of a file"), Flag.withDefault(1_000_000)),
  pending: durationFlag("pending").pipe(
    Flag.withDescription("How long an export is Pending"),
    Flag.withDefault(Duration.seconds(2))
  ),
  processing: durationFlag("processing").pipe(
    Flag.withDescription("How long it is Processing"),
    Flag.withDefault(Duration.seconds(5))
  ),
  linkTtl: durationFlag("link-ttl").pipe(
    Flag.withDescription("How long a link lives"),
    Flag.withDefault(Duration.minutes(10))
  ),
  exportTtl: durationFlag("export-ttl").pipe(
    Flag.withDescription("How long the files are kept"),
    Flag.withDefault(Duration.days(7))
  ),
  rateLimit: Flag.String("rate-limit").pipe(
    Flag.withMetavar("N/DURATION"),
    parsed(parseRate, "a rate such as 200/30s"),
    Flag.withDescription("Requests of an access token"),
    Flag.withDefault({ limit: 200, window: Duration.seconds(30) })
  ),
  bandwidth: sizeFlag("bandwidth").pipe(
    Flag.withDescription("Bytes a second of each connection to the file host"),
    Flag.optional
  ),
  conflictStatus: Flag.Literals("conflict-status", ["400", "403", "409"]).pipe(
    Flag.withDescription("How a second export of a type is refused"),
    Flag.withDefault("400")
  ),
  fault: Flag.String("fault").pipe(
    Flag.withMetavar("NAME[@TYPE][=COUNT]"),
    Flag.withDescription("What goes wrong, as often as COUNT says (or always); may be given again"),
    Flag.atLeast(0)
  ),
  printEnv: Flag.Boolean("print-env").pipe(
    Flag.withDescription("Only print the variables that point longshore at it"),
    Flag.withDefault(false)
  )
}

/** What the command line said, before it is checked. */
export type SimulateFlags = Command.Command.Config.Infer<typeof flags>

export const simulateCommand = Command.make("simulate", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/simulate.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Play the Connector API on this machine, with a witness and with faults on demand"),
  Command.withExamples([
    { command: "longshore simulate --files 20 --file-size 100MB", description: "Exports of 2 GB" },
    { command: "longshore simulate --fault lose-add-answer=1", description: "Lose the answer to the first add" },
    { command: 'eval "$(longshore simulate --print-env)"', description: "Point longshore at it" }
  ])
)
