/** What `export` would do with these flags. Nothing is sent that changes anything, nothing is written, nothing is locked. */
import type { ExportId, ExportRequest } from "@longshore/core/Export"
import type { InvalidRequest, JournalError } from "@longshore/core/ExportError"
import { Exports } from "@longshore/core/Exports"
import * as Manifest from "@longshore/core/Manifest"
import type * as RunIdentity from "@longshore/core/RunIdentity"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { PlanFlags } from "../commands/plan.ts"
import * as Answer from "../output/Answer.ts"
import type * as ExitCode from "../output/ExitCode.ts"
import { ConfigError } from "../output/Problem.ts"
import * as Progress from "../output/Progress.ts"
import * as Leftovers from "../runs/Leftovers.ts"
import * as Plan from "../runs/Plan.ts"
import * as Network from "../runs/Network.ts"
import * as Room from "../runs/Room.ts"
import * as runExport from "../runs/runExport.ts"
import * as RunFile from "../runs/RunFile.ts"
import * as Runs from "../runs/Runs.ts"
import * as StateLocation from "../runs/StateLocation.ts"
import { isDurable } from "../runs/Target.ts"
import * as Credentials from "../settings/Credentials.ts"
import type { Settings } from "../settings/Settings.ts"
import { check } from "./export.ts"

/** Whether the API was asked about exports that are known, and why not. */
const Api = Schema.Struct({
  looked: Schema.Literals(["answered", "failed", "offline", "noTokens", "nothingToAsk"]),
  problem: Schema.optionalKey(Schema.String)
})

const Type = Schema.Struct({
  entityType: Schema.String,
  request: Schema.Json,
  /** The same in words. */
  asks: Schema.String,
  run: Schema.NullOr(Runs.Json),
  ...Plan.Outlook.fields,
  slot: Plan.Slot
})

/** What `plan --json` prints. */
export const PlanJson = Answer.json({
  platformAddress: Schema.optionalKey(Schema.String),
  /** `null`: there are no tokens, no name and no run to tell. */
  account: Schema.optionalKey(Schema.NullOr(Schema.String)),
  target: Schema.optionalKey(
    Schema.Struct({
      text: Schema.String,
      ...Room.Room.fields,
      /** Bytes, of exports whose size is known. */
      needed: Schema.Finite,
      /** Whether that is all of them. */
      allKnown: Schema.Boolean
    })
  ),
  api: Schema.optionalKey(Api),
  types: Schema.optionalKey(Schema.Array(Type))
})

type Own = Required<Omit<typeof PlanJson.Type, "version" | "ok" | "exitCode" | "error">>

export const handle = Effect.fn("plan")(function* (flags: PlanFlags) {
  yield* Answer.give(flags, make(flags))
})

const make = Effect.fnUntraced(function* (flags: PlanFlags): Effect.fn.Return<Answer.Answer, ExitCode.Failure> {
  // What is printed is no data, so a pipe does not mind.
  const options = yield* check({ ...flags, json: false })
  const { exportId: adopted, requests, settings, target } = options
  yield* runExport.validate(requests)
  yield* Network.prepare(settings)
  const room = yield* Room.of(target)
  const state = yield* StateLocation.resolve(settings.get("state"), target)
  const credentials = yield* credentialsOf(settings)
  const platformAddress = Credentials.normalize(settings.get("platform-address") ?? "")
  if (credentials !== undefined) yield* Credentials.refuseTokens(credentials, settings)
  const here = readable(yield* Runs.into(state, target))
  const account =
    credentials?.account ??
    settings.get("account") ??
    (yield* onlyAccount(here.filter(({ identity }) => identity.platformAddress === platformAddress)))
  // Runs into other targets take the same slot.
  const everywhere = [...new Map([...here, ...readable(yield* Runs.all)].map((run) => [run.path, run])).values()]

  const runOf = Effect.fnUntraced(function* (
    request: ExportRequest
  ): Effect.fn.Return<RunFile.Run | undefined, JournalError> {
    if (account === undefined) return undefined
    const identity: RunIdentity.RunIdentity = {
      platformAddress,
      account,
      target: target.text,
      request,
      ...(adopted === undefined ? {} : { exportId: adopted })
    }
    const { path } = yield* RunFile.current(state, identity, { fresh: flags.fresh, maxAge: settings.get("max-age") })
    const isThere = (yield* RunFile.list(state)).some((file) => file.path === path)
    return isThere ? yield* RunFile.read(path) : undefined
  })
  const types = yield* Effect.forEach(
    requests,
    Effect.fnUntraced(function* (request) {
      const run = yield* runOf(request)
      const holder = run === undefined ? undefined : yield* FileJournal.holder(run.path)
      const waiting = Plan.waiting(everywhere, { account, platformAddress, entityType: request.entityType })
      return { request, run, holder, waiting }
    })
  )

  const keeps = isDurable(target)
  const isOpen = ({ summary }: RunFile.Run) => summary.stage !== "complete" || !keeps
  const runs = types.flatMap(({ run, waiting }) => [...(run !== undefined && isOpen(run) ? [run] : []), ...waiting])
  const ids = [...runs.map(({ summary }) => summary.exportId), adopted].filter((id) => id !== undefined)
  const { api, looked } = flags.offline
    ? { api: { looked: "offline" as const }, looked: undefined }
    : yield* look(options, credentials, [...new Set(ids)])
  const left = yield* Effect.result(
    flags.offline && target._tag === "S3" ? Effect.succeed([]) : Leftovers.find(target, [])
  )
  const millis = yield* Clock.currentTimeMillis
  const outlooks = types.map(({ holder, request, run, waiting }): Own["types"][number] => {
    const stored = run === undefined || left._tag === "Failure" ? 0 : storedOf(run, left.success)
    const renews = settings.get("on-expired") === "renew"
    return {
      entityType: request.entityType,
      request: JSON.parse(JSON.stringify(request)),
      asks: Plan.inWords(request),
      run: run === undefined ? null : Runs.toJson(run),
      ...Plan.outlook({ request, run, holder, adopted, looked, stored, renews, keeps, millis }),
      slot: Plan.slot(waiting, looked)
    }
  })
  const json: Own = {
    platformAddress,
    account: account ?? null,
    target: {
      text: target.text,
      ...room,
      ...(left._tag === "Failure" && room.problem === undefined ? { problem: left.failure.message } : {}),
      needed: outlooks.reduce((sum, { action, bytes }) => sum + (action === "fail" ? 0 : (bytes?.missing ?? 0)), 0),
      allKnown: outlooks.every(({ action, bytes }) => bytes !== undefined && action !== "renew")
    },
    api,
    types: outlooks
  }
  return { json, text: textOf(json) }
})

const readable = (entries: ReadonlyArray<Runs.Entry>) => entries.flatMap((entry) => ("run" in entry ? [entry.run] : []))

/** Nobody is asked for a token: a plan can do without. */
const credentialsOf = Effect.fnUntraced(function* (
  settings: Settings
): Effect.fn.Return<Credentials.Credentials | undefined, ConfigError> {
  const client = yield* Credentials.whereIs(settings, "client")
  const access = yield* Credentials.whereIs(settings, "access")
  return client === undefined || access === undefined ? undefined : yield* Credentials.load(settings)
})

/** Without tokens and name: that of the runs that are there, if it is one. */
const onlyAccount = Effect.fnUntraced(function* (
  runs: ReadonlyArray<RunFile.Run>
): Effect.fn.Return<string | undefined, ConfigError> {
  const [account, ...more] = new Set(runs.map(({ identity }) => identity.account))
  if (more.length === 0) return account
  return yield* new ConfigError({
    problem: "There are no tokens, and runs of several accounts go there.",
    nextStep: "Set the tokens, or name the account with --account."
  })
})

interface Look {
  readonly api: typeof Api.Type
  readonly looked: Plan.Looked
}

/** By `getAll`, which changes nothing. That nobody answers is no error of a plan; an address that is none is. */
const look = Effect.fnUntraced(function* (
  options: runExport.ExportOptions,
  credentials: Credentials.Credentials | undefined,
  ids: ReadonlyArray<ExportId>
): Effect.fn.Return<Look, InvalidRequest> {
  if (credentials === undefined) return { api: { looked: "noTokens" }, looked: undefined }
  if (ids.length === 0) return { api: { looked: "nothingToAsk" }, looked: undefined }
  const silence: Look = { api: { looked: "failed", problem: "It did not answer in 20 s." }, looked: undefined }
  const layer = runExport.api(options, credentials, 1).pipe(Layer.provide(runExport.http(options.settings)))
  // These share one call, unless one of them is an id that the API does not take.
  return yield* Exports.use(({ get }) =>
    Effect.forEach(
      ids,
      (id) =>
        get(id).pipe(
          Effect.catchIf(
            (error) => error._tag === "ExportNotFound" || error._tag === "RequestRejected",
            (error) => Effect.succeed(error)
          ),
          Effect.map((answer) => [id, answer] as const)
        ),
      { concurrency: "unbounded" }
    )
  ).pipe(
    Effect.map((answers): Look => ({ api: { looked: "answered" }, looked: new Map(answers) })),
    Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.succeed(silence) }),
    Effect.provide(layer),
    Effect.catchIf(
      (error) => error._tag !== "InvalidRequest",
      ({ message }) => Effect.succeed<Look>({ api: { looked: "failed", problem: message }, looked: undefined })
    )
  )
})

/** Of several plans of one file one is gone on with. */
const storedOf = (run: RunFile.Run, left: ReadonlyArray<Leftovers.Leftover>): number => {
  const { exportId } = run.summary
  const byKey = new Map<string, number>()
  for (const { key, resumable, size } of left) {
    const isOurs =
      exportId !== undefined && key.startsWith(`${Manifest.folder(run.identity.request.entityType, exportId)}/`)
    if (isOurs && resumable) byKey.set(key, Math.max(size, byKey.get(key) ?? 0))
  }
  return [...byKey.values()].reduce((sum, size) => sum + size, 0)
}

const textOf = ({ account, api, platformAddress, target, types }: Own): string => {
  const blocks = types.map((type) =>
    lines(type.entityType, [
      ["request", type.asks],
      ["run", type.run === null ? "none yet" : `${type.run.id}, ${type.run.stage}`],
      ["would", type.would],
      ["slot", slotInWords(type.slot)]
    ])
  )
  const needed = `${Progress.size(target.needed)} needed${target.allKnown ? "" : ", and what exports will have that are not ready"}`
  const free = target.free === null ? "room not limited, or not told" : `${Progress.size(target.free)} free`
  const writable = {
    true: "can be written, as far as can be told",
    false: "cannot be written",
    null: "only writing tells whether it can be written"
  }
  const isShort = target.free !== null && target.free < target.needed
  return [
    ...blocks,
    lines("in all", [
      ["account", `${account ?? "not known: there are no tokens"} at ${platformAddress}`],
      [
        "target",
        `${target.text}: ${writable[`${target.writable}`]}${target.problem === undefined ? "" : ` (${target.problem})`}`
      ],
      ["room", `${free}, ${needed}${isShort ? ": too little" : ""}`],
      ["API", apiInWords[api.looked] + (api.problem === undefined ? "" : `: ${api.problem}`)]
    ])
  ].join("\n")
}

const lines = (heading: string, rows: ReadonlyArray<readonly [string, string]>): string =>
  [heading, ...rows.map(([name, text]) => `  ${name.padEnd(8)} ${text}`)].join("\n")

const apiInWords: { readonly [L in (typeof Api.Type)["looked"]]: string } = {
  answered: "was looked at",
  failed: "gave no answer, so this is by the journals alone",
  offline: "was not asked (--offline), so this is by the journals alone",
  noTokens: "was not asked, as there are no tokens; this is by the journals alone",
  nothingToAsk: "was not asked: no export of these runs is known"
}

const slotInWords = ({ exports, state }: Plan.Slot): string => {
  const names = exports.map(
    ({ exportId, run, status }) => `export ${exportId}${status === undefined ? "" : ` (${status})`} of the run ${run}`
  )
  switch (state) {
    case "taken":
      return `taken by ${names.join(" and ")}`
    case "perhaps":
      return `perhaps taken${names.length === 0 ? ", by an export whose answer was lost" : `: ${names.join(" and ")} was not ready when last seen`}`
    case "unknown":
      return "not known: the API has no list of exports"
  }
}
