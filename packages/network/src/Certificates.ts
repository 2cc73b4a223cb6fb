/**
 * Errors about certificates that say whose it was and who issued it.
 *
 * @since 0.1.0
 */
import * as ConnectError from "@longshore/core/ConnectError"
import * as tls from "node:tls"

const untrusted = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"
])

const others = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "ERR_TLS_CERT_ALTNAME_INVALID"])

/**
 * Errors of this connection about the certificate of `host` get a `ConnectError` as their cause: whose it was, and who issued it.
 * Nothing else changes: who is not trusted is not spoken to. Call it before the handshake. A socket without TLS passes through.
 *
 * @example
 * ```ts no-run
 * import { Certificates } from "@longshore/network"
 * import { connect } from "node:tls"
 *
 * const host = "self-signed.badssl.com"
 * const socket = Certificates.explain(connect({ host, port: 443, servername: host }), host)
 * socket.on("error", ({ cause }) => console.error(cause)) // the certificate of self-signed.badssl.com … is not trusted
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const explain = <S>(socket: S, host: string): S => {
  if (!(socket instanceof tls.TLSSocket)) return socket
  let issuer: string | undefined
  // Before Node.js judges the certificate, and drops it if it does not trust it.
  socket.prependOnceListener("secure", () => (issuer = issuerOf(socket.getPeerCertificate(true))))
  socket.prependListener("error", (error: NodeJS.ErrnoException) => {
    const problem = words(error.code ?? "", host, issuer)
    if (problem !== undefined) error.cause ??= new ConnectError.ConnectError({ problem, permanent: true })
  })
  return socket
}

const words = (code: string, host: string, issuer: string | undefined): string | undefined => {
  if (others.has(code)) return `${host} cannot be trusted: ${ConnectError.describe(code)}`
  if (!untrusted.has(code)) return undefined
  const by = issuer === undefined ? "" : `, issued by "${issuer}",`
  return `the certificate of ${host}${by} is not trusted (${code}): if it is the right one, name its authority's file (PEM) with --ca-file`
}

/** Who issued the last certificate that was sent. What strangers call themselves is kept short. */
const issuerOf = (certificate: tls.DetailedPeerCertificate): string | undefined => {
  let top = certificate
  for (let depth = 0; depth < 10; depth++) {
    const next: tls.DetailedPeerCertificate | undefined = top.issuerCertificate
    if (next === undefined || next === top) break
    top = next
  }
  const { CN, O } = top.issuer ?? {}
  const name = [CN ?? O ?? ""]
    .flat()[0]
    ?.replace(/[^\p{L}\p{N} .,'&()*@:/-]/gu, "")
    .slice(0, 100)
  return name === undefined || name === "" ? undefined : name
}
