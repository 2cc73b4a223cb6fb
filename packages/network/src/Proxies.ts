/**
 * Which proxy leads to an address, as the environment says: `https_proxy`, `http_proxy`, else `all_proxy`, in lower case
 * before upper case, and `no_proxy` for what needs none. The rule is curl's and Go's, which differ from each other in
 * little; Node.js has one of its own that knows neither subdomains nor networks.
 *
 * This machine is never reached through a proxy: it would be the proxy's machine, and what goes there in clear text is
 * nobody else's.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import * as net from "node:net"

/**
 * @since 0.1.0
 * @category models
 */
export interface Proxy {
  /** The variable that names it, as it is spelled there. */
  readonly variable: string
  /** Without name and password. */
  readonly url: URL
  /** What `Proxy-Authorization` says, if the address has a name and a password. */
  readonly authorization: Redacted.Redacted | undefined
  /** Why it cannot be used, if what the variable says is no proxy. */
  readonly problem: string | undefined
}

/**
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
 * @since 0.1.0
 * @category models
 */
export type Environment = { readonly [name: string]: string | undefined }

/**
 * @since 0.1.0
 * @category constructors
 */
export const fromEnv = (env: Environment): Proxies => {
  const http = named(env, "http_proxy", "all_proxy")
  const https = named(env, "https_proxy", "all_proxy")
  const isExcepted = exceptions(said(env, "no_proxy")?.text ?? "")
  return {
    of: (url) => {
      const proxy = url.protocol === "https:" ? https : url.protocol === "http:" ? http : undefined
      return proxy === undefined || isExcepted(url) ? undefined : proxy
    },
    named: [http, https].filter((proxy) => proxy !== undefined)
  }
}

/**
 * For people: `http://proxy.example.com:3128 (HTTPS_PROXY)`. Never with a password.
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

const thisMachine = ["localhost", "127.0.0.0/8", "::1"].map(matcher)

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
    return (
      thisMachine.some((matches) => matches(host)) ||
      rules.some((rule) => (rule.port === undefined || rule.port === port) && rule.matches(host))
    )
  }
}
