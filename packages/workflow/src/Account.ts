/**
 * The accounts that runners ask the API for, and the one place in the cluster where each is asked: an entity for each
 * account has its rate limit, the slot of each entity type with its queue, and the look-ups that its runs share.
 *
 * Its messages are not persisted: no link and no request lies in a table, and an account whose runner died is at
 * another one at once.
 *
 * @since 0.1.0
 */
import { EntityType, ExportFilters, ExportId, ExportRequest, ExportScope } from "@longshore/core/Export"
import {
  AccessDenied,
  AddOutcomeUnknown,
  AddRejected,
  ApiUnavailable,
  ExportNotFound,
  InvalidRequest,
  RateLimited,
  RequestRejected,
  UnexpectedResponse
} from "@longshore/core/ExportError"
import { publish } from "@longshore/core/ExportEvent"
import * as Exports from "@longshore/core/Exports"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { ClusterSchema, Entity, type Sharding } from "effect/cluster"
import * as Rpc from "effect/rpc/Rpc"
import { Freshness } from "./ClusterJournal.ts"
import * as Looks from "./internal/looks.ts"
import * as Slots from "./internal/slots.ts"
import type { Lease } from "./Fence.ts"

/**
 * Whom a runner may ask, by name: from its configuration, never from a payload or a table. All runners know the same
 * names.
 *
 * @example
 * ```ts
 * import { Account } from "@longshore/workflow"
 * import { Effect, Layer, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const accounts = Account.layer({
 *   lisbon: {
 *     platformAddress: "https://api.mews.com",
 *     clientToken: Redacted.make(process.env["CLIENT_TOKEN"] ?? ""),
 *     accessToken: Redacted.make(process.env["LISBON_TOKEN"] ?? "")
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Account.Accounts.use(({ platformAddress }) => platformAddress("lisbon"))
 * await Effect.runPromise(Effect.provide(program, accounts)) // => "https://api.mews.com"
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Accounts extends Context.Service<
  Accounts,
  {
    readonly names: ReadonlyArray<string>
    /** Where the account's API is. Fails with `InvalidRequest` if there is no such account. */
    readonly platformAddress: (name: string) => Effect.Effect<string, InvalidRequest>
    /** The API as this account. */
    readonly exports: (name: string) => Layer.Layer<Exports.Exports, InvalidRequest>
  }
>()("@longshore/workflow/Accounts") {}

/**
 * Accounts by name.
 *
 * @example
 * ```ts
 * import { Account } from "@longshore/workflow"
 * import { Layer, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const token = (variable: string) => Redacted.make(process.env[variable] ?? "")
 * const platformAddress = "https://api.mews.com"
 * const clientToken = token("CLIENT_TOKEN")
 *
 * const accounts = Account.layer({
 *   lisbon: { platformAddress, clientToken, accessToken: token("LISBON_TOKEN") },
 *   porto: { platformAddress, clientToken, accessToken: token("PORTO_TOKEN") }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  accounts: Readonly<Record<string, Exports.ExportsOptions>>
): Layer.Layer<Accounts, never, HttpClient.HttpClient> =>
  Layer.effect(
    Accounts,
    Effect.gen(function* () {
      const services = yield* Effect.context<HttpClient.HttpClient>()
      const known = new Map(Object.entries(accounts))
      const find = (name: string) => {
        const options = known.get(name)
        return options === undefined
          ? Effect.fail(
              new InvalidRequest({
                parameter: "account",
                problem: `this runner's configuration has no account "${name}"`
              })
            )
          : Effect.succeed(options)
      }
      return Accounts.of({
        names: [...known.keys()],
        platformAddress: (name) => Effect.map(find(name), (options) => options.platformAddress),
        exports: (name) =>
          Layer.unwrap(Effect.map(find(name), (options) => Exports.layer(options))).pipe(
            Layer.provide(Layer.succeedContext(services))
          )
      })
    })
  )

/** An export with its links, between two runners. */
const Answer = Schema.Struct({
  id: ExportId,
  status: Schema.String,
  entityType: EntityType,
  scope: Schema.UndefinedOr(ExportScope),
  filters: Schema.UndefinedOr(ExportFilters),
  files: Schema.Array(Schema.Struct({ url: Schema.Redacted(Schema.String), sizeInBytes: Schema.Finite })),
  expiresUtc: Schema.UndefinedOr(Schema.DateTimeUtc)
})

const ApiError = [AccessDenied, RequestRejected, RateLimited, ApiUnavailable, UnexpectedResponse] as const

const Look = Rpc.make("Look", {
  payload: { exportId: ExportId, freshness: Schema.Finite },
  success: Answer,
  error: Schema.Union([...ApiError, ExportNotFound, InvalidRequest])
})

/** A place in the queue of a slot, kept by asking again with the same ticket; in the end, its turn. */
const Turn = Rpc.make("Turn", {
  payload: { entityType: EntityType, ticket: Schema.String },
  success: Schema.Struct({ turn: Schema.NullOr(Schema.String), problem: Schema.String }),
  error: InvalidRequest
})

const Add = Rpc.make("Add", {
  payload: { request: ExportRequest, ticket: Schema.String, turn: Schema.String },
  success: Answer,
  error: Schema.Union([...ApiError, AddRejected, AddOutcomeUnknown, InvalidRequest])
})

const AccountEntity = Entity.make("Longshore/Account", [Look, Turn, Add])
  // A span for each look of each run says nothing; the account's own calls have theirs.
  .annotate(ClusterSchema.ClientTracingEnabled, false)

/**
 * The accounts' entities. A runner has it; whoever only submits does not.
 *
 * @example Beside the workflow
 * ```ts
 * import { Account, type ExportTask, ExportWorkflow } from "@longshore/workflow"
 * import { S3Sink } from "@longshore/sink-s3"
 * import { Layer } from "effect"
 *
 * const sink = ({ account }: ExportTask.ExportTask) => S3Sink.layer({ bucket: "exports", prefix: account })
 * const runner = Layer.merge(ExportWorkflow.layer({ sink }), Account.entities)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const entities: Layer.Layer<never, never, Sharding.Sharding | Accounts> = AccountEntity.toLayer(
  Effect.gen(function* () {
    const { entityId: name } = yield* Entity.CurrentAddress
    const accounts = yield* Accounts
    // A wrong account is each caller's to hear of, and no reason for the entity to end.
    const api = yield* Effect.map(Effect.exit(Layer.build(accounts.exports(name))), (exit) =>
      Exit.map(exit, Context.get(Exports.Exports))
    )
    if (Exit.isFailure(api)) {
      const refuse = () => Effect.failCause(api.cause)
      return AccountEntity.of({ Look: refuse, Turn: refuse, Add: refuse })
    }
    const looks = yield* Looks.make(api.value)
    const slots = yield* Slots.make(api.value, looks)
    return AccountEntity.of({
      Look: ({ payload: { exportId, freshness } }) => {
        slots.asked(exportId)
        return Rpc.fork(looks.get(exportId, freshness))
      },
      Turn: ({ payload: { entityType, ticket } }) => Rpc.fork(slots.turn(entityType, ticket)),
      // Between the API's answer and ours nothing may interrupt: the id exists nowhere else.
      Add: ({ payload: { request, ticket, turn } }) =>
        Rpc.wrap({ fork: true, uninterruptible: true })(slots.add(request, ticket, turn))
    })
  }),
  { concurrency: "unbounded", mailboxCapacity: "unbounded", maxIdleTime: "15 minutes" }
)

/** How long an account that nobody answers for is tried. Longer than runners need to take over from a dead one. */
const outage = Schedule.spaced("1 second").pipe(Schedule.upTo({ duration: "2 minutes" }))

/** How long one answer may take: the API's, with all attempts at it. */
const timeout = "3 minutes"

/**
 * How long a run that waits for its turn pauses before it asks for the n-th time again: a second at first, two minutes
 * at most.
 *
 * @example
 * ```ts
 * import { Account } from "@longshore/workflow"
 * import { Duration } from "effect"
 *
 * Duration.toSeconds(Account.turnEvery(3)) // => 8
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const turnEvery = (attempt: number): Duration.Duration =>
  Duration.millis(Math.min(1_000 * 2 ** Math.min(attempt, 10), 120_000))

/**
 * An account's API, wherever in the cluster it is. `ticket` is whoever asks: it has one place in a queue. `isMyTurn` asks
 * for it in time to wait suspended; `add` waits for it in any case.
 *
 * A message that is lost between runners is sent again, but for `add`: there it is an `AddOutcomeUnknown`.
 *
 * @example Inside of a workflow of your own
 * ```ts
 * import { Account, Fence } from "@longshore/workflow"
 * import { Effect } from "effect"
 *
 * const ask = Effect.fn("ask")(function* (executionId: string) {
 *   const fence = yield* Fence.Fence
 *   const lease = yield* fence.take(executionId)
 *   const { exports } = yield* Account.exportsOf({ account: "lisbon", ticket: executionId, lease })
 *   return yield* exports.add({ entityType: "Bill" })
 * }, Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const exportsOf = Effect.fnUntraced(function* (options: {
  readonly account: string
  readonly ticket: string
  readonly lease: Lease
}): Effect.fn.Return<
  {
    readonly exports: Exports.Exports["Service"]
    readonly isMyTurn: (
      entityType: EntityType,
      attempt: number
    ) => Effect.Effect<boolean, InvalidRequest | ApiUnavailable>
  },
  never,
  Sharding.Sharding
> {
  const { account, lease, ticket } = options
  const client = (yield* AccountEntity.client)(account)

  const turnOf = Effect.fnUntraced(function* (entityType: EntityType, attempt: number) {
    const { problem, turn } = yield* delivered(client.Turn({ entityType, ticket })).pipe(
      Effect.catchTag("Undelivered", ({ problem }) =>
        Effect.fail(new ApiUnavailable({ operation: "add", sent: false, problem }))
      )
    )
    if (turn === null) {
      yield* publish({ _tag: "SlotBusy", problem, retryIn: Duration.toMillis(turnEvery(attempt)) })
    }
    return turn
  })

  const get = (exportId: ExportId) =>
    Effect.flatMap(Freshness, (freshness) => delivered(client.Look({ exportId, freshness }))).pipe(
      Effect.catchTags({
        Undelivered: ({ problem }) => Effect.fail(new ApiUnavailable({ operation: "getAll", sent: false, problem })),
        // Each runner has the same accounts, or will have.
        InvalidRequest: ({ message }) =>
          Effect.fail(new ApiUnavailable({ operation: "getAll", sent: false, problem: message }))
      })
    )

  const exports = Exports.Exports.of({
    get,
    getAll: (ids) =>
      Effect.forEach(
        ids,
        (id) =>
          get(id).pipe(
            Effect.map((found) => [found]),
            Effect.catchTag("ExportNotFound", () => Effect.succeed([]))
          ),
        { concurrency: "unbounded" }
      ).pipe(Effect.map((found) => found.flat())),
    add: Effect.fnUntraced(function* (request) {
      const { entityType } = request
      yield* Exports.validate(request)
      for (let attempt = 0; ; attempt++) {
        const turn = yield* Effect.interruptible(turnOf(entityType, attempt))
        if (turn === null) {
          yield* Effect.interruptible(Effect.sleep(turnEvery(attempt)))
          continue
        }
        // The last moment at which a runner that was frozen can be kept from asking for a second export.
        yield* lease.confirm
        const exit = yield* Effect.exit(Effect.timeoutOption(client.Add({ request, ticket, turn }), timeout))
        const lost = (problem: string) => new AddOutcomeUnknown({ operation: "add", entityType, problem })
        if (Exit.isSuccess(exit)) {
          if (exit.value._tag === "Some") return exit.value.value
          return yield* lost("the runner that has the account did not answer in time")
        }
        const error = Exit.findErrorOption(exit)
        if (error._tag === "Some" && isAnswer(error.value)) return yield* error.value
        return yield* lost("the runner that has the account went away before it answered")
      }
    })
  })
  return { exports, isMyTurn: (entityType, attempt) => Effect.map(turnOf(entityType, attempt), Predicate.isNotNull) }
})

/** The cluster's own failures: nobody answered. */
interface Unreached {
  readonly _tag: "MailboxFull" | "AlreadyProcessingMessage" | "PersistenceError" | "EntityNotAssignedToRunner"
}

const isAnswer = <E extends { readonly _tag: string }>(error: E): error is Exclude<E, Unreached> =>
  !["MailboxFull", "AlreadyProcessingMessage", "PersistenceError", "EntityNotAssignedToRunner"].includes(error._tag)

interface Undelivered {
  readonly _tag: "Undelivered"
  readonly problem: string
}

/** Asks again while nobody answers: what is asked changes nothing. */
const delivered = <A, E extends { readonly _tag: string }>(
  message: Effect.Effect<A, E>
): Effect.Effect<A, Exclude<E, Unreached> | Undelivered> => {
  const undelivered: Undelivered = { _tag: "Undelivered", problem: "no runner of the cluster answers for the account" }
  return Effect.exit(Effect.timeoutOption(message, timeout)).pipe(
    Effect.flatMap((exit): Effect.Effect<A, Exclude<E, Unreached> | Undelivered> => {
      if (Exit.isSuccess(exit)) {
        return exit.value._tag === "Some" ? Effect.succeed(exit.value.value) : Effect.fail(undelivered)
      }
      const error = Exit.findErrorOption(exit)
      // A runner that goes away ends what it was asked with an interruption or a defect of its own.
      return Effect.fail(error._tag === "Some" && isAnswer(error.value) ? error.value : undelivered)
    }),
    Effect.retry({ schedule: outage, while: (error) => error._tag === "Undelivered" })
  )
}
