/** What the server, the network or the SDK said, and what it means in words. No secret is in any of them. */
import { S3ServiceException } from "@aws-sdk/client-s3"
import * as ConnectError from "@longshore/core/ConnectError"
import { SinkError, type SinkReason } from "@longshore/core/ExportError"
import * as Effect from "effect/Effect"

export interface S3Failure {
  readonly _tag: "S3Failure"
  /** S3's name of it, or the operating system's. */
  readonly code: string
  readonly status: number | undefined
  readonly message: string
  /** Where the bucket is, if the server said so. */
  readonly region: string | undefined
  /** There was no connection, and it is known why. */
  readonly connect: ConnectError.ConnectError | undefined
}

/** As long as keys, tokens and signatures are, however they are written. No word is. */
const opaque = /[\w.~+/%=-]{40,}/g

/** Fit to be shown: one short line without what it was told in confidence, or what looks like that. */
const quoted = (text: string, secrets: Iterable<string>): string =>
  [...secrets]
    .reduce((clean, secret) => clean.replaceAll(secret, "<redacted>"), text.split("\n", 1).join(""))
    .replace(opaque, "<redacted>")
    .replace(/\p{C}/gu, "")
    .slice(0, 200)

/** A name, of an error or a region: whatever is longer or has other characters is none. */
const named = (text: unknown, secrets: Iterable<string>): string | undefined =>
  typeof text === "string" && /^[\w.:-]{1,60}$/.test(text) && quoted(text, secrets) === text ? text : undefined

/** Of an answer that the SDK could not read. */
const unreadable = (error: Error): number | undefined => {
  const answer = "code" in error || !("$response" in error) ? undefined : error.$response
  return typeof answer === "object" && answer !== null && "statusCode" in answer ? Number(answer.statusCode) : undefined
}

const failed = (code: string, more: Partial<S3Failure> = {}): S3Failure => ({
  _tag: "S3Failure",
  code,
  status: undefined,
  message: "",
  region: undefined,
  connect: undefined,
  ...more
})

/** From whatever a call of the SDK was rejected with. `secrets` are those that the server knows and may repeat. */
export const failure = (cause: unknown, secrets: Iterable<string> = []): S3Failure => {
  if (cause instanceof S3ServiceException) {
    const said = "Region" in cause ? cause.Region : undefined
    return failed(named(cause.name, secrets) ?? "Unknown", {
      status: cause.$metadata.httpStatusCode,
      message: quoted(cause.message, secrets),
      region: named(said ?? cause.$response?.headers["x-amz-bucket-region"], secrets)
    })
  }
  const known = ConnectError.find(cause)
  // It is made to be shown, and names the proxy, or the certificate.
  if (typeof known === "object") return failed(known._tag, { connect: known })
  const error = cause instanceof Error ? cause : new Error(String(cause))
  const status = unreadable(error)
  if (status !== undefined) return failed("NotS3", { status })
  const code = "code" in error ? String(error.code) : error.name
  // A parser quotes what it was given, which may be credentials.
  return failed(code, { message: error instanceof SyntaxError ? "" : quoted(error.message, secrets) })
}

export const noAnswer = failed("ETIMEDOUT")
export const endless = failed("EndlessList")

const transientCodes = new Set(
  [
    "SlowDown InternalError ServiceUnavailable RequestTimeout OperationAborted Throttling TooManyRequests",
    "ECONNRESET ECONNREFUSED ECONNABORTED EPIPE ETIMEDOUT EAI_AGAIN ENOTFOUND ENETUNREACH EHOSTUNREACH"
  ].flatMap((codes) => codes.split(" "))
)

/** Of an object. A HEAD's answer says no more. */
export const isMissing = ({ code, status }: S3Failure): boolean => status === 404 && code !== "NoSuchBucket"
/** Of an upload. A 404 that does not say so may be anybody's. */
export const isGone = ({ code }: S3Failure): boolean => code === "NoSuchUpload" || code === "NoSuchKey"

const expired = "the credentials have expired: renew them (aws sso login, a new session token)"

const known: Record<string, readonly [SinkReason, string]> = {
  NoSuchBucket: ["InvalidKey", "there is no such bucket: create it, or correct its name or the endpoint"],
  InvalidBucketName: ["InvalidKey", "this cannot be the name of a bucket"],
  AccessDenied: ["PermissionDenied", "the server denies access with these credentials"],
  Forbidden: ["PermissionDenied", "the server denies access with these credentials"],
  InvalidAccessKeyId: ["PermissionDenied", "the server does not know this access key"],
  SignatureDoesNotMatch: ["PermissionDenied", "the secret access key is wrong"],
  ExpiredToken: ["PermissionDenied", expired],
  ExpiredTokenException: ["PermissionDenied", expired],
  TokenRefreshRequired: ["PermissionDenied", expired],
  InvalidToken: ["PermissionDenied", "the session token is not valid"],
  CredentialsProviderError: [
    "PermissionDenied",
    "no credentials were found in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile (AWS_PROFILE, ~/.aws), single sign-on, web identity, or the metadata service of the container or machine"
  ],
  TokenProviderError: ["PermissionDenied", "the single sign-on session has expired: aws sso login"],
  RequestTimeTooSkewed: ["PermissionDenied", "this machine's clock is wrong by more than 15 minutes: set it"],
  ERR_INVALID_CHAR: [
    "PermissionDenied",
    "the credentials hold a character that cannot be sent, perhaps a line break that was copied along"
  ],
  EPROTO: ["InvalidKey", "TLS did not come about: perhaps the endpoint is http:// and not https://"],
  HPE_INVALID_CONSTANT: ["InvalidKey", "what answered does not speak HTTP: perhaps the endpoint is https://"],
  EMSGSIZE: ["Unknown", "the server's answer has no end"],
  EndlessList: ["Unknown", "the server's list has no end"],
  QuotaExceeded: ["NoSpace", "the quota is used up"],
  EntityTooLarge: ["NoSpace", "it is larger than the server allows"],
  XMinioStorageFull: ["NoSpace", "the server's disks are full"],
  EntityTooSmall: ["InvalidKey", "a part is smaller than the server allows"],
  KeyTooLongError: ["InvalidKey", "the key is longer than the server allows"],
  NoSuchUpload: ["Conflict", "the upload is gone: a lifecycle rule or somebody else aborted it"],
  NoSuchKey: ["Conflict", "it is gone: somebody else removed it"],
  InvalidPart: ["Conflict", "a part is not what was uploaded: somebody else wrote it"],
  PreconditionFailed: ["Conflict", "another writer was here first"],
  ConditionalRequestConflict: ["Conflict", "another writer is at work"],
  BadDigest: ["Corrupt", "the bytes arrived changed, and were not taken"],
  XAmzContentChecksumMismatch: ["Corrupt", "the bytes arrived changed, and were not taken"],
  XAmzContentSHA256Mismatch: ["Corrupt", "the bytes arrived changed, and were not taken"],
  IncompleteBody: ["Unavailable", "the bytes did not arrive whole, and were not taken"],
  SlowDown: ["Unavailable", "the server asks to slow down"]
}

/** It may pass by itself. The SDK makes a 503 of every error in a 200, so a code that is known counts more. */
export const isTransient = ({ code, connect, status = 0 }: S3Failure): boolean =>
  connect?.permanent === false ||
  known[code]?.[0] === "Unavailable" ||
  known[code]?.[0] === "Corrupt" ||
  transientCodes.has(code) ||
  (known[code] === undefined && (status === 429 || (status >= 500 && status !== 501))) ||
  (code === "NotS3" && status < 300)

const wrongRegion = new Set(
  "AuthorizationHeaderMalformed PermanentRedirect TemporaryRedirect IllegalLocationConstraintException".split(" ")
)

const elsewhere = ({ code, region, status = 0 }: S3Failure): string | undefined => {
  if (wrongRegion.has(code) || (status === 301 && region !== undefined)) {
    return `the bucket is in another region${region === undefined ? ": choose it with the region option or AWS_REGION" : `: ${region}`}`
  }
  return status >= 300 && status < 400
    ? "the server names another address, to which nothing is sent: correct the endpoint or the region"
    : undefined
}

const inWords = (found: S3Failure): readonly [SinkReason, string] => {
  const { code, message, status } = found
  const redirected = elsewhere(found)
  if (redirected !== undefined) return ["InvalidKey", redirected]
  if (message === "Region is missing") {
    return ["InvalidKey", "no region is known: choose one with the region option, AWS_REGION or the profile"]
  }
  const [reason, words] = known[code] ?? []
  if (reason !== undefined && words !== undefined) return [reason, words]
  if (code === "NotS3") {
    const words = "what answered does not speak S3: a proxy before the server, or another program at this endpoint"
    return [isTransient(found) ? "Unavailable" : "Unknown", words]
  }
  if (status === 407) return ["PermissionDenied", "a proxy wants a name and a password, or others: see HTTP_PROXY"]
  if (isTransient(found)) return ["Unavailable", "the server cannot be reached or does not answer in time"]
  if (status === 403) return ["PermissionDenied", "the server denies access with these credentials"]
  if (status === undefined) return ["Unknown", message === "" ? "it failed" : `it failed with "${message}"`]
  // The SDK's word for none.
  if (message === "UnknownError") return ["Unknown", "the server gave no reason"]
  return ["Unknown", `the server answered "${message}"`]
}

/** A `SinkError` about a place in a bucket. */
export const sinkError = (location: string, reason: SinkReason, problem: string): SinkError =>
  new SinkError({ reason, location, problem })

/** The failure of a call as an error of the sink, about a place. */
export const toSinkError = (location: string, found: S3Failure): SinkError => {
  const { connect } = found
  if (connect !== undefined) return sinkError(location, connect.permanent ? "Unknown" : "Unavailable", connect.problem)
  const [reason, words] = inWords(found)
  const status = found.status === undefined ? "" : `, HTTP ${found.status}`
  return sinkError(location, reason, `${words} (${found.code}${status})`)
}

/** Gives failures of calls as errors of the sink, about a place; other errors pass as they are. */
export const about =
  (location: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.catchIf(effect, isFailure<E>, (found) => Effect.fail(toSinkError(location, found)))

const isFailure = <E>(error: E): error is Extract<E, S3Failure> =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "S3Failure"
