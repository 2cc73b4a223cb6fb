/** `longshore export`: its flags. The work is loaded when it is asked for, so that help answers at once. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { durationFlag, sizeFlag } from "../units.ts"

const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

const several = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar("GUID"), Flag.withDescription(description), Flag.between(0, 1000))

const atLeastTenth = <A extends Duration.Duration>(flag: Flag.Flag<A>) =>
  Flag.filter(
    flag,
    (value) => Duration.toMillis(value) >= 100,
    () => "100ms or more"
  )

const number = (name: string, min: number, max: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.filter(
      (value) => value >= min && value <= max,
      () => `a number from ${min} to ${max}`
    ),
    Flag.withMetavar("N"),
    Flag.withDescription(description)
  )

const flags = {
  entityTypes: Argument.String("entity-type").pipe(
    Argument.withDescription("What to export: Reservation, Customer, OrderItem, Payment …; several run side by side"),
    Argument.variadic({ min: 1 })
  ),
  to: Flag.String("to").pipe(
    Flag.withMetavar("TARGET"),
    Flag.withDescription("Where to: a folder (./data, file:///srv/data), s3://bucket/prefix, or - for stdout")
  ),
  endpoint: text("endpoint", "URL", "s3: the address of a server that is not AWS (AWS_ENDPOINT_URL)"),
  region: text("region", "NAME", "s3: the bucket's region (AWS_REGION, profile)"),
  profile: text("profile", "NAME", "s3: a profile of ~/.aws (AWS_PROFILE)"),
  updatedFrom: text("updated-from", "TIME", "Only what was updated from this time on, such as 2026-05-01T00:00:00Z"),
  updatedTo: text("updated-to", "TIME", "... and before this time; at most 180 days, ending at least 5 minutes ago"),
  postingFrom: text("posting-from", "DATE", "LedgerEntry: first day of posting, such as 2026-05-01"),
  postingTo: text("posting-to", "DATE", "LedgerEntry: last day of posting"),
  enterpriseIds: several("enterprise-id", "Only this enterprise; may be repeated"),
  chainIds: several("chain-id", "Only this chain; may be repeated"),
  exportId: text("export-id", "GUID", "Take up an export that exists instead of asking for one"),
  fresh: Flag.Boolean("fresh").pipe(
    Flag.withDescription("Export again although this run is finished (one that is not finished is resumed)"),
    Flag.withDefault(false)
  ),
  maxAge: durationFlag("max-age").pipe(
    Flag.withDescription("Export again if this run finished longer ago than this"),
    Flag.optional
  ),
  onBusy: Flag.Literals("on-busy", ["fail", "wait"]).pipe(
    Flag.withDescription(
      "When another export of the type is running: fail or wait (default: wait only if it may be this run's own)"
    ),
    Flag.optional
  ),
  onExpired: Flag.Literals("on-expired", ["fail", "renew"]).pipe(
    Flag.withDescription("When the export failed or its files are gone: fail, or ask for another"),
    Flag.withDefault("fail")
  ),
  poll: atLeastTenth(durationFlag("poll")).pipe(
    Flag.withDescription("Time between looks (default: quick at first, then up to 5m)"),
    Flag.optional
  ),
  maxWait: durationFlag("max-wait").pipe(
    Flag.withDescription("How long to wait for the slot and the export (default: as long as it takes)"),
    Flag.optional
  ),
  concurrency: number("concurrency", 1, 256, "Parts on their way at once, of all files together (default: 8)").pipe(
    Flag.withDefault(8)
  ),
  partSize: sizeFlag("part-size").pipe(
    Flag.filter(
      (value) => value >= 1024 && value <= 2 ** 30,
      () => "a size from 1KiB to 1GiB"
    ),
    Flag.withDescription("Bytes of one request (default: 8MiB)"),
    Flag.withDefault(8 * 1024 * 1024)
  ),
  retries: number("retries", 0, 100, "How often a look or a part is tried again (default: 6)").pipe(Flag.optional),
  languageCode: text("language-code", "CODE", "Language of the API's texts, such as en-US; with --culture-code"),
  cultureCode: text("culture-code", "CODE", "Culture of the API's texts, such as en-US; with --language-code"),
  platformAddress: text(
    "platform-address",
    "URL",
    "The API's address (LONGSHORE_PLATFORM_ADDRESS; default: https://api.mews.com)"
  ),
  clientTokenFile: text("client-token-file", "PATH", "File that holds the client token (else LONGSHORE_CLIENT_TOKEN)"),
  accessTokenFile: text("access-token-file", "PATH", "File that holds the access token (else LONGSHORE_ACCESS_TOKEN)"),
  account: text("account", "NAME", "Name for this account in journals, so that a new token resumes old runs"),
  state: text("state", "PATH", "Folder for journals (LONGSHORE_STATE; default: TARGET/.longshore)"),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON object on stdout at the end"),
    Flag.withDefault(false)
  ),
  quiet: Flag.Boolean("quiet").pipe(
    Flag.withAlias("q"),
    Flag.withDescription("Print errors only"),
    Flag.withDefault(false)
  )
}

/** What the command line said, before it is checked. */
export type ExportFlags = Command.Command.Config.Infer<typeof flags>

export const exportCommand = Command.make("export", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../exportHandler.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription(
    "Take an export from the API to verified files; the same command carries on where it stopped"
  ),
  Command.withExamples([
    { command: "longshore export Reservation Customer --to ./data", description: "Two types into a folder" },
    { command: "longshore export Bill --to s3://bucket/mews --region eu-central-1", description: "Straight into S3" },
    { command: "longshore export OrderItem --to - | jq .", description: "Data on stdout, everything else on stderr" },
    {
      command:
        "longshore export Payment --to ./data --updated-from 2026-05-01T00:00:00Z --updated-to 2026-06-01T00:00:00Z",
      description: "What changed in May"
    }
  ])
)
