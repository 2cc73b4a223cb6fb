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
import { type State, makeState, statusOf } from "./internal/state.ts"
import type { Fault } from "./Fault.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface SimulatorOptions {
  /** `current`, or `seed`: five entity types, no `Scope` and `Filters`, links that do not end. */
  readonly profile?: "current" | "seed"
  /** Default 7. */
  readonly seed?: number
  /** Files of each export. Default 2. */
  readonly files?: number
  /** Bytes of each file. Default a million. */
  readonly fileSize?: number
  /** Bytes of each file, one by one, instead of `files` and `fileSize`. */
  readonly fileSizes?: ReadonlyArray<number>
  /** The files themselves, one by one, instead of rows that are made up. */
  readonly contents?: ReadonlyArray<Uint8Array>
  /** Default 2 seconds. */
  readonly pending?: Duration.Input
  /** Default 5 seconds. */
  readonly processing?: Duration.Input
  /** Default 10 minutes. */
  readonly linkTtl?: Duration.Input
  /** Default 7 days. */
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
  readonly faults?: ReadonlyArray<Fault>
}

/**
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
  readonly body: string
}

/**
 * An answer, and how it goes out.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatorAnswer {
  readonly status: number
  /** Names in lower case. Without `content-length` the body is sent in chunks. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: () => Iterable<Uint8Array>
  /** Before anything is sent. */
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
  /** ISO 8601. */
  readonly at: string
  readonly kind: "add" | "getAll" | "file"
  readonly entityType: string | null
  readonly exportId: string | null
  /** From 1. */
  readonly file: number | null
  readonly range: string | null
  readonly status: number
  /** Of the body, as they went out. */
  readonly bytes: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface WitnessedExport {
  readonly id: string
  readonly entityType: string
  readonly status: string
  readonly files: ReadonlyArray<{
    readonly size: number
    /** Another one when the content changed. */
    readonly etag: string
    readonly read: (offset: number, length: number) => Generator<Uint8Array, void, void>
  }>
}

/**
 * @since 0.1.0
 * @category services
 */
export class Simulator extends Context.Service<
  Simulator,
  {
    readonly handle: (request: SimulatorRequest) => Effect.Effect<SimulatorAnswer>
    /** Every request that was answered, in that order. */
    readonly requests: Effect.Effect<ReadonlyArray<WitnessedRequest>>
    /** Every export that was accepted, in that order. */
    readonly exports: Effect.Effect<ReadonlyArray<WitnessedExport>>
    readonly addFault: (fault: Fault) => Effect.Effect<void>
    /** Ends all faults. */
    readonly clearFaults: Effect.Effect<void>
  }
>()("@longshore/simulator/Simulator") {}

/**
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
