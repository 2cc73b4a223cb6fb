/** Why a request to the API's host came to nothing, and what helps. */
import * as ConnectError from "@longshore/core/ConnectError"
import * as Agents from "@longshore/network/Agents"
import * as Proxies from "@longshore/network/Proxies"
import * as http from "node:http"
import * as https from "node:https"
import * as ExitCode from "../output/ExitCode.ts"

const proxyOf = (address: URL): Proxies.Proxy | undefined => Proxies.fromEnv(process.env).of(address)

/** For people, without name and password. */
export const way = (address: URL): string => {
  const proxy = proxyOf(address)
  return proxy === undefined ? "directly" : `through the proxy ${Proxies.describe(proxy)}`
}

/** A request that goes the way that the program's own go. */
export const get = (address: URL, options: https.RequestOptions): http.ClientRequest => {
  const agents = Agents.make()
  return address.protocol === "http:"
    ? http.request(address, { ...options, agent: agents.http })
    : https.request(address, { ...options, agent: agents.https })
}

interface Trouble {
  readonly problem: string
  readonly exitCode: number
  readonly nextStep: string
}

const passing = (problem: string, nextStep: string): Trouble => ({ problem, exitCode: ExitCode.temporary, nextStep })
const lasting = (problem: string, nextStep: string): Trouble => ({ problem, exitCode: ExitCode.config, nextStep })

/** What an error of a request means. */
export const trouble = (address: URL, error: NodeJS.ErrnoException): Trouble => {
  const proxy = proxyOf(address)
  const network =
    proxy === undefined
      ? "Check the address, the network and the firewall; if a proxy leads out of here, name it in HTTPS_PROXY."
      : `Check ${proxy.variable}; hosts that need no proxy are named in NO_PROXY.`
  const found = ConnectError.find(error)
  if (found instanceof ConnectError.ConnectError) {
    if (found.problem.includes("--ca-file")) {
      return lasting(
        found.problem,
        "A proxy that looks inside has an authority of its own: get its file from whoever runs it, for --ca-file."
      )
    }
    return found.permanent ? lasting(found.problem, network) : passing(found.problem, network)
  }
  const code = found ?? "unknown"
  if (code.startsWith("HPE_") || code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER") {
    return lasting(
      `${address.host} does not speak ${code.startsWith("HPE_") ? "HTTP" : "TLS"} (${code})`,
      "Check the address: http:// or https://, and its port."
    )
  }
  return passing(`${address.host} could not be reached: ${ConnectError.describe(code)}`, network)
}

/** A proxy that reads `http:` along answered in place of the host. */
export const refusedByProxy = (address: URL): Trouble => {
  const proxy = proxyOf(address)
  return lasting(
    `${proxy === undefined ? "a proxy" : `the proxy ${Proxies.describe(proxy)}`} wants a name and a password, or others (HTTP 407)`,
    `Write them into ${proxy?.variable ?? "HTTP_PROXY"}, as http://NAME:PASSWORD@HOST:PORT.`
  )
}
