/** What the simulator knows: exports, faults, the limiter, and what the witness saw. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { createHmac, createHash } from "node:crypto"
import type { Fault, FaultName } from "../Fault.ts"
import * as Rows from "../Rows.ts"
import type { SimulatorAnswer, SimulatorOptions, WitnessedRequest } from "../Simulator.ts"

export interface SimulatedFile {
  /** The content as it is now. */
  readonly rows: () => Rows.Rows
  readonly etag: () => string
  /** Gives it other content of the same size. */
  readonly change: () => void
}

export interface SimulatedExport {
  readonly id: string
  readonly entityType: string
  readonly token: string
  readonly scope: unknown
  readonly filters: unknown
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly files: ReadonlyArray<SimulatedFile>
  readonly fails: boolean
  expired: boolean
  /** When the links of the last answer were made. */
  linkedAt: number
}

interface ActiveFault extends Fault {
  left: number
}

export interface State {
  readonly options: SimulatorOptions
  /** Milliseconds since 1970, by the simulator's own clock. */
  readonly now: () => number
  readonly profile: "current" | "seed"
  readonly pending: number
  readonly processing: number
  readonly linkTtl: number
  readonly exportTtl: number
  readonly exports: Array<SimulatedExport>
  readonly faults: Array<ActiveFault>
  readonly witnessed: Array<WitnessedRequest>
  readonly calls: Map<string, Array<number>>
  readonly addFault: (fault: Fault) => void
  /** Takes one of a fault's turns, if there is one for any of these targets. */
  readonly fault: (name: FaultName, ...targets: ReadonlyArray<string>) => Fault | undefined
  readonly sign: (text: string) => string
  readonly guid: (text: string) => string
  /** The id of the next request. */
  readonly requestId: () => string
}

export const makeState = (options: SimulatorOptions, now: () => number): State => {
  const seed = options.seed ?? 7
  const faults: Array<ActiveFault> = []
  const addFault = (fault: Fault) => void faults.push({ ...fault, left: fault.count ?? 1 })
  options.faults?.forEach(addFault)
  const guid = (text: string) => {
    const hex = createHash("sha256").update(`${seed}/${text}`).digest("hex")
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  }
  let requests = 0
  return {
    options,
    now,
    profile: options.profile ?? "current",
    pending: Duration.toMillis(options.pending ?? "2 seconds"),
    processing: Duration.toMillis(options.processing ?? "5 seconds"),
    linkTtl: Duration.toMillis(options.linkTtl ?? "10 minutes"),
    exportTtl: Duration.toMillis(options.exportTtl ?? "7 days"),
    exports: [],
    faults,
    witnessed: [],
    calls: new Map(),
    addFault,
    fault: (name, ...targets) => {
      const found = faults.find(
        (fault) =>
          fault.name === name && fault.left > 0 && (fault.target === undefined || targets.includes(fault.target))
      )
      if (found !== undefined) found.left -= 1
      return found
    },
    sign: (text) => createHmac("sha256", `simulator ${seed}`).update(text).digest("base64url"),
    guid,
    requestId: () => guid(`request ${++requests}`)
  }
}

export const makeFiles = ({ options }: State, entityType: string, sequence: number): ReadonlyArray<SimulatedFile> => {
  const { contents, files = 2, fileSize = 1_000_000 } = options
  const sizes =
    contents?.map((bytes) => bytes.length) ?? options.fileSizes ?? Array.from({ length: files }, () => fileSize)
  return sizes.map((size, index) => {
    let revision = 0
    let made: Rows.Rows | undefined
    return {
      rows: () => {
        const given = contents?.[index]
        return (made ??=
          given === undefined || revision > 0
            ? Rows.make({ seed: options.seed ?? 7, entityType, sequence, file: index + 1, revision }, size)
            : Rows.fromBytes(given))
      },
      etag: () => {
        const text = `${options.seed ?? 7}/${entityType}/${sequence}/${index}/${revision}`
        return `"0x8D${createHash("sha256").update(text).digest("hex").slice(0, 13).toUpperCase()}"`
      },
      change: () => {
        revision += 1
        made = undefined
      }
    }
  })
}

export const statusOf = (state: State, found: SimulatedExport, now: number): string => {
  const age = now - found.createdAt
  if (age < state.pending) return "Pending"
  if (age < state.pending + state.processing) return "Processing"
  if (found.fails) return "Failed"
  return found.expired || age >= state.pending + state.processing + state.exportTtl ? "Expired" : "Success"
}

/** Tells tokens apart without telling what they are. */
export const digestOf = (token: string): string => createHash("sha256").update(token).digest("hex").slice(0, 12)

/** An answer, with what the witness notes about its request. */
export const answer = (
  state: State,
  what: Omit<WitnessedRequest, "at" | "receivedAt" | "status" | "bytes"> | undefined,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: (() => Iterable<Uint8Array>) | Uint8Array | string,
  more: Partial<Pick<SimulatorAnswer, "delay" | "ending" | "bandwidth">> = {}
): SimulatorAnswer => {
  const bytes = typeof body === "string" ? Buffer.from(body) : body
  const received = new Date(state.now())
  return {
    status,
    headers: {
      date: received.toUTCString(),
      ...(typeof bytes === "function" ? {} : { "content-length": String(bytes.length) }),
      ...headers
    },
    body: typeof bytes === "function" ? bytes : () => (bytes.length === 0 ? [] : [bytes]),
    delay: Duration.zero,
    bandwidth: Infinity,
    ending: "complete",
    ...more,
    sent: (sent) =>
      what === undefined
        ? Effect.void
        : Effect.sync(() => {
            const at = new Date(state.now()).toISOString()
            state.witnessed.push({ at, receivedAt: received.toISOString(), ...what, status, bytes: sent })
          })
  }
}
