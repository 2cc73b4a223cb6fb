/**
 * Why a connection never came about. Whoever opens connections (an HTTP client's agent, a tunnel through a proxy) knows
 * more than the code of the operating system says: which proxy it was, whose certificate. It says so in one of these,
 * as the error or as its `cause`, and Longshore's errors repeat the words.
 *
 * Use it when you write an agent or a `Source` of your own. Whoever only runs exports meets its words in
 * `ApiUnavailable` and `SourceError`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"

/**
 * Nothing was sent to the host that was meant. Give it to the client as the error of the connection, or as its `cause`.
 *
 * @example
 * ```ts
 * import { ConnectError } from "@longshore/core"
 *
 * const refused = new ConnectError.ConnectError({ problem: "the proxy wants a password", permanent: true })
 * // As a client wraps it.
 * ConnectError.find(new Error("fetch failed", { cause: refused })) === refused // => true
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ConnectError extends Data.TaggedError("ConnectError")<{
  /** What happened, fit to be shown: no secret is in it. */
  readonly problem: string
  /** Whether it will not pass by itself: a person has to correct something. Such an error is not tried again. */
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
 * What a code of Node.js, of undici or of a resolver means, in words that fit into an error. A code that is not known
 * is named; without one, the connection was cut or never came about.
 *
 * @example
 * ```ts
 * import { ConnectError } from "@longshore/core"
 *
 * ConnectError.describe("ECONNREFUSED") // => "nobody listens at that address (ECONNREFUSED)"
 * ConnectError.describe("EPROTO") // => "the connection failed (EPROTO)"
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const describe = (code: string | undefined): string => {
  if (code === undefined) return "the connection was cut or never came about"
  return `${notConnected[code] ?? broken[code] ?? "the connection failed"} (${code.replace(/[^A-Z0-9_]/gi, "")})`
}

/**
 * Whether a code says that the connection never came about, so that nothing was sent. It decides whether `add` may be
 * sent again: after a code that says less, the API may have accepted an export.
 *
 * @example
 * ```ts
 * import { ConnectError } from "@longshore/core"
 *
 * ConnectError.isUnconnected("ENOTFOUND") // => true
 * ConnectError.isUnconnected("ECONNRESET") // => false
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const isUnconnected = (code: string | undefined): boolean => code !== undefined && code in notConnected

/**
 * What is known about a connection that failed, in the error or in the causes below it (five at most): a
 * {@link ConnectError} of whoever opened it, or else the first code. `undefined` if there is neither.
 *
 * @example
 * ```ts
 * import { ConnectError } from "@longshore/core"
 *
 * const cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED" })
 * ConnectError.find(new Error("fetch failed", { cause })) // => "ECONNREFUSED"
 * ```
 *
 * @since 0.1.0
 * @category reading
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
