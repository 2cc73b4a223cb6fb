/**
 * Connections by way of a proxy. Whatever keeps one from coming about is said with the proxy's name: an address that
 * refuses is then the proxy's, and not the host's that was meant.
 *
 * @since 0.1.0
 */
import * as ConnectError from "@longshore/core/ConnectError"
import * as Redacted from "effect/Redacted"
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import * as tls from "node:tls"
import * as Certificates from "./Certificates.ts"
import * as Proxies from "./Proxies.ts"

/** Milliseconds. A proxy looks the host up and connects to it before it answers. */
const patience = 30_000

/**
 * Asks the proxy for a line to a host (`CONNECT`, RFC 9110, section 9.3.6), and gives it once it stands: a socket on which the host
 * is spoken to as if there were no proxy. `timeout` is in milliseconds, for all of it; default 30,000, as the proxy looks the host
 * up and connects to it before it answers.
 *
 * Rejects with a `ConnectError` and nothing else. It is `permanent` where a person has to correct something: the variable is no
 * proxy, the proxy wants a name and a password (407) or does not let anybody through (401, 403), its certificate is not trusted.
 *
 * @example
 * ```ts
 * import { Proxies, Tunnel } from "@longshore/network"
 *
 * // Nobody listens there.
 * const [proxy] = Proxies.fromEnv({ HTTPS_PROXY: "http://127.0.0.1:9" }).named
 * const line = proxy && Tunnel.open(proxy, { host: "api.mews.com", port: 443 })
 * const error = await line?.catch((error) => error)
 *
 * error.permanent // => false
 * error.message.slice(0, 71) // => "the proxy http://127.0.0.1:9 (HTTPS_PROXY) could not be reached: nobody"
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = (
  proxy: Proxies.Proxy,
  target: { readonly host: string; readonly port: number },
  timeout: number = patience
): Promise<net.Socket> =>
  new Promise((resolve, reject) => {
    const fail = (problem: string, permanent = false) => reject(new ConnectError.ConnectError({ problem, permanent }))
    if (proxy.problem !== undefined) return fail(proxy.problem, true)
    const authority = `${net.isIPv6(target.host) ? `[${target.host}]` : target.host}:${target.port}`
    const request = (proxy.url.protocol === "https:" ? https : http).request({
      ...addressOf(proxy),
      method: "CONNECT",
      path: authority,
      headers: { host: authority, ...headers(proxy) },
      agent: false
    })
    const timer = setTimeout(() => {
      fail(`the proxy ${Proxies.describe(proxy)} gave no answer within ${timeout / 1000} s`)
      request.destroy()
    }, timeout)
    request.once("socket", (socket) => explain(socket, proxy))
    request.once("connect", ({ statusCode = 0 }, socket: net.Socket, head: Buffer) => {
      clearTimeout(timer)
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head)
        return resolve(socket)
      }
      socket.destroy()
      const [problem, permanent] = refusal(proxy, authority, statusCode)
      fail(problem, permanent)
    })
    request.once("error", (error) => {
      clearTimeout(timer)
      const known = ConnectError.find(error)
      if (typeof known === "object") return reject(known)
      // It was there, and broke off.
      fail(`the proxy ${Proxies.describe(proxy)} opened no line to ${authority}: ${ConnectError.describe(known)}`)
    })
    request.end()
  })

/**
 * A connection to the proxy itself, for requests that name their address in full (RFC 9112, section 3.2.2): what it takes for
 * `http:` addresses. It gives the socket at once, as `net.connect` does; until it stands, its errors have a `ConnectError` as their
 * `cause` that names the proxy. `onread` is that of `net.connect`: a buffer of one's own to read into.
 *
 * @example
 * ```ts
 * import { Proxies, Tunnel } from "@longshore/network"
 * import { once } from "node:events"
 *
 * const [proxy] = Proxies.fromEnv({ HTTP_PROXY: "http://127.0.0.1:9" }).named
 * const socket = proxy && Tunnel.dial(proxy)
 * const error = socket && (await once(socket, "connect").catch((error) => error))
 *
 * error.cause._tag // => "ConnectError"
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const dial = (proxy: Proxies.Proxy, options: { readonly onread?: net.OnReadOpts } = {}): net.Socket => {
  const { host, port } = addressOf(proxy)
  const secure: tls.ConnectionOptions & net.NetConnectOpts = {
    ...options,
    ...addressOf(proxy),
    ALPNProtocols: ["http/1.1"]
  }
  return explain(proxy.url.protocol === "https:" ? tls.connect(secure) : net.connect({ ...options, host, port }), proxy)
}

/**
 * What a request to an `http:` address tells the proxy besides: its name and password, if it has any
 * (`Proxy-Authorization`, RFC 9110, section 11.7.2). The value is a secret.
 *
 * @example
 * ```ts
 * import { Proxies, Tunnel } from "@longshore/network"
 *
 * const [proxy] = Proxies.fromEnv({ HTTP_PROXY: "http://name:password@proxy.example.com:3128" }).named
 * Object.keys(proxy ? Tunnel.headers(proxy) : {}) // => ["proxy-authorization"]
 * ```
 *
 * @since 0.1.0
 * @category requests
 */
export const headers = ({ authorization }: Proxies.Proxy): Record<string, string> =>
  authorization === undefined ? {} : { "proxy-authorization": Redacted.value(authorization) }

const addressOf = ({ url }: Proxies.Proxy) => {
  const secure = url.protocol === "https:"
  const host = url.hostname.replace(/^\[|\]$/g, "")
  return {
    host,
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    ...(secure && net.isIP(host) === 0 ? { servername: host } : {})
  }
}

const unreachable = (proxy: Proxies.Proxy, code: string | undefined): string =>
  `the proxy ${Proxies.describe(proxy)} could not be reached: ${ConnectError.describe(code)}`

/** Until the proxy is there, errors are the proxy's. */
const explain = (socket: net.Socket, proxy: Proxies.Proxy): net.Socket => {
  if (proxy.problem !== undefined) {
    return socket.destroy(new ConnectError.ConnectError({ problem: proxy.problem, permanent: true }))
  }
  const name = (error: NodeJS.ErrnoException) => {
    error.cause ??= new ConnectError.ConnectError({ problem: unreachable(proxy, error.code), permanent: false })
  }
  socket.prependListener("error", name)
  // What there is to say about its certificate is said first.
  Certificates.explain(socket, `the proxy ${Proxies.describe(proxy)}`)
  return socket.once(socket instanceof tls.TLSSocket ? "secureConnect" : "connect", () => socket.off("error", name))
}

const refusal = (
  proxy: Proxies.Proxy,
  authority: string,
  status: number
): readonly [problem: string, permanent: boolean] => {
  const name = Proxies.describe(proxy)
  if (status === 407) {
    return proxy.authorization === undefined
      ? [
          `the proxy ${name} wants a name and a password (HTTP 407): write them into the variable, as http://NAME:PASSWORD@…`,
          true
        ]
      : [`the proxy ${name} does not take the name and the password in that variable (HTTP 407)`, true]
  }
  if (status === 401 || status === 403) {
    return [
      `the proxy ${name} does not let anybody through to ${authority} (HTTP ${status}): have it allowed there, or except the host with NO_PROXY`,
      true
    ]
  }
  return status >= 500
    ? [`the proxy ${name} could not reach ${authority} (HTTP ${status})`, false]
    : [`the proxy ${name} opened no line to ${authority} (HTTP ${status})`, status !== 408 && status !== 429]
}
