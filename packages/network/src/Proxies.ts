/**
 * Which proxy leads to an address, as the environment says: `https_proxy`, `http_proxy`, else `all_proxy`, in lower case
 * before upper case, and `no_proxy` for what needs none. The rule is curl's (https://everything.curl.dev/usingcurl/proxies/env)
 * and Go's (https://pkg.go.dev/golang.org/x/net/http/httpproxy), which differ from each other in little; Node.js has one of its
 * own that knows neither subdomains nor networks.
 *
 * Where the two differ: `HTTP_PROXY` counts, which curl leaves out because CGI programs get it from their clients; and
 * `.example.com` excepts `example.com` too, as with curl.
 *
 * This machine is never reached through a proxy, as with Go: it would be the proxy's machine, and what goes there in clear text is
 * nobody else's.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import * as net from "node:net"

/**
 * A proxy that the environment names.
 *
 * @since 0.1.0
 * @category models
 */
export interface Proxy {
  /** The variable that names it, as it is spelled there. */
  readonly variable: string
  /** `http:` or `https:`, the scheme in which the proxy itself is spoken to. Without name and password. */
  readonly url: URL
  /** What `Proxy-Authorization` says (Basic, RFC 7617), if the address has a name and a password. */
  readonly authorization: Redacted.Redacted | undefined
  /** Why it cannot be used, if what the variable says is no proxy. Then every connection fails: none goes around it. */
  readonly problem: string | undefined
}

/**
 * The rule, read once.
 *
 * @since 0.1.0
 * @category models
 */
export interface Proxies {
  /** The proxy for an address; `undefined`: there is none, or it is excepted. */
  readonly of: (url: URL) => Proxy | undefined
  /** Those that the environment names, for `http:` and for `https:` addresses. */
  readonly named: ReadonlyArray<Proxy>
}

/**
 * Variables by name, such as `process.env`.
 *
 * @since 0.1.0
 * @category models
 */
export type Environment = { readonly [name: string]: string | undefined }

/**
 * Reads the variables. An empty one counts as none. A value without a scheme is `http://`; one that is no address of a proxy, or of
 * a proxy that speaks something else (SOCKS), gives a `Proxy` with a `problem`, so that nothing goes around a proxy because of
 * a typing error.
 *
 * `no_proxy` lists, with commas or spaces between them, names (with all below them), addresses and networks (`10.0.0.0/8`), each also
 * with a port (`example.com:9000`), or is `*` for everything. Networks hold for hosts that are written as numbers: no name is
 * looked up.
 *
 * @example
 * ```ts
 * import { Proxies } from "@longshore/network"
 *
 * const proxies = Proxies.fromEnv({
 *   HTTPS_PROXY: "http://proxy.example.com:3128",
 *   NO_PROXY: "internal.example.com, 10.0.0.0/8"
 * })
 *
 * proxies.of(new URL("https://api.mews.com"))?.url.host // => "proxy.example.com:3128"
 * proxies.of(new URL("https://s3.internal.example.com")) // => undefined
 * proxies.of(new URL("https://10.1.2.3:9000")) // => undefined
 * proxies.of(new URL("http://api.mews.com")) // => undefined
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromEnv = (env: Environment): Proxies => {
  const http = named(env, "http_proxy", "all_proxy")
  const https = named(env, "https_proxy", "all_proxy")
  const proxies = [http, https].filter((proxy) => proxy !== undefined)
  if (proxies.length === 0) return { of: () => undefined, named: [] }
  const isExcepted = exceptions(`${thisMachine} ${said(env, "no_proxy")?.text ?? ""}`)
  return {
    of: (url) => {
      const proxy = url.protocol === "https:" ? https : url.protocol === "http:" ? http : undefined
      return proxy === undefined || isExcepted(url) ? undefined : proxy
    },
    named: proxies
  }
}

/**
 * A proxy for people, with the variable that names it. Never with a password.
 *
 * @example
 * ```ts
 * import { Proxies } from "@longshore/network"
 *
 * const [proxy] = Proxies.fromEnv({ https_proxy: "http://name:password@proxy.example.com:3128" }).named
 * proxy && Proxies.describe(proxy) // => "http://proxy.example.com:3128 (https_proxy)"
 * ```
 *
 * @since 0.1.0
 * @category words
 */
export const describe = (proxy: Proxy): string => `${proxy.url.origin} (${proxy.variable})`

/** An empty one counts as none, and then the other spelling does. */
const said = (env: Environment, name: string) => {
  for (const variable of [name, name.toUpperCase()]) {
    const text = env[variable]?.trim() ?? ""
    if (text !== "") return { variable, text }
  }
  return undefined
}

const named = (env: Environment, ...names: ReadonlyArray<string>): Proxy | undefined => {
  const found = names.map((name) => said(env, name)).find((one) => one !== undefined)
  return found === undefined ? undefined : parse(found.variable, found.text)
}

const nowhere = new URL("http://invalid")

const parse = (variable: string, text: string): Proxy => {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`)
  // The text may hold a password: it is not repeated.
  const unusable = (problem: string): Proxy => ({
    variable,
    url: nowhere,
    authorization: undefined,
    problem: `${variable} ${problem}`
  })
  if (url === null || url.hostname === "") {
    return unusable("is not the address of a proxy, such as http://proxy.example.com:3128")
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return unusable(`names a proxy that speaks ${url.protocol.slice(0, -1)}; only http:// and https:// are known`)
  }
  const { password, username } = url
  const pair = `${decoded(username)}:${decoded(password)}`
  return {
    variable,
    url: new URL(url.origin),
    authorization: pair === ":" ? undefined : Redacted.make(`Basic ${Buffer.from(pair).toString("base64")}`),
    problem: undefined
  }
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** As names are compared. */
const hostOf = (text: string): string => text.toLowerCase().replace(/^\[|\]$|\.$/g, "")

const family = (host: string) => (net.isIPv6(host) ? "ipv6" : "ipv4")

/** Whether a text names a host or a network that this host is, or is part of. */
const matcher = (text: string): ((host: string) => boolean) => {
  const [, network = "", prefix] = /^\[?([0-9a-f:.]+)\]?(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  if (net.isIP(network) !== 0) {
    const bits = net.isIPv6(network) ? 128 : 32
    const length = prefix === undefined ? bits : Number(prefix)
    if (length > bits) return () => false
    const block = new net.BlockList()
    block.addSubnet(network, length, family(network))
    return (host) => net.isIP(host) !== 0 && block.check(host, family(host))
  }
  const domain = hostOf(text.replace(/^\*?\./, ""))
  return (host) => host === domain || host.endsWith(`.${domain}`)
}

const thisMachine = "localhost 127.0.0.0/8 ::1"

/** `no_proxy`: names with all below them, addresses, networks, each with a port or without; `*` for everything. */
const exceptions = (text: string): ((url: URL) => boolean) => {
  const rules = text
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .map((entry) => {
      // The colons of a bare IPv6 address are no port's.
      const [, name = entry, port] = net.isIPv6(entry) ? [] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? [])
      return { matches: name === "*" ? () => true : matcher(name), port }
    })
  return (url) => {
    const host = hostOf(url.hostname)
    const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port
    return rules.some((rule) => (rule.port === undefined || rule.port === port) && rule.matches(host))
  }
}
