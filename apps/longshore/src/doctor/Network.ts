/** The way to a host, as the program's requests take it: which proxy, which agent, and what an error of theirs means. */
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import * as ExitCode from "../output/ExitCode.ts"

interface Proxy {
  /** The variable that names it. */
  readonly variable: string
  readonly url: URL
}

/** By the rules of Node.js: its agents follow them, and tell nobody. */
export const proxyOf = (address: URL, env: NodeJS.ProcessEnv = process.env): Proxy | undefined => {
  const scheme = address.protocol.slice(0, -1)
  // The lower case goes first, and an empty one counts as none.
  const variable = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`].find((name) => env[name])
  const text = variable === undefined ? undefined : env[variable]
  const url = text !== undefined && /^https?:\/\//.test(text) ? URL.parse(text) : null
  if (variable === undefined || url === null) return undefined
  return isExcepted(address, env["no_proxy"] || env["NO_PROXY"] || "") ? undefined : { variable, url }
}

const isExcepted = ({ hostname, port, protocol }: URL, list: string): boolean => {
  const host = hostname.replace(/^\[|\]$/g, "")
  const withPort = `${host}:${port || (protocol === "https:" ? "443" : "80")}`
  return list
    .toLowerCase()
    .split(",")
    .map((entry) => entry.trim())
    .some(
      (entry) =>
        ["*", host, withPort, `.${host}`].includes(entry) ||
        (/^\*?\../.test(entry) && host.endsWith(entry.replace("*", ""))) ||
        isInRange(host, entry)
    )
}

/** `10.0.0.1-10.0.0.99` */
const isInRange = (host: string, entry: string): boolean => {
  const [from = "", to = "", ...more] = entry.split("-").map((end) => end.trim())
  if (more.length > 0 || ![host, from, to].every(net.isIPv4)) return false
  return numberOf(from) <= numberOf(host) && numberOf(host) <= numberOf(to)
}

const numberOf = (ip: string): number => ip.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0)

/** For people, without name and password. */
export const way = (address: URL): string => {
  const proxy = proxyOf(address)
  return proxy === undefined ? "directly" : `through the proxy ${nameOf(proxy)}`
}

const nameOf = ({ url, variable }: Proxy): string => `${url.origin} (${variable})`

/** A request that goes the way that the program's own go. */
export const get = (address: URL, options: https.RequestOptions): http.ClientRequest => {
  const { Agent, request } = address.protocol === "http:" ? http : https
  return request(address, { ...options, agent: new Agent({ proxyEnv: process.env }) })
}

/** Proxies came to Node.js with 22.21 and 24.5. */
export const knowsProxies = (version: string): boolean => {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number)
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21)
}

export interface Trouble {
  readonly problem: string
  readonly exitCode: number
  readonly nextStep: string
}

const passing = (problem: string, nextStep: string): Trouble => ({ problem, exitCode: ExitCode.temporary, nextStep })
const lasting = (problem: string, nextStep: string): Trouble => ({ problem, exitCode: ExitCode.config, nextStep })

const untrusted = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF|GET_ISSUER).*)$/

export const isUntrusted = (code: string): boolean => untrusted.test(code)

/** Why a request came to nothing. `issuer`: who signed the certificate, if that is the trouble. */
export const trouble = (address: URL, error: NodeJS.ErrnoException, issuer?: string): Trouble => {
  const { code = "unknown" } = error
  const proxy = proxyOf(address)
  const nearest = proxy === undefined ? address.hostname : `the proxy ${nameOf(proxy)}`
  const network =
    proxy === undefined
      ? "Check the address, the network and the firewall; if a proxy leads out of here, name it in HTTPS_PROXY."
      : `Check ${proxy.variable}; hosts that need no proxy are named in NO_PROXY.`
  if (code === "ERR_PROXY_TUNNEL") {
    const status = "statusCode" in error ? Number(error.statusCode) : 0
    return refusedByProxy(address, status)
  }
  if (isUntrusted(code)) {
    const by = issuer === undefined ? "" : `, issued by "${issuer}",`
    return lasting(
      `the certificate of ${address.hostname}${by} is not trusted (${code})`,
      "If it is the right one, as of a proxy that looks inside, name the file of its authority with --ca-file or NODE_EXTRA_CA_CERTS."
    )
  }
  switch (code) {
    case "ENOTFOUND":
      return passing(`the name of ${nearest} is not known (${code})`, network)
    case "EAI_AGAIN":
      return passing(`the name of ${nearest} could not be looked up for now (${code})`, "Check the name server.")
    case "ECONNREFUSED":
      return passing(`nobody listens at ${proxy === undefined ? address.host : nearest} (${code})`, network)
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return lasting(
        `the certificate of ${address.hostname} has expired or is not valid yet (${code})`,
        "Check this machine's clock; if it is right, the host has to renew its certificate."
      )
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return lasting(`the certificate is not that of ${address.hostname} (${code})`, "Correct the platform address.")
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return lasting(
        `${address.host} does not speak TLS (${code})`,
        "Check the address: http:// or https://, and its port."
      )
    default:
      return code.startsWith("HPE_")
        ? lasting(
            `${address.host} does not speak HTTP (${code})`,
            "Check the address: http:// or https://, and its port."
          )
        : passing(`the connection to ${nearest} failed (${code})`, network)
  }
}

/** The proxy answered in place of the host. */
export const refusedByProxy = (address: URL, status: number): Trouble => {
  const proxy = proxyOf(address)
  const name = proxy === undefined ? "a proxy" : `the proxy ${nameOf(proxy)}`
  const variable = proxy?.variable ?? "HTTPS_PROXY"
  if (status === 407) {
    return lasting(
      `${name} wants a name and a password, or others (HTTP 407)`,
      `Write them into ${variable}, as http://NAME:PASSWORD@HOST:PORT.`
    )
  }
  return status >= 500
    ? passing(`${name} could not reach ${address.host} (HTTP ${status})`, `Check the address, and ${variable}.`)
    : lasting(
        `${name} does not let anybody through to ${address.host} (HTTP ${status})`,
        "Have the host allowed there, or except it with NO_PROXY."
      )
}
