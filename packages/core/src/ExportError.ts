/**
 * Every failure of Longshore. Each says what happened (`message`), whether trying the same again can help
 * (`retryable`), the API's `requestId` where there is one, and what to do next (`nextStep`). All can be encoded, so that
 * they survive a workflow's storage, and none can hold a token or a signed link.
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
 * A parameter is wrong, found before anything was sent.
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
 * `add` was refused. The API answers alike for a wrong parameter and for an export of this type that is already
 * running; parameters were checked before, so the second is more likely.
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
 * `add` was sent and its answer was lost. An export may be running whose id nobody knows: the API cannot list exports.
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
 * A request was refused for its content (400, 404, 413 …).
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
 * 429 that outlasted the retries, or a `Retry-After` longer than anyone should wait inside a run.
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
 * The API did not answer, or answered 408 or 5xx, longer than the retries lasted.
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
 * A 2xx answer that is not what the API documents: no JSON, a missing field, another host's page.
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
 * The export ended without files.
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
 * The files are gone: they are kept for about a week.
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
 * `maxWait` is over. The export goes on at Mews.
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
 * Why one attempt at bytes failed. `LinkRejected`: 403, 404, 410, answered by a new link. `ContentChanged`: 412, or
 * another ETag, size or prefix than planned. `BadRange`: the answer is not the range that was asked for. `Truncated`,
 * `Overlong`: too few or too many bytes. `Corrupt`: not the bytes of its `Content-MD5`. `Encoded`: a content coding in spite of `identity`. `Unavailable`: no
 * connection, 408, 429, 5xx. `Stalled`: no bytes for too long. `Refused`: any other status.
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
 * @since 0.1.0
 * @category errors
 */
export type SourceReason = typeof SourceReason.Type

/**
 * One attempt at bytes of a file failed.
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
 * A file could not be fetched, however often it was tried.
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
 * need a person; `Conflict` means that another writer changed the object; `Corrupt`, that other bytes were stored than were
 * received, and `Unavailable` may pass.
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
 * @since 0.1.0
 * @category errors
 */
export type SinkReason = typeof SinkReason.Type

/**
 * The sink could not store, publish or describe an object.
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
        return "See the cause above, then run the same command again: the parts that are stored are kept."
    }
  }
}

/**
 * The journal cannot be used. `Locked`: another process works on this run. `OtherRequest`, `NewerVersion`, `Broken`:
 * the file is not ours to go on with. `NoSpace`, `Unavailable`: it cannot be read or written.
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
 * What a run can fail with.
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
 * @since 0.1.0
 * @category errors
 */
export type ExportError = typeof ExportError.Type
