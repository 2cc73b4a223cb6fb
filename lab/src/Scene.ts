/** What a world is made of: its names, the calls that are made in it, and what may become of them. */
import type * as ExportRun from "@longshore/core/ExportRun"
import type * as Transfer from "@longshore/core/Transfer"
import type * as Simulator from "@longshore/simulator/Simulator"
import type * as Duration from "effect/Duration"
import type { Dice } from "./Dice.ts"
import type { Process } from "./Machine.ts"

export const tokens = { client: "client-token-0123456789abcdef", access: "access-token-0123456789abcdef" }
export const entityType = "Reservation"
export const target = "/data/target"
export const journalPath = `${target}/.longshore/run.jsonl`

/** A call that has effects, or depends on something outside. */
export interface Call {
  /** From 1, in order. */
  readonly number: number
  /** `disk write`, `http add`, … */
  readonly name: string
  readonly path: string
  readonly pid: number
}

/** What becomes of a call. A `code` is one of errno(3). */
export type Fate =
  | { readonly _tag: "Pass"; readonly delay?: number }
  | { readonly _tag: "Fail"; readonly code: string }
  /** The request arrived, and its answer did not. */
  | { readonly _tag: "Lose" }
  /** The process dies; with `power`, the machine does. `during`: a write gets half done. */
  | { readonly _tag: "Crash"; readonly when: "before" | "during" | "after"; readonly power: boolean }

export const pass: Fate = { _tag: "Pass" }

export interface WorldOptions {
  readonly dice: Dice
  readonly simulator: Simulator.SimulatorOptions
  readonly run: Omit<ExportRun.ExportRunOptions, "request">
  readonly transfer: Transfer.TransferOptions
  readonly rateLimit: { readonly limit: number; readonly window: Duration.Input }
  /** Bytes of the disk. */
  readonly capacity?: () => number
  readonly fate: (call: Call) => Fate
}

export type RunProcess = Process<ExportRun.ExportRunResult, unknown>
