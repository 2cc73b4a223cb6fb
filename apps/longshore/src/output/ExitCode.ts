/** How the program ends: the one table from failures to exit codes. Scripts depend on it. */
import type { ExportError } from "@longshore/core/ExportError"
import type { ClusterUnavailable, Unauthorized } from "@longshore/workflow/ClusterApi"
import type { RunNotFound } from "@longshore/workflow/RunStatus"
import type { ConfigError, UsageError } from "./Problem.ts"

/** What goes wrong between this program and a cluster. */
type ClusterFailure = ClusterUnavailable | RunNotFound | Unauthorized

export type Failure = ExportError | UsageError | ConfigError | ClusterFailure

export const ok = 0
export const error = 1
export const usage = 2
export const config = 3
export const rejected = 4
export const temporary = 5
export const noFiles = 6
const partial = 7
export const integrity = 8
export const sink = 9
export const timedOut = 10
export const locked = 11

const byTag: { readonly [Tag in Exclude<Failure["_tag"], "ApiUnavailable" | "JournalError" | "SinkError">]: number } = {
  UnexpectedResponse: error,
  RequestRejected: error,
  InvalidRequest: usage,
  UsageError: usage,
  ConfigError: config,
  AccessDenied: config,
  Unauthorized: config,
  AddRejected: rejected,
  RateLimited: temporary,
  AddOutcomeUnknown: temporary,
  ClusterUnavailable: temporary,
  TransferFailed: temporary,
  SourceError: temporary,
  ExportFailed: noFiles,
  ExportExpired: noFiles,
  ExportNotFound: noFiles,
  RunNotFound: noFiles,
  IntegrityError: integrity,
  WaitTimedOut: timedOut
}

export const of = (failure: Failure): number => {
  switch (failure._tag) {
    case "JournalError":
      return failure.reason === "Locked" ? locked : failure.reason === "NoSpace" ? sink : error
    case "SinkError":
      // The reader of the pipe has what it wanted (`| head`): that is how pipes end, not a failure.
      return failure.reason === "Closed" ? ok : failure.reason === "Corrupt" ? integrity : sink
    case "ApiUnavailable":
      return failure.permanent === true ? config : temporary
    default:
      return byTag[failure._tag]
  }
}

/** The exit code of a failure of which only the tag is known: a run's on another machine. */
export const ofTag = (tag: string): number => {
  const codes: { readonly [tag: string]: number } = { ...byTag, ApiUnavailable: temporary, SinkError: sink }
  return codes[tag] ?? error
}

/** Whether a tag is one of a failure that is expected. */
export const isKnown = (tag: string): boolean =>
  Object.hasOwn(byTag, tag) || ["ApiUnavailable", "JournalError", "SinkError"].includes(tag)

/** From what most needs a person to what passes by itself. */
const bySeverity = [integrity, sink, config, usage, error, noFiles, rejected, locked, timedOut, temporary]

/** The exit code of several runs: all, some (7) or none of them delivered; then the most severe speaks. */
export const ofAll = (codes: ReadonlyArray<number>): number => {
  const failed = codes.filter((code) => code !== ok)
  if (failed.length === 0) return ok
  return failed.length < codes.length ? partial : (bySeverity.find((code) => failed.includes(code)) ?? error)
}

/** 128 and the signal's number, as shells say it. */
export const signals = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const

export type Signal = keyof typeof signals
