/**
 * Every failure of Longshore. Each says what happened (`message`), whether trying the same again can help
 * (`retryable`), the API's `requestId` where there is one, and what to do next (`nextStep`, in the words of the
 * program's command line). All can be encoded, so that they survive a workflow's storage, and none can hold a token or
 * a signed link. All are listed with their texts on the page
 * [errors](https://github.com/longshore/longshore/blob/main/docs/errors.md).
 *
 * @example What to do about some, and say about all
 * ```ts
 * import { ExportRun } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const program = ExportRun.run({ request: { entityType: "Bill" } }).pipe(
 *   Effect.catchTag("AddRejected", () => Effect.logInfo("Another export of bills is running.")),
 *   Effect.tapError((error) => Effect.logError(`${error.message} Next: ${error.nextStep}`)),
 *   Effect.retry({ times: 3, while: (error) => error.retryable })
 * )
 * ```
 *
 * @example Kept in a store, and read again
 * ```ts
 * import { ExportError } from "@longshore/core"
 * import { Schema } from "effect"
 *
 * const json = Schema.fromJsonString(ExportError.ExportError)
 * const kept = Schema.encodeSync(json)(new ExportError.AccessDenied({ operation: "add", status: 401 }))
 * Schema.decodeSync(json)(kept) instanceof ExportError.AccessDenied // => true
 * ```
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { EntityType, ExportId } from "./Export.ts"

const fromApi = {
  operation: Schema.Literals(["add", "getAll"]),
  status: Schema.optionalKey(Schema.Int),
  /** What the API said. It may be localised: never decide on it. */
  apiMessage: Schema.optionalKey(Schema.String),
  requestId: Schema.optionalKey(Schema.String)
}

const said = (apiMessage: string | undefined): string =>
  apiMessage === undefined || apiMessage === "" ? "" : ` It said: "${apiMessage}".`

/**
 * A parameter is wrong, found before anything was sent: by `Exports.validate`, or by `Exports.layer` for the address
 * and the tokens. `parameter` names it as the request does.
 *
 * @example
 * ```ts
 * import { Exports } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const error = await Effect.runPromise(Effect.flip(Exports.validate({ entityType: "LedgerEntry" })))
 * error.parameter // => "filters.ledgerEntryFilters.posting"
 * error.problem // => "LedgerEntry exports need an interval of posting dates"
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", {
  parameter: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.parameter} is not valid: ${this.problem}.`
  }
  readonly retryable = false
  get nextStep(): string {
    return `Correct ${this.parameter} and run the command again; nothing was sent.`
  }
}

/**
 * 401, or 403 on a look-up: the tokens are wrong or expired, or the integration may not use this restricted operation.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const error = new ExportError.AccessDenied({ operation: "add", status: 401 })
 * error.message // => "The API refused the tokens for exports/add (HTTP 401)."
 * error.retryable // => false
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class AccessDenied extends Schema.TaggedError<AccessDenied>()("AccessDenied", fromApi) {
  override get message(): string {
    return `The API refused the tokens for exports/${this.operation} (HTTP ${this.status ?? "?"}).${said(this.apiMessage)}`
  }
  readonly retryable = false
  get nextStep(): string {
    return "Check the client token, the access token and the platform address (demo and production tokens differ), and that Mews has granted the integration access to exports."
  }
}

/**
 * `add` was refused with 400, 403 or 409. The API answers alike for a wrong parameter and for an export of this type
 * that is already Pending or Processing, of which it runs one at a time; parameters were checked before, so the second
 * is more likely. `ExportRun.run` waits for the other one where `onBusy` says so.
 *
 * @example Whoever is busy is left in peace
 * ```ts
 * import { ExportError, Exports } from "@longshore/core"
 * import { Effect, Layer, Option } from "effect"
 *
 * const program = Exports.Exports.use((exports) => exports.add({ entityType: "Bill" })).pipe(
 *   Effect.asSome,
 *   Effect.catchTag("AddRejected", () => Effect.succeedNone)
 * )
 *
 * const busy = Layer.mock(Exports.Exports)({
 *   add: ({ entityType }) => Effect.fail(new ExportError.AddRejected({ operation: "add", status: 400, entityType }))
 * })
 * Option.isNone(await Effect.runPromise(Effect.provide(program, busy))) // => true
 * ```
 *
 * @see https://docs.mews.com/connector-api/operations/exports
 *
 * @since 0.1.0
 * @category errors
 */
export class AddRejected extends Schema.TaggedError<AddRejected>()("AddRejected", {
  ...fromApi,
  entityType: EntityType
}) {
  override get message(): string {
    return `The API refused a new ${this.entityType} export (HTTP ${this.status ?? "?"}).${said(this.apiMessage)} Most likely another ${this.entityType} export of this account is still running: the API runs one of a type at a time.`
  }
  readonly retryable = false
  get nextStep(): string {
    return "Wait for the other export with --on-busy wait, take it up with --export-id if you know its id, or correct the request if a parameter is named above."
  }
}

/**
 * `add` was sent and its answer was lost: the connection broke, or it was 408 or 5xx. An export may be running whose id
 * nobody knows, because the API has no idempotency key and cannot list exports. It blocks its entity type until it
 * ends. Asking again is right, but only a refusal tells whether there is one; `ExportRun.run` does so by itself.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const error = new ExportError.AddOutcomeUnknown({ operation: "add", entityType: "Bill", problem: "no answer in time" })
 * error.retryable // => true
 * error.nextStep // => "Run the same command with --on-busy wait: it asks again once the API accepts a new export."
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class AddOutcomeUnknown extends Schema.TaggedError<AddOutcomeUnknown>()("AddOutcomeUnknown", {
  ...fromApi,
  entityType: EntityType,
  problem: Schema.String
}) {
  override get message(): string {
    return `A ${this.entityType} export was asked for, but the answer was lost (${this.problem}). Known: nothing was delivered. Not known: whether the API accepted it; if so, it runs under an id that cannot be found again and blocks ${this.entityType} until it ends.`
  }
  readonly retryable = true
  get nextStep(): string {
    return "Run the same command with --on-busy wait: it asks again once the API accepts a new export."
  }
}

/**
 * A request was refused for its content: 4xx other than those that have an error of their own (`AccessDenied`,
 * `AddRejected`, `RateLimited`, `ApiUnavailable`).
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const error = new ExportError.RequestRejected({ operation: "add", status: 404 })
 * error.message // => "The API rejected exports/add (HTTP 404)."
 * error.nextStep.startsWith("Check the platform address") // => true
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestRejected extends Schema.TaggedError<RequestRejected>()("RequestRejected", fromApi) {
  override get message(): string {
    return `The API rejected exports/${this.operation} (HTTP ${this.status ?? "?"}).${said(this.apiMessage)}`
  }
  readonly retryable = false
  get nextStep(): string {
    return this.status === 404
      ? "Check the platform address: it is the scheme and host alone, such as https://api.mews.com."
      : "Check the parameters; with --export-id, check that the id belongs to this account."
  }
}

/**
 * 429 that outlasted the retries, or a `Retry-After` longer than anyone should wait inside a run
 * (`Exports.maxRetryAfter`). The API allows 200 requests of an access token in 30 seconds.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const error = new ExportError.RateLimited({ operation: "getAll", status: 429, retryAfter: 420_000 })
 * error.message.endsWith("It asks to wait 420 s.") // => true
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {
  ...fromApi,
  /** Milliseconds, as the API asked. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {
  override get message(): string {
    const wait = this.retryAfter === undefined ? "" : ` It asks to wait ${Math.ceil(this.retryAfter / 1000)} s.`
    return `The API limits the requests of this access token (HTTP 429 on exports/${this.operation}).${wait}`
  }
  readonly retryable = true
  get nextStep(): string {
    return "Run the same command again later; what is done is kept. Other programs with the same access token share the limit."
  }
}

/**
 * The API did not answer, or answered 408 or 5xx (a look-up also: 409), longer than the retries lasted. From `add` it
 * means that nothing was sent.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const problem = "the certificate is self-signed"
 * new ExportError.ApiUnavailable({ operation: "add", problem, sent: false }).retryable // => true
 * // A person has to do something about it.
 * new ExportError.ApiUnavailable({ operation: "add", problem, sent: false, permanent: true }).retryable // => false
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ApiUnavailable extends Schema.TaggedError<ApiUnavailable>()("ApiUnavailable", {
  ...fromApi,
  problem: Schema.String,
  /** Whether the request may have reached the API. */
  sent: Schema.Boolean,
  /** It will not pass by itself: a certificate that is not trusted, a proxy that refuses. */
  permanent: Schema.optionalKey(Schema.Boolean)
}) {
  override get message(): string {
    return `exports/${this.operation} could not be reached: ${this.problem}.${said(this.apiMessage)}`
  }
  get retryable(): boolean {
    return this.permanent !== true
  }
  get nextStep(): string {
    return this.permanent === true
      ? "Correct that, then run the same command again; what is done is kept."
      : "Check the network and the platform address, then run the same command again; what is done is kept."
  }
}

/**
 * An answer that the API does not document: no JSON, a missing field, a redirect, another host's page, a body that
 * repeats a token. After `add` it may have been accepted nevertheless.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const error = new ExportError.UnexpectedResponse({ operation: "add", status: 200, problem: "the body is not JSON" })
 * error.nextStep // => "Check that the platform address is the API's and that no proxy or log-in page answers in its place."
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class UnexpectedResponse extends Schema.TaggedError<UnexpectedResponse>()("UnexpectedResponse", {
  ...fromApi,
  problem: Schema.String
}) {
  override get message(): string {
    return `exports/${this.operation} answered HTTP ${this.status ?? "?"} with something that is not an answer of the Connector API: ${this.problem}.`
  }
  readonly retryable = false
  get nextStep(): string {
    return "Check that the platform address is the API's and that no proxy or log-in page answers in its place."
  }
}

/**
 * The API answered a look-up without this export: the id is wrong, or belongs to another account.
 *
 * @example
 * ```ts
 * import { Export, ExportError } from "@longshore/core"
 *
 * const exportId = Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
 * const error = new ExportError.ExportNotFound({ exportId })
 * error.message // => "The API knows no export 3fa85f64-5717-4562-b3fc-2c963f66afa6 for this account."
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ExportNotFound extends Schema.TaggedError<ExportNotFound>()("ExportNotFound", { exportId: ExportId }) {
  override get message(): string {
    return `The API knows no export ${this.exportId} for this account.`
  }
  readonly retryable = false
  get nextStep(): string {
    return "Check the id and the tokens; to ask for a new export use --on-expired renew."
  }
}

/**
 * Mews could not make the export: its status is `Failed`, and it has no files. Mews advises to create another one;
 * `ExportRun.run` does where `onExpired` is `renew`.
 *
 * @example
 * ```ts
 * import { Export, ExportError } from "@longshore/core"
 *
 * const exportId = Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
 * new ExportError.ExportFailed({ exportId }).nextStep // => "Ask for a new one: the same command with --on-expired renew."
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ExportFailed extends Schema.TaggedError<ExportFailed>()("ExportFailed", { exportId: ExportId }) {
  override get message(): string {
    return `Mews reports that export ${this.exportId} failed; it has no files.`
  }
  readonly retryable = false
  get nextStep(): string {
    return "Ask for a new one: the same command with --on-expired renew."
  }
}

/**
 * The files are gone: Mews keeps them for about a week, until `expiresUtc`. Another export has to be asked for.
 *
 * @example
 * ```ts
 * import { Export, ExportError } from "@longshore/core"
 *
 * const exportId = Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
 * const error = new ExportError.ExportExpired({ exportId })
 * error.message // => "The files of export 3fa85f64-5717-4562-b3fc-2c963f66afa6 have expired."
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ExportExpired extends Schema.TaggedError<ExportExpired>()("ExportExpired", { exportId: ExportId }) {
  override get message(): string {
    return `The files of export ${this.exportId} have expired.`
  }
  readonly retryable = false
  get nextStep(): string {
    return "Ask for a new one: the same command with --on-expired renew."
  }
}

/**
 * `maxWait` of a run is over: it waited for the API to accept an export (`slot`), or for one to be ready (`export`),
 * which goes on at Mews. The same run later goes on waiting.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const error = new ExportError.WaitTimedOut({ waitingFor: "slot", waited: 60_000 })
 * error.message.startsWith("The API accepted no new export within 60 s") // => true
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class WaitTimedOut extends Schema.TaggedError<WaitTimedOut>()("WaitTimedOut", {
  waitingFor: Schema.Literals(["slot", "export"]),
  exportId: Schema.optionalKey(ExportId),
  /** Milliseconds. */
  waited: Schema.Finite
}) {
  override get message(): string {
    const seconds = Math.round(this.waited / 1000)
    return this.waitingFor === "slot"
      ? `The API accepted no new export within ${seconds} s; most likely another one of this type is still running.`
      : `Export ${this.exportId} was not ready within ${seconds} s; it goes on at Mews.`
  }
  readonly retryable = true
  get nextStep(): string {
    return "Run the same command again to go on waiting."
  }
}

/**
 * Why one attempt at bytes failed. `LinkRejected`: 400, 401, 403, 404, 410, answered by a new link. `ContentChanged`:
 * 412, 416, or another ETag, size or prefix than planned. `BadRange`: the answer is not the range that was asked for.
 * `Truncated`, `Overlong`: too few or too many bytes. `Corrupt`: not the bytes of its `Content-MD5`. `Encoded`: a
 * content coding in spite of `identity`. `Unavailable`: no connection, 408, 429, 5xx. `Stalled`: next to no bytes for
 * too long. `Refused`: any other status.
 *
 * @since 0.1.0
 * @category errors
 */
export const SourceReason = Schema.Literals([
  "LinkRejected",
  "ContentChanged",
  "BadRange",
  "Truncated",
  "Overlong",
  "Corrupt",
  "Encoded",
  "Unavailable",
  "Stalled",
  "Refused"
])

/**
 * What {@link SourceReason} decodes to.
 *
 * @since 0.1.0
 * @category errors
 */
export type SourceReason = typeof SourceReason.Type

/**
 * One attempt at bytes of a file failed. `Transfer` tries again what is `retryable`, so a run fails with it only where
 * trying again is no use; a `Source` of one's own fails with nothing else.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const error = new ExportError.SourceError({ reason: "Unavailable", problem: "answered HTTP 503", status: 503 })
 * error.message // => "The file host answered HTTP 503."
 * error.retryable // => true
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class SourceError extends Schema.TaggedError<SourceError>()("SourceError", {
  reason: SourceReason,
  problem: Schema.String,
  status: Schema.optionalKey(Schema.Int),
  /** Milliseconds that the host asked to wait. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {
  override get message(): string {
    return `The file host ${this.problem}.`
  }
  get retryable(): boolean {
    return ["BadRange", "Truncated", "Overlong", "Corrupt", "Unavailable", "Stalled"].includes(this.reason)
  }
  get nextStep(): string {
    return this.retryable
      ? "Run the same command again: the parts that are stored are kept."
      : "Run the same command again; if it fails in the same way, the host behaves in a way that Longshore does not know."
  }
}

/**
 * A part of a file could not be fetched, however often it was tried (`retries` of `Transfer.layer`). `reason` and
 * `problem` are those of the last attempt. Parts that are stored are kept.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const error = new ExportError.TransferFailed({
 *   key: "Bill/3fa85f64-5717-4562-b3fc-2c963f66afa6/Bill-00001.jsonl",
 *   attempts: 7,
 *   reason: "Stalled",
 *   problem: "sent nothing for 30s"
 * })
 * error.message.endsWith("could not be fetched in 7 attempts: the file host sent nothing for 30s.") // => true
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class TransferFailed extends Schema.TaggedError<TransferFailed>()("TransferFailed", {
  key: Schema.String,
  attempts: Schema.Int,
  reason: SourceReason,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.key} could not be fetched in ${this.attempts} attempts: the file host ${this.problem}.`
  }
  readonly retryable = true
  get nextStep(): string {
    return "Run the same command again: the parts that are stored are kept."
  }
}

/**
 * Bytes are not what they should be: sizes, content or checksums disagree. Nothing wrong was published.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const problem = "the API announced 7 bytes, the file host has 8"
 * const error = new ExportError.IntegrityError({ key: "Bill-00001.jsonl", problem })
 * error.message // => `Bill-00001.jsonl is not what was announced: ${problem}. It was not published.`
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class IntegrityError extends Schema.TaggedError<IntegrityError>()("IntegrityError", {
  key: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.key} is not what was announced: ${this.problem}. It was not published.`
  }
  readonly retryable = false
  get nextStep(): string {
    return "Run the same command again; if it stays, report it to Mews with the export's id, or ask for a new export with --fresh."
  }
}

/**
 * What went wrong in a sink. `NoSpace`, `PermissionDenied`, `Closed` (the reader of a pipe is gone) and `NotRewindable`
 * (it cannot take back what it was given) need a person; `InvalidKey` means that the name cannot be one of an object
 * there; `Conflict`, that another writer changed the object; `Corrupt`, that other bytes were stored than were
 * received; `Unavailable` may pass; `Unknown` is the rest. `Corrupt` and `Unavailable` are tried again.
 *
 * @since 0.1.0
 * @category errors
 */
export const SinkReason = Schema.Literals([
  "NoSpace",
  "PermissionDenied",
  "InvalidKey",
  "Conflict",
  "Closed",
  "NotRewindable",
  "Corrupt",
  "Unavailable",
  "Unknown"
])

/**
 * What {@link SinkReason} decodes to.
 *
 * @since 0.1.0
 * @category errors
 */
export type SinkReason = typeof SinkReason.Type

/**
 * The sink could not store, publish or describe an object. A sink of one's own fails with nothing else.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const error = new ExportError.SinkError({
 *   reason: "NoSpace",
 *   location: "file:///srv/data/Bill-00001.jsonl",
 *   problem: "the disk is full"
 * })
 * error.message // => "file:///srv/data/Bill-00001.jsonl: the disk is full."
 * error.nextStep // => "Make room or choose another target, then run the same command again."
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class SinkError extends Schema.TaggedError<SinkError>()("SinkError", {
  reason: SinkReason,
  /** Where, for people: `file:///…`, `s3://…`, `stdout`. */
  location: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.location}: ${this.problem}.`
  }
  get retryable(): boolean {
    return this.reason === "Unavailable" || this.reason === "Corrupt"
  }
  get nextStep(): string {
    switch (this.reason) {
      case "NoSpace":
        return "Make room or choose another target, then run the same command again."
      case "PermissionDenied":
        return "Give this user, or these credentials, the right to write there, or choose another target; then run the same command again."
      case "NotRewindable":
        return "A pipe cannot take back what it was given: run the command again from the start, or deliver into a folder."
      default:
        return "Mend what it says, then run the same command again: what is stored is kept."
    }
  }
}

/**
 * The journal cannot be used. `Locked`: another process works on this run. `OtherRequest`, `NewerVersion`, `Broken`:
 * the file is not ours to go on with. `NoSpace`, `Unavailable`: it cannot be read or written. Where it happens inside a
 * step it is a defect, because no step could say what to do about it; layers of journals fail with it.
 *
 * @example
 * ```ts
 * import { ExportError } from "@longshore/core"
 *
 * const error = new ExportError.JournalError({
 *   reason: "Locked",
 *   location: "./data/.longshore/bills.jsonl",
 *   problem: "process 4711 is working on this run"
 * })
 * error.retryable // => true
 * error.nextStep // => "Let the other process finish, or stop it; then run the same command again."
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class JournalError extends Schema.TaggedError<JournalError>()("JournalError", {
  reason: Schema.Literals(["Locked", "OtherRequest", "NewerVersion", "Broken", "NoSpace", "Unavailable"]),
  location: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `The journal ${this.location} cannot be used: ${this.problem}.`
  }
  get retryable(): boolean {
    return this.reason === "Locked"
  }
  get nextStep(): string {
    switch (this.reason) {
      case "Locked":
        return "Let the other process finish, or stop it; then run the same command again."
      case "OtherRequest":
        return "Choose another --state folder, or move the file away."
      case "NewerVersion":
        return "Use the version of Longshore that wrote it, or a newer one."
      case "Broken":
        return "Move the file away and run the command again; --export-id ID takes up the export that it names, if it names one."
      case "NoSpace":
        return "Make room, or choose another folder with --state, then run the same command again."
      case "Unavailable":
        return "Make the folder readable and writable, or choose another with --state."
    }
  }
}

/**
 * All of them as one Schema, by their tags: what a run can fail with, and what layers of journals can.
 *
 * @since 0.1.0
 * @category errors
 */
export const ExportError = Schema.Union([
  InvalidRequest,
  AccessDenied,
  AddRejected,
  AddOutcomeUnknown,
  RequestRejected,
  RateLimited,
  ApiUnavailable,
  UnexpectedResponse,
  ExportNotFound,
  ExportFailed,
  ExportExpired,
  WaitTimedOut,
  SourceError,
  TransferFailed,
  IntegrityError,
  SinkError,
  JournalError
])

/**
 * What {@link ExportError} decodes to.
 *
 * @since 0.1.0
 * @category errors
 */
export type ExportError = typeof ExportError.Type
