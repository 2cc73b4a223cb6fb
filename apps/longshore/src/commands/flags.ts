/** Flags that several commands take. */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Setting from "../settings/Setting.ts"

/** A text that need not be given. */
export const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

const several = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar("GUID"), Flag.withDescription(description), Flag.between(0, 1000))

/** What to export. */
export const entityTypes = Argument.String("entity-type").pipe(
  Argument.withDescription("What to export: Reservation, Customer, OrderItem, Payment …; several run side by side"),
  Argument.variadic({ min: 1 })
)

/** How much of it. */
export const wanted = {
  updatedFrom: text("updated-from", "TIME", "Only what was updated from this time on, such as 2026-05-01T00:00:00Z"),
  updatedTo: text("updated-to", "TIME", "... and before this time; at most 180 days, ending at least 5 minutes ago"),
  postingFrom: text("posting-from", "DATE", "LedgerEntry: first day of posting, such as 2026-05-01"),
  postingTo: text("posting-to", "DATE", "LedgerEntry: last day of posting"),
  enterpriseIds: several("enterprise-id", "Only this enterprise; may be repeated"),
  chainIds: several("chain-id", "Only this chain; may be repeated"),
  exportId: text("export-id", "GUID", "Take up an export that exists instead of asking for one")
}

export const config = text(
  "config",
  "PATH",
  "Settings file in place of the project's longshore.toml (LONGSHORE_CONFIG)"
)

/** Whom to ask, as whom. */
export const account = Setting.flags("account", "platform-address", "client-token-file", "access-token-file", "ca-file")

/** Where a cluster is. */
export const server = Setting.flags("server", "cluster-token-file", "plain-http", "ca-file")

/** One run of a cluster. */
export const run = Argument.String("run").pipe(Argument.withDescription("A run's id, as submit and list print it"))

/** How patient a cluster's run is. */
export const policy = Setting.flags("on-busy", "on-expired", "max-wait", "poll", "part-size")

/** What only a target in S3 needs. */
export const s3 = Setting.flags("endpoint", "region", "profile", "ca-file")

/** How a transfer goes; an interrupted run may go on with others. */
export const transfer = Setting.flags(
  "on-busy",
  "on-expired",
  "poll",
  "max-wait",
  "concurrency",
  "part-size",
  "retries",
  "language-code",
  "culture-code"
)

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON object on stdout at the end"),
  Flag.withDefault(false)
)

export const quiet = Flag.Boolean("quiet").pipe(
  Flag.withAlias("q"),
  Flag.withDescription("Print errors only"),
  Flag.withDefault(false)
)

export const verbose = Flag.Boolean("verbose").pipe(
  Flag.withDescription("Also print retries, renewed links and the like"),
  Flag.withDefault(false)
)

/** What is shown while a transfer goes on. */
export const output = {
  ...Setting.flags("progress", "log-file", "events"),
  json,
  quiet,
  verbose
}
