/**
 * The Connector API's exports and the host of their files, as a state machine on Effect's `Clock`, without sockets. The
 * clock is the one of whoever builds the layer: a client may have another. The same seed gives the same answers.
 *
 * What the documentation says is done as it says. Where it is silent the answers are assumptions: the file host behaves
 * as Azure Blob Storage does, and the texts of refusals are ours, not Mews's.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { handleApi } from "./internal/api.ts"
import { handleFile } from "./internal/fileHost.ts"
import { digestOf, type State, makeState, statusOf } from "./internal/state.ts"
import type { Fault } from "./Fault.ts"

/**
 * What the simulated API is like. Without options it is as the documentation has it, with two small files in each export.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatorOptions {
  /**
   * `current` (default), or `seed`, the operations as they were at first: five entity types, no `Scope` and `Filters`,
   * links that do not end.
   */
  readonly profile?: "current" | "seed"
  /** Decides ids, signatures and rows: the same seed gives the same. Default 7. */
  readonly seed?: number
  /** Files of each export. Default 2. */
  readonly files?: number
  /** Bytes of each file. Default a million. */
  readonly fileSize?: number
  /** Bytes of each file, one by one, instead of `files` and `fileSize`. */
  readonly fileSizes?: ReadonlyArray<number>
  /** The files themselves, one by one, instead of rows that are made up. */
  readonly contents?: ReadonlyArray<Uint8Array>
  /** How long an export is `Pending`. Default 2 seconds. */
  readonly pending?: Duration.Input
  /** How long it is `Processing` after that. Default 5 seconds. */
  readonly processing?: Duration.Input
  /** How long a link lives; each look gives new ones. Default 10 minutes. */
  readonly linkTtl?: Duration.Input
  /** How long an export can be fetched before it is `Expired`. Default 7 days. */
  readonly exportTtl?: Duration.Input
  /** Of each access token, sliding. Default 200 in 30 seconds. */
  readonly rateLimit?: { readonly limit: number; readonly window: Duration.Input }
  /** Bytes a second of each connection to the file host. Default: as fast as it goes. */
  readonly bandwidth?: number
  /** How an `add` is refused while one of its type is running. Default 400. */
  readonly conflictStatus?: 400 | 403 | 409
  /** What an unknown export id does to `getAll`. Default `reject`, with 400. */
  readonly unknownId?: "reject" | "omit"
  /** The access tokens that are accepted. Default: any that is not empty. */
  readonly accessTokens?: ReadonlyArray<string>
  /** What goes wrong from the start. Default: nothing. `addFault` adds more. */
  readonly faults?: ReadonlyArray<Fault>
}

/**
 * A request, from wherever it came.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatorRequest {
  readonly method: string
  /** Scheme, host and port that links start with. */
  readonly origin: string
  /** Path and query. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** As text. Empty if there is none. */
  readonly body: string
}

/**
 * An answer, and how it goes out.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatorAnswer {
  /** Of HTTP. */
  readonly status: number
  /** Names in lower case. Without `content-length` the body is sent in chunks. */
  readonly headers: Readonly<Record<string, string>>
  /** The bytes that go out before the `ending`. */
  readonly body: () => Iterable<Uint8Array>
  /** To wait before anything is sent. */
  readonly delay: Duration.Duration
  /** Bytes a second; `Infinity` for no limit. */
  readonly bandwidth: number
  /** What happens after the body: its end, a cut connection, or silence. With `nothing` not even a head is sent. */
  readonly ending: "complete" | "cut" | "stall" | "nothing"
  /** To be called once, with the bytes of the body that went out. */
  readonly sent: (bytes: number) => Effect.Effect<void>
}

/**
 * What the witness saw of one request.
 *
 * @since 0.1.0
 * @category models
 */
export interface WitnessedRequest {
  /** When its answer had ended. ISO 8601. */
  readonly at: string
  /** When it came. ISO 8601. */
  readonly receivedAt: string
  /** An operation of the API, or a GET of a file. */
  readonly kind: "add" | "getAll" | "file"
  /** Whose it is, as {@link accountOf} names it; for a file, whose export that is. `null` where nobody can tell. */
  readonly account: string | null
  /** Where the request says so, or the export is known. */
  readonly entityType: string | null
  /** Of the first one, where it asks about several. */
  readonly exportId: string | null
  /** Which file of the export, from 1. */
  readonly file: number | null
  /** The header, as it was asked for. */
  readonly range: string | null
  /** Of the answer. */
  readonly status: number
  /** Bytes of the answer's body that went out. */
  readonly bytes: number
}

/**
 * An export that was accepted, as it is now.
 *
 * @since 0.1.0
 * @category models
 */
export interface WitnessedExport {
  readonly id: string
  readonly entityType: string
  /** Who asked for it, as {@link accountOf} names it. */
  readonly account: string
  /** When it was accepted. ISO 8601. */
  readonly createdAt: string
  /** `Pending`, `Processing`, `Success`, `Failed`, `Expired`. */
  readonly status: string
  /** What the files hold, to compare what was delivered with. */
  readonly files: ReadonlyArray<{
    /** Bytes. */
    readonly size: number
    /** Another one when the content changed. */
    readonly etag: string
    readonly read: (offset: number, length: number) => Generator<Uint8Array, void, void>
  }>
}

/**
 * The name by which the witness tells accounts apart: twelve hexadecimal digits of a digest of the access token, so that no
 * token stands in what it writes.
 *
 * @example
 * ```ts
 * import { Simulator } from "@longshore/simulator"
 *
 * Simulator.accountOf("token of hotel 1") === Simulator.accountOf("token of hotel 2") // => false
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const accountOf = (accessToken: string): string => digestOf(accessToken)

/**
 * The simulated API and its witness: what a test asks afterwards, and how it makes something go wrong in between. Requests come by
 * `SimulatorHttpClient` or `SimulatorServer`; `handle` is for another way in.
 *
 * @example
 * ```ts
 * import { Simulator } from "@longshore/simulator"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const simulator = yield* Simulator.Simulator
 *   yield* simulator.addFault({ name: "api-500", count: 1 })
 *   const { status } = yield* simulator.handle({
 *     method: "POST",
 *     origin: "https://api.mews.com",
 *     path: "/api/connector/v1/exports/getAll",
 *     headers: { "content-type": "application/json" },
 *     body: "{}"
 *   })
 *   return status
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Simulator.layer())) // => 500
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Simulator extends Context.Service<
  Simulator,
  {
    /** Answers a request. The state of the API moves on when it is asked, not when the answer goes out. */
    readonly handle: (request: SimulatorRequest) => Effect.Effect<SimulatorAnswer>
    /** Every request that was answered, in that order. */
    readonly requests: Effect.Effect<ReadonlyArray<WitnessedRequest>>
    /** Every export that was accepted, in that order. */
    readonly exports: Effect.Effect<ReadonlyArray<WitnessedExport>>
    /** From now on. Several of one name happen one after the other. */
    readonly addFault: (fault: Fault) => Effect.Effect<void>
    /** Ends all faults. */
    readonly clearFaults: Effect.Effect<void>
  }
>()("@longshore/simulator/Simulator") {}

/**
 * A simulated API, new with each layer. Its time is the `Clock` of whoever builds it: under a test's clock an export is ready
 * once the test has moved the clock on.
 *
 * @example A run against an API that loses an answer
 * ```ts
 * import { Exports, ExportRun, HttpSource, Journal, Transfer } from "@longshore/core"
 * import { Simulator, SimulatorHttpClient } from "@longshore/simulator"
 * import { MemorySink } from "@longshore/testkit"
 * import { Effect, Layer, Redacted } from "effect"
 *
 * const tokens = { clientToken: Redacted.make("client"), accessToken: Redacted.make("access") }
 * const live = Transfer.layer().pipe(
 *   Layer.provide(HttpSource.layer),
 *   Layer.merge(MemorySink.layer()),
 *   Layer.merge(Exports.layer({ platformAddress: "https://api.mews.com", ...tokens })),
 *   Layer.merge(Journal.layerMemory),
 *   Layer.provide(SimulatorHttpClient.layer),
 *   Layer.provideMerge(Simulator.layer({ files: 3, pending: 0, processing: 0, faults: [{ name: "reset-file" }] }))
 * )
 *
 * const program = Effect.gen(function* () {
 *   yield* ExportRun.run({ request: { entityType: "Reservation" } })
 *   const requests = yield* Simulator.Simulator.use((simulator) => simulator.requests)
 *   return requests.filter(({ kind }) => kind === "file").length
 * })
 * await Effect.runPromise(Effect.provide(program, live)) // => 4
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: SimulatorOptions = {}): Layer.Layer<Simulator> =>
  Layer.effect(
    Simulator,
    Effect.map(Clock.Clock, (clock) => {
      const state: State = makeState(options, () => clock.currentTimeMillisUnsafe())
      return Simulator.of({
        handle: (request) =>
          Effect.sync(() => {
            const path = request.path.split("?")[0] ?? ""
            return path.startsWith("/files/")
              ? handleFile(state, request, state.now())
              : handleApi(state, request, state.now())
          }),
        requests: Effect.sync(() => [...state.witnessed]),
        exports: Effect.sync(() =>
          state.exports.map((found) => ({
            id: found.id,
            entityType: found.entityType,
            account: digestOf(found.token),
            createdAt: new Date(found.createdAt).toISOString(),
            status: statusOf(state, found, state.now()),
            files: found.files.map(({ etag, rows }) => ({
              etag: etag(),
              size: rows().size,
              read: (offset, length) => rows().read(offset, length)
            }))
          }))
        ),
        addFault: (fault) => Effect.sync(() => state.addFault(fault)),
        clearFaults: Effect.sync(() => {
          state.faults.length = 0
        })
      })
    })
  )
