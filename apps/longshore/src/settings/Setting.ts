/**
 * Every setting of the program, once: what it is called on the command line, in the environment and in a file, what it
 * takes, what it is if nobody says. Flags, files and `config show` are made from this table.
 */
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Struct from "effect/Struct"
import { parseDuration, parseSize } from "./units.ts"

interface Setting<A> {
  readonly metavar: string
  readonly description: string
  readonly parse: (text: string) => Option.Option<A>
  /** What `parse` takes, as in "… is not a number from 1 to 256". */
  readonly expected: string
  /** As one would write it. */
  readonly default?: string
  /** A place on this machine. In a file it is meant relative to that file. */
  readonly isPath?: boolean
  readonly choices?: ReadonlyArray<string>
  /** Variables of others that say the same, after our own. */
  readonly variables?: ReadonlyArray<string>
  /** What files say in its place, as they hold tokens by reference. */
  readonly inFiles?: SecretKey
  /**
   * Whether a project file that nobody named must not say this: it came with a folder, perhaps from a stranger. It could
   * send tokens elsewhere, have connections read, or write to the end of any file of the user.
   */
  readonly needsTrust?: (text: string) => boolean
  /** It is of a machine or a cluster as a whole: an account's table does not say it, and no run remembers it. */
  readonly isGeneral?: boolean
}

/** What files say by reference only. */
export const secretKeys = ["client-token", "access-token", "database-url", "cluster-token"] as const

export type SecretKey = (typeof secretKeys)[number]

const always = () => true

type Extra = Partial<
  Pick<Setting<unknown>, "default" | "isPath" | "variables" | "inFiles" | "needsTrust" | "isGeneral">
>

const text = (metavar: string, description: string, extra: Extra = {}): Setting<string> => ({
  metavar,
  description,
  parse: (text) => Option.liftPredicate((value: string) => value !== "")(text.trim()),
  expected: "text that is not empty",
  ...extra
})

const path = (description: string, extra: Extra = {}): Setting<string> =>
  text("PATH", description, { isPath: true, ...extra })

/** Wherever else a token went, it would be somebody else's. */
const isElsewhere = (address: string): boolean =>
  !["https://api.mews.com", "https://api.mews-demo.com"].includes(address.trim().replace(/\/$/, ""))

const integer = (min: number, max: number, description: string, extra: Extra = {}): Setting<number> => ({
  metavar: "N",
  description,
  parse: (text) =>
    /^\d+$/.test(text.trim()) ? Option.filter(Option.some(Number(text)), (n) => n >= min && n <= max) : Option.none(),
  expected: `a number from ${min} to ${max}`,
  ...extra
})

const duration = (description: string, extra: Extra = {}): Setting<Duration.Duration> => ({
  metavar: "DURATION",
  description,
  parse: parseDuration,
  expected: "a duration such as 500ms, 2s, 10m, 24h or 7d",
  ...extra
})

/** A host and a port of it. An address of IPv6 stands in brackets. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

const parseHostPort = (text: string): Option.Option<HostPort> => {
  const [, host = "", port] = /^(\[[0-9a-f:.]+\]|[^\s:/@[\]]+):(\d{1,5})$/i.exec(text.trim()) ?? []
  return host === "" || Number(port) > 65_535
    ? Option.none()
    : Option.some({ host: host.replace(/^\[|\]$/g, ""), port: Number(port) })
}

const address = (description: string, extra: Extra = {}): Setting<HostPort> => ({
  metavar: "HOST:PORT",
  description,
  parse: parseHostPort,
  expected: "a host and a port such as 127.0.0.1:8080",
  ...extra
})

/** Of a runner: what makes a port of this machine reachable, or trusts a database, is not for a stranger's file. */
const ofCluster = { isGeneral: true, needsTrust: always }

const oneOf = <const A extends string>(
  choices: ReadonlyArray<A>,
  description: string,
  extra: Extra = {}
): Setting<A> => ({
  metavar: choices.join("|"),
  description,
  parse: (text) => Option.fromUndefinedOr(choices.find((choice) => choice === text.trim())),
  expected: `one of ${choices.join(", ")}`,
  choices,
  ...extra
})

/** Locks are looked after three times in it: a shorter one would be over while a machine is only busy. */
const isLockExpiry = Duration.between({ minimum: Duration.seconds(10), maximum: Duration.minutes(10) })

/** Three seconds of it are for handing over. */
const isTerminationTimeout = Duration.between({ minimum: Duration.seconds(4), maximum: Duration.minutes(10) })

/** In the order in which they are shown. */
const table = {
  to: text("TARGET", "Where to: a folder (./data, file:///srv/data), s3://bucket/prefix, or - for stdout", {
    isPath: true
  }),
  account: text("NAME", "An account of the settings file; a name for the account in journals"),
  "platform-address": text("URL", "The API's address", { default: "https://api.mews.com", needsTrust: isElsewhere }),
  "client-token-file": path("File that holds the client token (else LONGSHORE_CLIENT_TOKEN)", {
    inFiles: "client-token"
  }),
  "access-token-file": path("File that holds the access token (else LONGSHORE_ACCESS_TOKEN)", {
    inFiles: "access-token"
  }),
  "language-code": text("CODE", "Language of the API's texts, such as en-US; with --culture-code"),
  "culture-code": text("CODE", "Culture of the API's texts, such as en-US; with --language-code"),
  endpoint: text("URL", "s3: the address of a server that is not AWS", {
    variables: ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
  }),
  region: text("NAME", "s3: the bucket's region (else AWS_REGION, the profile)"),
  profile: text("NAME", "s3: a profile of ~/.aws (else AWS_PROFILE)"),
  "ca-file": path("Certificates to trust besides the usual ones (PEM)", {
    variables: ["AWS_CA_BUNDLE"],
    needsTrust: always
  }),
  "on-busy": oneOf(
    ["fail", "wait"],
    "When another export of the type is running (default: wait only if it may be this run's own)"
  ),
  "on-expired": oneOf(["fail", "renew"], "When the export failed or its files are gone: fail, or ask for another", {
    default: "fail"
  }),
  "max-age": duration("Export again if this run finished longer ago than this"),
  poll: {
    ...duration("Time between looks (default: quick at first, then up to 5m)"),
    parse: (text: string) => Option.filter(parseDuration(text), (value) => Duration.toMillis(value) >= 100),
    expected: "a duration of 100ms or more, such as 2s or 5m"
  },
  "max-wait": duration("How long to wait for the slot and the export (default: as long as it takes)"),
  concurrency: integer(1, 256, "Parts on their way at once, of all files together", { default: "8" }),
  "part-size": {
    metavar: "SIZE",
    description: "Bytes of one request",
    parse: (text: string) => Option.filter(parseSize(text), (value) => value >= 1024 && value <= 2 ** 30),
    expected: "a size from 1KiB to 1GiB, such as 8MiB",
    default: "8MiB"
  },
  retries: integer(0, 100, "How often a look or a part is tried again (default: 6)"),
  state: path("Folder for journals (default: TARGET/.longshore, else the user's state folder)"),
  progress: oneOf(["auto", "bar", "plain", "json", "none"], "How progress is shown on stderr", { default: "auto" }),
  "log-file": path("Also write what happens, with times, to the end of this file", { needsTrust: always }),
  events: path("Write every event as a line of JSON to the end of this file", { needsTrust: always }),
  "database-url-file": path("cluster: file that holds the database's address (else LONGSHORE_DATABASE_URL)", {
    inFiles: "database-url",
    ...ofCluster
  }),
  "cluster-token-file": path("cluster: file that holds the HTTP front's token (else LONGSHORE_CLUSTER_TOKEN)", {
    inFiles: "cluster-token",
    ...ofCluster
  }),
  server: text("URL", "cluster: where the HTTP front of the runners is", {
    default: "http://127.0.0.1:8080",
    ...ofCluster
  }),
  "plain-http": oneOf(
    ["refuse", "allow"],
    "cluster: whether the token may go to another machine over http:, in a network that you trust",
    { default: "refuse", ...ofCluster }
  ),
  listen: {
    ...address("cluster: where the HTTP front listens; none: nowhere", { default: "127.0.0.1:8080", ...ofCluster }),
    metavar: "HOST:PORT|none",
    parse: (text: string): Option.Option<HostPort | "none"> =>
      text.trim() === "none" ? Option.some("none") : parseHostPort(text),
    expected: "a host and a port such as 127.0.0.1:8080, or none"
  },
  "runner-host": {
    ...text("HOST", "cluster: under which name other runners reach this one", { default: "localhost", ...ofCluster }),
    parse: (text: string) => Option.liftPredicate((host: string) => /^[^\s/@[\]]{1,200}$/.test(host))(text.trim()),
    expected: "a host's name or address"
  },
  "runner-port": integer(1, 65_535, "cluster: at which port other runners reach this one", {
    default: "34431",
    ...ofCluster
  }),
  "runner-listen": address("cluster: where this runner listens for others (default: its own host and port)", ofCluster),
  "lock-expiry": {
    ...duration("cluster: how long a runner that is silent keeps its runs; the same for all runners", {
      default: "35s",
      ...ofCluster
    }),
    parse: (text: string) => Option.filter(parseDuration(text), isLockExpiry),
    expected: "a duration from 10s to 10m, such as 35s"
  },
  "termination-timeout": {
    ...duration("cluster: how soon after a runner is stopped another one goes on", { default: "5s", ...ofCluster }),
    parse: (text: string) => Option.filter(parseDuration(text), isTerminationTimeout),
    expected: "a duration from 4s to 10m, such as 5s"
  },
  "keep-complete": duration("cluster: how long the rows of a complete run are kept", { default: "7d", ...ofCluster }),
  "keep-failed": duration("cluster: how long a run that failed or was cancelled can be resumed", {
    default: "30d",
    ...ofCluster
  })
} as const satisfies Record<string, Setting<any>>

export type Name = keyof typeof table

/** What a setting is once it is read. */
export type Value<N extends Name> = (typeof table)[N] extends {
  readonly parse: (text: string) => Option.Option<infer A>
}
  ? A
  : never

export const names: ReadonlyArray<Name> = Struct.keys(table)

/** What it is called in the environment. */
export const variable = (name: Name): string => `LONGSHORE_${name.toUpperCase().replaceAll("-", "_")}`

/** The variables that are looked at for it, in this order. */
export const variables = (name: Name): ReadonlyArray<string> => {
  const setting: Setting<unknown> = table[name]
  return [variable(name), ...(setting.variables ?? [])]
}

/** A setting's text as it is meant, or `undefined` if it means nothing. */
export const parse = <N extends Name>(name: N, text: string): Value<N> | undefined => {
  const setting: Setting<any> = table[name]
  return Option.getOrUndefined(setting.parse(text))
}

export const about = (name: Name): Setting<unknown> => table[name]

/** What the command line said, as it was written; the kind of text is checked already. */
export type Given = { readonly [N in Name]?: Option.Option<string> }

const flag = (name: Name): Flag.Flag<Option.Option<string>> => {
  const { choices, default: otherwise, description, expected, metavar, parse } = about(name)
  const base =
    choices === undefined
      ? Flag.String(name).pipe(
          Flag.filter(
            (text) => Option.isSome(parse(text)),
            (text) => `"${text}" is not ${expected}`
          )
        )
      : Flag.Literals(name, choices)
  return base.pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(otherwise === undefined ? description : `${description} (default: ${otherwise})`),
    Flag.optional
  )
}

const allFlags = Record.map(table, (_, name) => flag(name))

/** Flags for these settings. */
export const flags = <const N extends Name>(...wanted: ReadonlyArray<N>): Pick<typeof allFlags, N> =>
  Struct.pick(allFlags, wanted)
