/**
 * The API's two operations as a service: credentials, the rate limit, refusals as typed errors, and look-ups of many
 * exports in one `getAll`. By itself it is a client of the operations; `ExportRun` makes a delivery of them.
 *
 * @see https://docs.mews.com/connector-api/operations/exports
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redacted from "effect/Redacted"
import * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"
import * as ConnectorApi from "./ConnectorApi.ts"
import type { Export, ExportFilters, ExportId, ExportRequest } from "./Export.ts"
import {
  type AccessDenied,
  AddOutcomeUnknown,
  AddRejected,
  type ApiUnavailable,
  ExportNotFound,
  InvalidRequest,
  type RateLimited,
  type RequestRejected,
  type UnexpectedResponse
} from "./ExportError.ts"
import { type Answer, type Call, make as makeCall } from "./internal/call.ts"
import { backoff } from "./internal/backoff.ts"
import { span } from "./internal/tracing.ts"

/**
 * Whom to ask, as whom, and how patiently.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExportsOptions {
  /**
   * Scheme and host: `https://api.mews.com`, `https://api.mews-demo.com`. Plain `http:` only to this machine, because
   * tokens travel in bodies.
   */
  readonly platformAddress: string
  /** Of the integration. */
  readonly clientToken: Redacted.Redacted
  /** Of an enterprise or of a portfolio: both operations take either. */
  readonly accessToken: Redacted.Redacted
  /** Name and version of the integration, as Mews asks for it. Default: Longshore's. */
  readonly client?: string
  /** Language of the API's texts, messages of errors included: both codes or none. Default: the API's. */
  readonly locale?: { readonly languageCode: string; readonly cultureCode: string }
  /** Default 100 in 30 seconds, half of what the API allows an access token, as other programs may share it. */
  readonly rateLimit?: { readonly limit: number; readonly window: Duration.Input }
  /**
   * How often a look-up is tried again, with growing pauses and never before `Retry-After`. Default 6: about half a
   * minute. `add` is never sent twice.
   */
  readonly retries?: number
  /** How long one answer may take. Default one minute. */
  readonly timeout?: Duration.Input
}

/**
 * What any operation can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type ApiError = AccessDenied | RequestRejected | RateLimited | ApiUnavailable | UnexpectedResponse

/**
 * The API of one account. All that ask through one service share its rate limit, and after a 429 nobody asks before the
 * API said.
 *
 * @example Ask, and look every five minutes, as Mews advises
 * ```ts
 * import { Exports } from "@longshore/core"
 * import { Effect, Layer, Redacted, Schedule } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const api = Exports.layer({
 *   platformAddress: process.env.LONGSHORE_PLATFORM_ADDRESS ?? "https://api.mews.com",
 *   clientToken: Redacted.make(process.env.LONGSHORE_CLIENT_TOKEN ?? ""),
 *   accessToken: Redacted.make(process.env.LONGSHORE_ACCESS_TOKEN ?? "")
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const exports = yield* Exports.Exports
 *   const { id } = yield* exports.add({ entityType: "Customer" })
 *   return yield* exports.get(id).pipe(
 *     Effect.repeat({
 *       schedule: Schedule.spaced("5 minutes"),
 *       until: ({ status }) => ["Success", "Failed", "Expired"].includes(status)
 *     })
 *   )
 * })
 * const { status } = await Effect.runPromise(Effect.provide(program, api))
 * status // => "Success"
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Exports extends Context.Service<
  Exports,
  {
    /**
     * Asks for a new export: one attempt, never more. The API has no idempotency key, so whoever calls decides whether
     * asking again is right. `ApiUnavailable` here means that nothing was sent; `AddOutcomeUnknown`, that something
     * was. Keep the id before anything else: the API cannot list exports.
     */
    readonly add: (
      request: ExportRequest
    ) => Effect.Effect<Export, InvalidRequest | AddRejected | AddOutcomeUnknown | ApiError>
    /**
     * Looks at exports, in requests of up to 1000 ids. What the API does not know is missing from the result, or, as it
     * may answer 400, fails all of them with `RequestRejected`. Each look makes new links.
     */
    readonly getAll: (ids: ReadonlyArray<ExportId>) => Effect.Effect<ReadonlyArray<Export>, ApiError>
    /**
     * Looks at one export. Look-ups within 20 milliseconds share one `getAll`, and one id that the API refuses does not
     * fail the others. Fails with `ExportNotFound` if the answer does not have it.
     */
    readonly get: (id: ExportId) => Effect.Effect<Export, ApiError | ExportNotFound>
  }
>()("@longshore/core/Exports") {}

class Get extends Request.Class<{ readonly id: ExportId }, Export, ApiError | ExportNotFound> {}

/**
 * The API over an `HttpClient`. Redirects are not followed, whatever the client does otherwise: a token must not go
 * elsewhere. Fails with `InvalidRequest` if the address is none, or a token is empty.
 *
 * @example
 * ```ts
 * import { Exports } from "@longshore/core"
 * import { Effect, Layer, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const api = Exports.layer({
 *   platformAddress: "http://api.mews.com",
 *   clientToken: Redacted.make("…"),
 *   accessToken: Redacted.make("…")
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const error = await Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(api))))
 * error.problem // => "tokens are not sent over plain http: to another machine; use https:"
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: ExportsOptions): Layer.Layer<Exports, InvalidRequest, HttpClient.HttpClient> =>
  Layer.effect(Exports, make(options)).pipe(
    Layer.provide(RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory)))
  )

/**
 * The options of {@link layerConfig}: where the address and the tokens are read. All others are as they are.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExportsConfig extends Omit<ExportsOptions, "platformAddress" | "clientToken" | "accessToken"> {
  /** Default `LONGSHORE_PLATFORM_ADDRESS`, and `https://api.mews.com` if that is not set. */
  readonly platformAddress?: Config.Config<string>
  /** Default `LONGSHORE_CLIENT_TOKEN`. */
  readonly clientToken?: Config.Config<Redacted.Redacted>
  /** Default `LONGSHORE_ACCESS_TOKEN`. */
  readonly accessToken?: Config.Config<Redacted.Redacted>
}

/**
 * The same with address and tokens from the `ConfigProvider`, which reads the environment unless told otherwise. The names
 * are those that the program `longshore` knows. Fails with a `ConfigError` if one is missing.
 *
 * @example The environment's account, and one of another variable
 * ```ts
 * import { Exports } from "@longshore/core"
 * import { Config } from "effect"
 *
 * const exports = Exports.layerConfig()
 * const ofLisbon = Exports.layerConfig({ accessToken: Config.Redacted("LISBON_ACCESS_TOKEN"), client: "Nightly 1.0" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = ({
  accessToken = Config.Redacted("LONGSHORE_ACCESS_TOKEN"),
  clientToken = Config.Redacted("LONGSHORE_CLIENT_TOKEN"),
  platformAddress = Config.withDefault(Config.String("LONGSHORE_PLATFORM_ADDRESS"), "https://api.mews.com"),
  ...options
}: ExportsConfig = {}): Layer.Layer<Exports, Config.ConfigError | InvalidRequest, HttpClient.HttpClient> =>
  Layer.unwrap(
    Effect.map(Config.all({ platformAddress, clientToken, accessToken }), (account) =>
      layer({ ...options, ...account })
    )
  )

const make = Effect.fnUntraced(function* (options: ExportsOptions) {
  const call = yield* makeCall(options)

  const getAll = Effect.fnUntraced(function* (ids: ReadonlyArray<ExportId>) {
    const found: Array<Export> = []
    for (let from = 0; from < ids.length; from += ConnectorApi.maxExportIds) {
      const answer = yield* retrying(
        call({
          operation: "getAll",
          path: ConnectorApi.getAllPath,
          body: { ExportIds: ids.slice(from, from + ConnectorApi.maxExportIds) },
          response: ConnectorApi.GetAllResponse
        }),
        options.retries ?? 6
      )
      found.push(...answer.Exports.map(fromWire))
    }
    return found
  })

  const resolver = RequestResolver.make<Get>(
    Effect.fnUntraced(function* (entries) {
      const ids = [...new Set(entries.map((entry) => entry.request.id))]
      const together = yield* Effect.exit(getAll(ids))
      for (const entry of entries) {
        const { id } = entry.request
        // One id that the API does not take must not fail the others.
        const exit = ids.length > 1 && isRejected(together) ? yield* Effect.exit(getAll([id])) : together
        if (Exit.isFailure(exit)) entry.completeUnsafe(Exit.failCause(exit.cause))
        else {
          // Order and completeness of the answer are not promised: match by id.
          const found = exit.value.find((candidate) => candidate.id === id)
          entry.completeUnsafe(
            found === undefined ? Exit.fail(new ExportNotFound({ exportId: id })) : Exit.succeed(found)
          )
        }
      }
    })
  ).pipe(RequestResolver.setDelay("20 millis"), RequestResolver.batchN(ConnectorApi.maxExportIds))

  return Exports.of({
    add: Effect.fnUntraced(function* (request: ExportRequest) {
      yield* validate(request)
      return yield* addOnce(call, request)
    }),
    getAll,
    get: (id) => Effect.request(new Get({ id }), resolver)
  })
})

const isRejected = <A>(exit: Exit.Exit<A, ApiError>): boolean => {
  const error = Exit.findErrorOption(exit)
  return Option.isSome(error) && error.value._tag === "RequestRejected"
}

const answered = "http.response.status_code"

const addOnce = (
  call: Call,
  request: ExportRequest
): Effect.Effect<Export, AddRejected | AddOutcomeUnknown | ApiError> => {
  const { entityType } = request
  return call({
    operation: "add",
    path: ConnectorApi.addPath,
    body: { EntityType: entityType, ...toWire(request) },
    response: ConnectorApi.AddResponse
  }).pipe(
    Effect.tap(() => Effect.annotateCurrentSpan(answered, 200)),
    Effect.tapError(({ requestId, status }) =>
      Effect.annotateCurrentSpan({
        ...(status === undefined ? {} : { [answered]: status }),
        ...(requestId === undefined ? {} : { "longshore.request_id": requestId })
      })
    ),
    Effect.map((answer) => fromWire(answer.Export)),
    Effect.mapError((error) => {
      const { apiMessage, requestId, status } = error
      const api = {
        operation: "add" as const,
        entityType,
        ...(status === undefined ? {} : { status }),
        ...(apiMessage === undefined ? {} : { apiMessage }),
        ...(requestId === undefined ? {} : { requestId })
      }
      // A refusal of `add` may be a wrong parameter or a running export, under more than one status: 400 says the page
      // on data export, 403 the one on business rules, 409 the general one. The text decides nothing, it is localised.
      if (error._tag === "RequestRejected" && status !== undefined && [400, 403, 409].includes(status)) {
        return new AddRejected(api)
      }
      return error._tag === "ApiUnavailable" && error.sent
        ? new AddOutcomeUnknown({ ...api, problem: error.problem })
        : error
    }),
    span("longshore.add", { kind: "client", attributes: { "http.request.method": "POST" } })
  )
}

/** Look-ups change nothing, so they may be repeated; after 429 not before the API says so. */
const retrying = <A>(look: Effect.Effect<A, ApiError>, retries: number): Effect.Effect<A, ApiError> =>
  Effect.retry(look, {
    schedule: backoff,
    times: retries,
    while: (error) => error.retryable && !("retryAfter" in error && (error.retryAfter ?? 0) > maxRetryAfter)
  })

/**
 * The longest `Retry-After`, in milliseconds, that is waited for inside a run: five minutes. It holds for the API and
 * for file hosts. What asks for more fails with `RateLimited` or `TransferFailed`, and is for a later run.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxRetryAfter = Duration.toMillis("5 minutes")

const minute = 60_000
const day = 24 * 60 * minute
const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const invalid = (parameter: string, problem: string) => Effect.fail(new InvalidRequest({ parameter, problem }))

/**
 * The rules that the API documents, checked without it: `UpdatedUtc` at most 180 days long and ending at least five
 * minutes ago, 1 to 1000 ids, posting dates for ledger entries. `Exports.add` does it by itself; call it to say what is
 * wrong before anything begins. Fails with `InvalidRequest`.
 *
 * @example
 * ```ts
 * import { Exports } from "@longshore/core"
 * import { DateTime, Effect } from "effect"
 *
 * const year = { startUtc: DateTime.makeUnsafe("2025-01-01"), endUtc: DateTime.makeUnsafe("2026-01-01") }
 * const error = await Exports.validate({ entityType: "Bill", filters: { updatedUtc: year } }).pipe(
 *   Effect.flip,
 *   Effect.runPromise
 * )
 * error.problem // => "it is longer than 180 days; split it into several exports"
 * ```
 *
 * @see https://docs.mews.com/connector-api/operations/exports
 *
 * @since 0.1.0
 * @category validation
 */
export const validate = Effect.fnUntraced(function* (request: ExportRequest): Effect.fn.Return<void, InvalidRequest> {
  for (const [name, ids] of Object.entries(request.scope ?? {})) {
    if (ids.length < 1 || ids.length > 1000) return yield* invalid(`scope.${name}`, "the API takes 1 to 1000 ids")
    const wrong = ids.find((id) => !guid.test(id))
    if (wrong !== undefined) return yield* invalid(`scope.${name}`, `"${wrong}" is not a GUID`)
  }
  const { updatedUtc, ledgerEntryFilters } = request.filters ?? {}
  if (updatedUtc !== undefined) {
    const start = DateTime.toEpochMillis(updatedUtc.startUtc)
    const end = DateTime.toEpochMillis(updatedUtc.endUtc)
    const now = yield* Clock.currentTimeMillis
    if (start > end) return yield* invalid("filters.updatedUtc", "it ends before it starts")
    if (end - start > ConnectorApi.maxUpdatedDays * day) {
      return yield* invalid("filters.updatedUtc", "it is longer than 180 days; split it into several exports")
    }
    if (end > now - ConnectorApi.minUpdatedAgeMinutes * minute) {
      return yield* invalid("filters.updatedUtc", "it must end at least 5 minutes ago")
    }
  }
  if (ledgerEntryFilters === undefined) {
    if (request.entityType === "LedgerEntry") {
      return yield* invalid(
        "filters.ledgerEntryFilters.posting",
        "LedgerEntry exports need an interval of posting dates"
      )
    }
  } else {
    const { start, end } = ledgerEntryFilters.posting
    for (const [name, date] of [
      ["start", start],
      ["end", end]
    ] as const) {
      if (!isDate(date)) {
        return yield* invalid(
          `filters.ledgerEntryFilters.posting.${name}`,
          `"${date}" is not a date such as 2026-05-31`
        )
      }
    }
    if (start > end) return yield* invalid("filters.ledgerEntryFilters.posting", "it ends before it starts")
  }
})

const isDate = (text: string): boolean => {
  const parsed = new Date(`${text}T00:00:00Z`)
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text)
}

const toWire = (request: ExportRequest) => ({
  ...(request.scope === undefined
    ? {}
    : {
        Scope: {
          ...(request.scope.enterpriseIds === undefined ? {} : { EnterpriseIds: request.scope.enterpriseIds }),
          ...(request.scope.chainIds === undefined ? {} : { ChainIds: request.scope.chainIds })
        }
      }),
  ...(request.filters === undefined ? {} : { Filters: filtersToWire(request.filters) })
})

const instant = (utc: DateTime.Utc): string => DateTime.formatIso(utc).replace(/\.000Z$/, "Z")

const filtersToWire = ({ ledgerEntryFilters, updatedUtc }: ExportFilters) => ({
  ...(updatedUtc === undefined
    ? {}
    : { UpdatedUtc: { StartUtc: instant(updatedUtc.startUtc), EndUtc: instant(updatedUtc.endUtc) } }),
  ...(ledgerEntryFilters === undefined
    ? {}
    : {
        LedgerEntryFilters: {
          Posting: { Start: ledgerEntryFilters.posting.start, End: ledgerEntryFilters.posting.end }
        }
      })
})

const fromWire = (wire: Answer<typeof ConnectorApi.Export>): Export => ({
  id: wire.Id,
  status: wire.Status,
  entityType: wire.EntityType,
  scope:
    wire.Scope === undefined || wire.Scope === null
      ? undefined
      : {
          ...(wire.Scope.EnterpriseIds ? { enterpriseIds: wire.Scope.EnterpriseIds } : {}),
          ...(wire.Scope.ChainIds ? { chainIds: wire.Scope.ChainIds } : {})
        },
  filters:
    wire.Filters === undefined || wire.Filters === null
      ? undefined
      : {
          ...(wire.Filters.UpdatedUtc ? { updatedUtc: wire.Filters.UpdatedUtc } : {}),
          ...(wire.Filters.LedgerEntryFilters
            ? { ledgerEntryFilters: { posting: wire.Filters.LedgerEntryFilters.Posting } }
            : {})
        },
  files: (wire.Files ?? []).map((file) => ({ url: Redacted.make(file.Url), sizeInBytes: file.SizeInBytes })),
  expiresUtc: wire.ExpiresUtc ?? undefined
})
