/**
 * Why a connection never came about. Whoever opens connections (an HTTP client's agent, a tunnel through a proxy) knows
 * more than the code of the operating system says: which proxy it was, whose certificate. It says so in one of these,
 * as the error or as its `cause`, and Longshore's errors repeat the words.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"

/**
 * Nothing was sent to the host that was meant.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConnectError extends Data.TaggedError("ConnectError")<{
  /** What happened, fit to be shown: no secret is in it. */
  readonly problem: string
  /** It will not pass by itself: a person has to correct something. */
  readonly permanent: boolean
}> {
  override get message(): string {
    return this.problem
  }
}

/** Codes of Node.js, of undici and of resolvers: the connection never came about. */
const notConnected: Record<string, string> = {
  ECONNREFUSED: "nobody listens at that address",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name could not be looked up for now",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no network",
  UND_ERR_CONNECT_TIMEOUT: "the connection took too long",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed; name it with --ca-file to trust it",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate's authority is not trusted; name it with --ca-file",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate's authority is not trusted; name it with --ca-file",
  UNABLE_TO_GET_ISSUER_CERT: "the certificate's authority is not trusted; name it with --ca-file",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate's authority is not trusted; name it with --ca-file",
  CERT_HAS_EXPIRED: "the certificate has expired, or this machine's clock is wrong",
  CERT_NOT_YET_VALID: "the certificate is not valid yet, or this machine's clock is wrong",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another host"
}

const broken: Record<string, string> = {
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  ETIMEDOUT: "the connection timed out",
  UND_ERR_SOCKET: "the connection was cut"
}

/**
 * What a code of Node.js or of undici means, in words.
 *
 * @since 0.1.0
 * @category words
 */
export const describe = (code: string | undefined): string => {
  if (code === undefined) return "the connection was cut or never came about"
  return `${notConnected[code] ?? broken[code] ?? "the connection failed"} (${code.replace(/[^A-Z0-9_]/gi, "")})`
}

/**
 * Whether a code says that the connection never came about, so that nothing was sent.
 *
 * @since 0.1.0
 * @category words
 */
export const isUnconnected = (code: string | undefined): boolean => code !== undefined && code in notConnected

/**
 * What is known about a connection that failed: the words of whoever opened it, or else a code.
 *
 * @since 0.1.0
 * @category words
 */
export const find = (thrown: unknown): ConnectError | string | undefined => {
  let cause = thrown
  let code: string | undefined
  for (let depth = 0; depth < 5 && Predicate.isObject(cause); depth++) {
    if (isConnectError(cause)) return cause
    if (code === undefined && "code" in cause && typeof cause.code === "string") code = cause.code
    if ("errors" in cause && Array.isArray(cause.errors)) cause = cause.errors[0]
    else cause = "cause" in cause ? cause.cause : undefined
  }
  return code
}

// Also one that another copy of this module made.
const isConnectError = (error: unknown): error is ConnectError => Predicate.isTagged(error, "ConnectError")
