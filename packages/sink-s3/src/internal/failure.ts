/** What the server, the network or the SDK said, and what it means in words. No secret is in any of them. */
import { S3ServiceException } from "@aws-sdk/client-s3"
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
}

const firstLine = (text: string): string => text.split("\n", 1).join("").slice(0, 200)

/** From whatever a call of the SDK was rejected with. */
export const failure = (cause: unknown): S3Failure => {
  if (cause instanceof S3ServiceException) {
    const said = "Region" in cause && typeof cause.Region === "string" ? cause.Region : undefined
    return {
      _tag: "S3Failure",
      code: cause.name,
      status: cause.$metadata.httpStatusCode,
      message: firstLine(cause.message),
      region: said ?? cause.$response?.headers["x-amz-bucket-region"]
    }
  }
  const { message, name } = cause instanceof Error ? cause : new Error(String(cause))
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : name
  return { _tag: "S3Failure", code, status: undefined, message: firstLine(message), region: undefined }
}

const transientCodes = new Set(
  [
    "SlowDown InternalError ServiceUnavailable RequestTimeout OperationAborted Throttling TooManyRequests",
    "ECONNRESET ECONNREFUSED ECONNABORTED EPIPE ETIMEDOUT EAI_AGAIN ENOTFOUND ENETUNREACH EHOSTUNREACH"
  ].flatMap((codes) => codes.split(" "))
)

export const isMissing = ({ code, status }: S3Failure): boolean => status === 404 && code !== "NoSuchBucket"

const untrusted = "the server's certificate is not trusted: name the file of its authority in NODE_EXTRA_CA_CERTS"

const known: Record<string, readonly [SinkReason, string]> = {
  NoSuchBucket: ["InvalidKey", "there is no such bucket: create it, or correct its name or the endpoint"],
  InvalidBucketName: ["InvalidKey", "this cannot be the name of a bucket"],
  AccessDenied: ["PermissionDenied", "the server denies access with these credentials"],
  Forbidden: ["PermissionDenied", "the server denies access with these credentials"],
  InvalidAccessKeyId: ["PermissionDenied", "the server does not know this access key"],
  SignatureDoesNotMatch: ["PermissionDenied", "the secret access key is wrong"],
  ExpiredToken: ["PermissionDenied", "the credentials have expired: renew them (aws sso login, a new session token)"],
  TokenRefreshRequired: ["PermissionDenied", "the credentials have expired: renew them"],
  InvalidToken: ["PermissionDenied", "the session token is not valid"],
  CredentialsProviderError: [
    "PermissionDenied",
    "no credentials were found in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile (AWS_PROFILE, ~/.aws), single sign-on, web identity, or the metadata service of the container or machine"
  ],
  TokenProviderError: ["PermissionDenied", "the single sign-on session has expired: aws sso login"],
  RequestTimeTooSkewed: ["PermissionDenied", "this machine's clock is wrong by more than 15 minutes: set it"],
  DEPTH_ZERO_SELF_SIGNED_CERT: ["PermissionDenied", untrusted],
  SELF_SIGNED_CERT_IN_CHAIN: ["PermissionDenied", untrusted],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["PermissionDenied", untrusted],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["PermissionDenied", untrusted],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "PermissionDenied",
    "the server's certificate is for another name: correct the endpoint"
  ],
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
export const isTransient = ({ code, status }: S3Failure): boolean =>
  known[code]?.[0] === "Unavailable" ||
  known[code]?.[0] === "Corrupt" ||
  transientCodes.has(code) ||
  (known[code] === undefined && (status === 429 || (status !== undefined && status >= 500 && status !== 501)))

const wrongRegion = ({ code, region, status }: S3Failure): string | undefined =>
  ["AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"].includes(code) ||
  status === 301
    ? `the bucket is in another region${region === undefined ? ": choose it with the region option or AWS_REGION" : `: ${region}`}`
    : undefined

const inWords = (found: S3Failure): readonly [SinkReason, string] => {
  const elsewhere = wrongRegion(found)
  if (elsewhere !== undefined) return ["InvalidKey", elsewhere]
  if (found.message === "Region is missing") {
    return ["InvalidKey", "no region is known: choose one with the region option, AWS_REGION or the profile"]
  }
  const [reason, words] = known[found.code] ?? []
  if (reason !== undefined && words !== undefined) return [reason, words]
  if (isTransient(found)) return ["Unavailable", "the server cannot be reached or does not answer in time"]
  if (found.status === 403) return ["PermissionDenied", "the server denies access with these credentials"]
  return ["Unknown", `the server answered "${found.message}"`]
}

/** A `SinkError` about a place in a bucket. */
export const sinkError = (location: string, reason: SinkReason, problem: string): SinkError =>
  new SinkError({ reason, location, problem })

/** The failure of a call as an error of the sink, about a place. */
export const toSinkError = (location: string, found: S3Failure): SinkError => {
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
