/** The two operations of the API. */
import * as ConnectorApi from "@longshore/core/ConnectorApi"
import { entityTypes } from "@longshore/core/Export"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import type { Fault, FaultName } from "../Fault.ts"
import type { SimulatorAnswer, SimulatorRequest } from "../Simulator.ts"
import { answer, digestOf, makeFiles, type SimulatedExport, type State, statusOf } from "./state.ts"

type Json = Record<string, unknown>

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const day = 86_400_000

/** A refusal on its way out of the checks. */
class Refusal {
  readonly status: number
  readonly message: string
  constructor(status: number, message: string) {
    this.status = status
    this.message = message
  }
}

export const handleApi = (state: State, request: SimulatorRequest, now: number): SimulatorAnswer => {
  const requestId = state.requestId()
  const kind =
    request.path === ConnectorApi.addPath ? "add" : request.path === ConnectorApi.getAllPath ? "getAll" : undefined
  const nothing = { account: null, entityType: null, exportId: null, file: null, range: null }
  /** What the request says of itself, as far as it was read. */
  let what: Parameters<typeof answer>[1] = kind === undefined ? undefined : { kind, ...nothing }
  const headers = { "content-type": "application/json; charset=utf-8", "request-id": requestId }
  const refuse = (status: number, message: string, more: Readonly<Record<string, string>> = {}) =>
    answer(
      state,
      what,
      status,
      { ...headers, ...more },
      JSON.stringify({ Message: message, RequestId: requestId, Details: null })
    )

  if (what === undefined || kind === undefined || request.method !== "POST") return refuse(404, "Not found")
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) return refuse(415, "Unsupported media type")
  if (request.body.length > 1_000_000) return refuse(413, "Request too large")
  let body: unknown
  try {
    body = JSON.parse(request.body)
  } catch {
    return refuse(400, "Invalid JSON")
  }
  if (!Predicate.isObject(body) || Array.isArray(body)) return refuse(400, "Invalid JSON")
  const parameters: Json = { ...body }
  const entityType = typeof parameters["EntityType"] === "string" ? parameters["EntityType"] : null
  const token = parameters["AccessToken"]
  what = { ...what, entityType, account: typeof token === "string" ? digestOf(token) : null }

  const held = state.fault("hold-answer", kind, entityType ?? "")
  if (held !== undefined) {
    const delay = held.duration ?? Duration.hours(1)
    return answer(state, what, 200, headers, "", { delay, ending: "nothing" })
  }
  const injected = injectedAnswer(state, [kind, entityType ?? ""], now)
  if (injected !== undefined) {
    const { status, text, headers: own } = injected
    return text === undefined
      ? refuse(status, `Injected ${status}`, own)
      : answer(state, what, status, { ...headers, ...own }, text)
  }

  const accepted = state.options.accessTokens
  if (
    typeof token !== "string" ||
    token === "" ||
    typeof parameters["ClientToken"] !== "string" ||
    parameters["ClientToken"] === "" ||
    (accepted !== undefined && !accepted.includes(token))
  ) {
    return refuse(401, "Invalid AccessToken")
  }
  const wait = limited(state, token, now)
  if (wait !== undefined) {
    return refuse(429, "Too many requests", { "retry-after": String(Math.ceil(wait / 1000)) })
  }

  try {
    if (typeof parameters["Client"] !== "string" || parameters["Client"] === "")
      throw new Refusal(400, "Invalid Client")
    if (kind === "getAll") {
      const found = getAll(state, parameters, token)
      return answer(
        state,
        { ...what, exportId: found[0]?.id ?? null, entityType: found[0]?.entityType ?? null },
        200,
        headers,
        JSON.stringify({ Exports: found.map((one) => toWire(state, one, request.origin, now)) })
      )
    }
    const made = add(state, parameters, token, now)
    const hold = state.fault("hold-add-answer", made.entityType)
    return answer(
      state,
      { ...what, exportId: made.id },
      200,
      headers,
      JSON.stringify({ Export: toWire(state, made, request.origin, now) }),
      {
        delay: hold === undefined ? Duration.zero : (hold.duration ?? Duration.minutes(1)),
        ending: state.fault("lose-add-answer", made.entityType) === undefined ? "complete" : "nothing"
      }
    )
  } catch (refusal) {
    if (refusal instanceof Refusal) return refuse(refusal.status, refusal.message)
    throw refusal
  }
}

const injectable: ReadonlyArray<{
  readonly name: FaultName
  readonly status: number
  readonly text?: string
  readonly headers?: (now: number, fault: Fault) => Readonly<Record<string, string>>
}> = [
  { name: "api-400", status: 400 },
  { name: "api-401", status: 401 },
  { name: "api-403", status: 403 },
  { name: "api-408", status: 408 },
  { name: "api-409", status: 409 },
  {
    name: "api-429",
    status: 429,
    headers: (_, { duration = Duration.seconds(2) }) => ({ "retry-after": String(Duration.toSeconds(duration)) })
  },
  {
    name: "api-429-date",
    status: 429,
    headers: (now) => ({ "retry-after": new Date(now + 3_000).toUTCString() })
  },
  {
    name: "api-429-html",
    status: 429,
    text: "<html><body>Too many requests</body></html>",
    headers: () => ({ "content-type": "text/html" })
  },
  { name: "api-500", status: 500 },
  {
    name: "api-503-html",
    status: 503,
    text: "<html><body>Service unavailable</body></html>",
    headers: () => ({ "content-type": "text/html" })
  },
  {
    name: "api-not-json",
    status: 200,
    text: "<html><body>Please log in to the hotel's network</body></html>",
    headers: () => ({ "content-type": "text/html" })
  },
  { name: "api-204", status: 204, text: "" },
  { name: "api-empty", status: 200, text: "" },
  { name: "api-truncated", status: 200, text: '{"Export":{"Id":"3fa85f64-5717-4562' },
  { name: "api-wrong-shape", status: 200, text: '{"Export":{"Id":7},"Exports":[{"Id":7}]}' }
]

const injectedAnswer = (state: State, targets: ReadonlyArray<string>, now: number) => {
  for (const { headers, name, status, text } of injectable) {
    const fault = state.fault(name, ...targets)
    if (fault !== undefined) return { status, text, headers: headers?.(now, fault) ?? {} }
  }
  return undefined
}

/** Milliseconds until the next request of this token is welcome; `undefined` if it is now. */
const limited = (state: State, token: string, now: number): number | undefined => {
  const limit = state.options.rateLimit?.limit ?? 200
  const window = Duration.toMillis(state.options.rateLimit?.window ?? "30 seconds")
  const recent = (state.calls.get(token) ?? []).filter((at) => at > now - window)
  state.calls.set(token, recent)
  const oldest = recent[0]
  if (recent.length >= limit && oldest !== undefined) return oldest + window - now
  recent.push(now)
  return undefined
}

const add = (state: State, parameters: Json, token: string, now: number): SimulatedExport => {
  const entityType = parameters["EntityType"]
  const known: ReadonlyArray<string> = state.profile === "seed" ? entityTypes.slice(0, 5) : entityTypes
  if (typeof entityType !== "string" || !known.includes(entityType)) throw new Refusal(400, "Invalid EntityType")
  if (state.profile === "current") checkFilters(parameters, entityType, now)
  const running = state.exports.find(
    (found) =>
      found.token === token &&
      found.entityType === entityType &&
      ["Pending", "Processing"].includes(statusOf(state, found, now))
  )
  if (running !== undefined) {
    throw new Refusal(state.options.conflictStatus ?? 400, `An export of ${entityType} is already being processed`)
  }
  const sequence = state.exports.length + 1
  const made: SimulatedExport = {
    id: state.guid(`export ${sequence}`),
    entityType,
    token,
    scope: parameters["Scope"] ?? null,
    filters: parameters["Filters"] ?? null,
    createdAt: now,
    files: makeFiles(state, entityType, sequence),
    fails: state.fault("fail-export", entityType) !== undefined,
    expired: false,
    linkedAt: now
  }
  state.exports.push(made)
  return made
}

const checkFilters = (parameters: Json, entityType: string, now: number): void => {
  const scope = optional(parameters["Scope"], "Scope")
  for (const name of ["EnterpriseIds", "ChainIds"]) {
    const ids = scope?.[name]
    if (ids !== undefined && ids !== null) checkIds(ids, name)
  }
  const filters = optional(parameters["Filters"], "Filters")
  const updated = optional(filters?.["UpdatedUtc"], "UpdatedUtc")
  if (updated !== undefined) {
    const start = Date.parse(String(updated["StartUtc"]))
    const end = Date.parse(String(updated["EndUtc"]))
    const right = start <= end && end - start <= ConnectorApi.maxUpdatedDays * day
    if (!right || end > now - ConnectorApi.minUpdatedAgeMinutes * 60_000) throw new Refusal(400, "Invalid UpdatedUtc")
  }
  const ledger = optional(filters?.["LedgerEntryFilters"], "LedgerEntryFilters")
  if (entityType === "LedgerEntry" && ledger === undefined) throw new Refusal(400, "Invalid LedgerEntryFilters")
  if (ledger !== undefined) {
    const posting = optional(ledger["Posting"], "Posting")
    const dates = [posting?.["Start"], posting?.["End"]]
    if (!dates.every((date) => typeof date === "string" && /^\d{4}-\d\d-\d\d$/.test(date))) {
      throw new Refusal(400, "Invalid Posting")
    }
  }
}

const optional = (value: unknown, name: string): Json | undefined => {
  if (value === undefined || value === null) return undefined
  if (!Predicate.isObject(value) || Array.isArray(value)) throw new Refusal(400, `Invalid ${name}`)
  return { ...value }
}

const checkIds = (ids: unknown, name: string): ReadonlyArray<string> => {
  if (!Array.isArray(ids) || ids.length < 1 || ids.length > 1000) throw new Refusal(400, `Invalid ${name}`)
  return ids.map((id: unknown) => {
    if (typeof id !== "string" || !guid.test(id)) throw new Refusal(400, `Invalid ${name}`)
    return id.toLowerCase()
  })
}

const getAll = (state: State, parameters: Json, token: string): ReadonlyArray<SimulatedExport> => {
  const ids = checkIds(parameters["ExportIds"], "ExportIds")
  const found = state.exports.filter((one) => one.token === token && ids.includes(one.id))
  if (found.length < new Set(ids).size && state.options.unknownId !== "omit")
    throw new Refusal(400, "Invalid ExportIds")
  return found.filter((one) => state.fault("omit-export", one.entityType) === undefined)
}

/** Instants of the API have no fraction. */
const instant = (millis: number): string => `${new Date(millis).toISOString().slice(0, 19)}Z`

const toWire = (state: State, found: SimulatedExport, origin: string, now: number): Json => {
  const has = (name: FaultName) => state.fault(name, found.entityType) !== undefined
  let status = statusOf(state, found, now)
  if (status === "Success" && has("expire-export")) {
    found.expired = true
    status = "Expired"
  }
  if (status === "Success" && has("status-back")) status = "Processing"
  if (has("unknown-status")) status = "Archiving"
  const finished = found.createdAt + state.pending + state.processing
  const ready = status === "Success"
  let expires = ready || status === "Expired" ? finished + state.exportTtl : undefined
  if (ready && has("no-expiry")) expires = undefined
  if (ready && has("past-expiry")) expires = now - day
  const common = {
    Id: found.id,
    Status: status,
    EntityType: found.entityType,
    Files: ready ? filesOf(state, found, origin, now) : [],
    ExpiresUtc: expires === undefined ? null : instant(expires)
  }
  return state.profile === "seed" ? common : { ...common, Scope: scopeOf(state, found), Filters: filtersOf(found) }
}

const filesOf = (state: State, found: SimulatedExport, origin: string, now: number): ReadonlyArray<Json> => {
  const has = (name: FaultName) => state.fault(name, found.entityType) !== undefined
  if (has("no-files")) return []
  if (!has("same-links")) found.linkedAt = now
  const folder = has("move-files") ? "/files/moved" : "/files"
  const files = found.files.map((file, index) => ({
    Url: link(state, origin, `${folder}/${found.id}-${index + 1}.jsonl`, found.linkedAt),
    SizeInBytes: file.rows().size + (has("wrong-size") ? 1 : 0)
  }))
  if (has("drop-file")) files.pop()
  return has("reorder-files") ? files.reverse() : files
}

/** Answers name the scope also when the request had none. */
const scopeOf = (state: State, found: SimulatedExport): Json => {
  const asked: Json = Predicate.isObject(found.scope) ? { ...found.scope } : {}
  const chains = ["Customer", "Company"].includes(found.entityType)
  return {
    EnterpriseIds: asked["EnterpriseIds"] ?? (chains ? null : [state.guid("enterprise")]),
    ChainIds: asked["ChainIds"] ?? (chains ? [state.guid("chain")] : null)
  }
}

const filtersOf = (found: SimulatedExport): Json | null => {
  if (!Predicate.isObject(found.filters)) return null
  const asked: Json = { ...found.filters }
  return { UpdatedUtc: asked["UpdatedUtc"] ?? null, LedgerEntryFilters: asked["LedgerEntryFilters"] ?? null }
}

const link = (state: State, origin: string, path: string, now: number): string => {
  if (state.profile === "seed") return `${origin}${path}?sig=${state.sign(path)}`
  // Milliseconds, where a real host has seconds: links of a simulated host may live for less than one.
  const se = now + state.linkTtl
  return `${origin}${path}?sv=2024-11-04&sr=b&sp=r&se=${se}&n=${now}&sig=${state.sign(`${path} ${se}`)}`
}
