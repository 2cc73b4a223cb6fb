/** What the API and the file host have in common on the wire. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as Predicate from "effect/Predicate"

/**
 * `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3). Missing, unreadable or in the past:
 * `undefined`.
 */
export const retryAfter = Effect.fnUntraced(function* (header: string | undefined) {
  if (header === undefined) return undefined
  const text = header.trim()
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000
  const at = /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN
  const after = at - (yield* Clock.currentTimeMillis)
  return after > 0 ? after : undefined
})

/** Codes of Node.js, of undici and of resolvers: the connection never came about. */
const notConnected: Record<string, string> = {
  ECONNREFUSED: "nobody listens at that address",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name could not be looked up for now",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no network",
  UND_ERR_CONNECT_TIMEOUT: "the connection took too long",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed; trust its authority with NODE_EXTRA_CA_CERTS",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate's authority is not trusted; name it with NODE_EXTRA_CA_CERTS",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate's authority is not trusted; name it with NODE_EXTRA_CA_CERTS",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate's authority is not trusted; name it with NODE_EXTRA_CA_CERTS",
  CERT_HAS_EXPIRED: "the certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another host"
}

const broken: Record<string, string> = {
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  ETIMEDOUT: "the connection timed out",
  UND_ERR_SOCKET: "the connection was cut"
}

const code = (error: HttpClientError.HttpClientError): string | undefined => {
  let cause: unknown = "cause" in error.reason ? error.reason.cause : undefined
  for (let depth = 0; depth < 5 && Predicate.isObject(cause); depth++) {
    if ("code" in cause && typeof cause.code === "string") return cause.code
    if ("errors" in cause && Array.isArray(cause.errors)) cause = cause.errors[0]
    else cause = "cause" in cause ? cause.cause : undefined
  }
  return undefined
}

/** The error itself holds the request, tokens and link included: only its code goes on. */
export const transportProblem = (error: HttpClientError.HttpClientError): string => problemOf(code(error))

/** What a code of Node.js or of undici means, in words. */
export const problemOf = (found: string | undefined): string => {
  if (found === undefined) return "the connection was cut or never came about"
  return `${notConnected[found] ?? broken[found] ?? "the connection failed"} (${found.replace(/[^A-Z0-9_]/gi, "")})`
}

/** Whether it is certain that the request did not reach the other side. */
export const wasNotSent = (error: HttpClientError.HttpClientError): boolean => {
  if (error.reason._tag === "InvalidUrlError" || error.reason._tag === "EncodeError") return true
  const found = code(error)
  return error.reason._tag === "TransportError" && found !== undefined && found in notConnected
}
