/** Flags that several commands take. */
import * as Flag from "effect/cli/Flag"
import * as Setting from "../settings/Setting.ts"

/** A text that need not be given. */
export const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

export const config = text(
  "config",
  "PATH",
  "Settings file in place of the project's longshore.toml (LONGSHORE_CONFIG)"
)

/** Whom to ask, as whom. */
export const account = Setting.flags("account", "platform-address", "client-token-file", "access-token-file", "ca-file")

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
