/** The cluster's PostgreSQL: what is wrong with it is said at the start; while a runner works it is waited for. */
import * as PgClient from "@effect/sql-pg/PgClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError } from "effect/sql/SqlError"
import { ConfigError } from "../output/Problem.ts"
import * as Credentials from "../settings/Credentials.ts"
import type { Settings } from "../settings/Settings.ts"

/** Its address, which holds a password. */
export const address = Effect.fnUntraced(function* (
  settings: Settings
): Effect.fn.Return<Redacted.Redacted, ConfigError> {
  const found = yield* Credentials.whereIs(settings, "database")
  if (found === undefined) {
    return yield* new ConfigError({
      problem: "There is no database.",
      nextStep: `Set LONGSHORE_DATABASE_URL to its address, such as ${example}, or LONGSHORE_DATABASE_URL_FILE to a file that holds it.`
    })
  }
  const text = yield* Credentials.fetch(found)
  if (!/^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? "")) {
    return yield* new ConfigError({
      problem: `The address of the database, from ${found.origin.where}, is not one of PostgreSQL.`,
      nextStep: `Write it as ${example}.`
    })
  }
  return Redacted.make(text, { label: "database" })
})

const example = "postgres://USER:PASSWORD@HOST:5432/DATABASE"

/** What must not be seen of an address. */
export const secretsOf = (url: Redacted.Redacted): ReadonlyArray<string> => {
  const text = Redacted.value(url)
  const { password = "", searchParams } = URL.parse(text) ?? {}
  const given = searchParams?.get("password") ?? ""
  return [text, password, decode(password), given].filter((secret) => secret !== "")
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export interface DatabaseOptions {
  readonly url: Redacted.Redacted
  /** What the server's own views call this connection. */
  readonly name: string
  /** How long one that does not answer is tried at the start. */
  readonly patience: Duration.Input
  /** Is given one line when it has to be waited for. */
  readonly tell: (line: string) => Effect.Effect<void>
}

/** Connected, and looked at: a server that cannot be used is a `ConfigError`. */
export const layer = ({
  name,
  patience,
  tell,
  url
}: DatabaseOptions): Layer.Layer<PgClient.PgClient | SqlClient, ConfigError> => {
  const place = placeOf(url)
  const refused = (error: unknown) => problem(place, error)
  let isTold = false
  const check = Effect.gen(function* () {
    const sql = yield* SqlClient
    const [row] = yield* sql<{
      readonly version: string
    }>`SELECT current_setting('server_version_num') AS version`.pipe(
      Effect.tapError((error) => {
        if (!isAway(error) || isTold) return Effect.void
        isTold = true
        return tell(`${refused(error).problem} Waiting for it`)
      }),
      Effect.retry({
        schedule: Schedule.spaced("500 millis").pipe(Schedule.upTo({ duration: patience })),
        while: isAway
      }),
      Effect.mapError(refused)
    )
    if (Number(row?.version) < 140_000) {
      return yield* new ConfigError({
        problem: `The database ${place} is of a PostgreSQL before 14, which would not take the runs from a runner that froze.`,
        nextStep: "Use PostgreSQL 14 or newer."
      })
    }
  })
  return Layer.effectDiscard(check).pipe(
    Layer.provideMerge(
      PgClient.layerFrom(
        Effect.mapError(
          PgClient.make({
            url,
            applicationName: `longshore ${name}`,
            ...(URL.parse(Redacted.value(url))?.searchParams.has("connect_timeout") === true
              ? {}
              : { connectTimeout: "5 seconds" }),
            // A server that is gone without a word would otherwise be waited for.
            keepAlive: "10 seconds"
          }),
          refused
        )
      )
    )
  )
}

/** Host, port and database, for people. */
const placeOf = (url: Redacted.Redacted): string => {
  const { hostname = "", pathname = "", port = "" } = URL.parse(Redacted.value(url)) ?? {}
  return `${hostname === "" ? "localhost" : hostname}:${port === "" ? "5432" : port}${pathname}`
}

/** The system's or the server's code of what happened. */
const codeOf = (error: unknown): string | undefined => {
  if (!isSqlError(error)) return undefined
  const { _tag, cause } = error.reason
  if (_tag === "ConnectionError" && cause instanceof Error && /timed out/.test(cause.message)) return "ETIMEDOUT"
  return Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined
}

/** Not there, or not yet: the codes of the network, and those of a server that starts or stops. */
const isAway = (error: unknown): boolean => /^E[A-Z_]+$|^57P0[123]$/.test(codeOf(error) ?? "")

/** What a failure of this database at the start means; `undefined`: it was none. */
export const failureOf = (url: Redacted.Redacted, error: unknown): ConfigError | undefined => {
  // Migrations wrap it.
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if (isSqlError(inner)) return problem(placeOf(url), inner)
  }
  return undefined
}

const problem = (place: string, error: unknown): ConfigError => {
  const code = codeOf(error)
  const said = (problem: string, nextStep: string) =>
    new ConfigError({ problem: `The database ${place} ${problem}${code === undefined ? "" : ` (${code})`}.`, nextStep })
  if (isAway(error)) return said("does not answer", "Start it, or correct LONGSHORE_DATABASE_URL.")
  switch (code) {
    case "28P01":
    case "28000":
      return said("refuses this user, or the password", "Correct them in LONGSHORE_DATABASE_URL.")
    case "3D000":
      return said("does not exist", "Make it with createdb, or correct LONGSHORE_DATABASE_URL.")
    case "42501":
      return said(
        "does not let this user make tables",
        "Give it the right to: GRANT CREATE ON SCHEMA public TO the user."
      )
    default:
      return said(
        `cannot be used: ${messageOf(error)}`,
        "See what the server says, and correct LONGSHORE_DATABASE_URL if it is wrong."
      )
  }
}

const messageOf = (error: unknown): string => {
  const inner = isSqlError(error) ? error.reason.cause : error
  return (inner instanceof Error ? inner.message : String(inner))
    .split("\n", 1)
    .join("")
    .replace(/[.\s]+$/, "")
}
