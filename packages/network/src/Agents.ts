/**
 * Agents of `node:http` and `node:https` that go by way of a proxy where there is one. For `https:` that is a tunnel, in which
 * the proxy sees the host's name and nothing else; for `http:` the proxy reads along, as everybody on the way does.
 *
 * @since 0.1.0
 */
import * as http from "node:http"
import * as https from "node:https"
import type { Duplex } from "node:stream"
import { callbackify } from "node:util"
import * as Certificates from "./Certificates.ts"
import * as Proxies from "./Proxies.ts"
import * as Tunnel from "./Tunnel.ts"

/**
 * What `https.Agent` takes (`keepAlive`, `maxSockets`, `ca`, …; those for TLS count for `https:` alone), and where proxies are
 * named.
 *
 * @since 0.1.0
 * @category models
 */
export interface AgentsOptions extends https.AgentOptions {
  /** Variables that name proxies. Default: `process.env`. */
  readonly env?: Proxies.Environment | undefined
}

/**
 * An agent for each scheme, as `HttpAgent` of `@effect/platform-node` wants them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Agents {
  /** For `http:` addresses. */
  readonly http: http.Agent
  /** For `https:` addresses. */
  readonly https: https.Agent
}

/**
 * One of each. `destroy` closes the connections of an agent.
 *
 * An `https:` address is reached by a tunnel (`CONNECT`, RFC 9110, section 9.3.6), in which the proxy sees names of hosts alone; an
 * `http:` one by naming it in full to the proxy (RFC 9112, section 3.2.2). Errors of a request have a `ConnectError` of
 * `@longshore/core` as their `cause` where it was the proxy, or a certificate: it says which.
 *
 * @example A client for everything that Longshore asks
 * ```ts
 * import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
 * import { Agents } from "@longshore/network"
 * import { Effect, Layer } from "effect"
 *
 * const agents = Layer.effect(
 *   NodeHttpClient.HttpAgent,
 *   Effect.acquireRelease(
 *     Effect.sync(() => Agents.make({ keepAlive: true })),
 *     ({ http, https }) => Effect.sync(() => [http, https].forEach((agent) => agent.destroy()))
 *   )
 * )
 * const client = Layer.provide(NodeHttpClient.layerNodeHttpNoAgent, agents)
 * ```
 *
 * @example Without Effect
 * ```ts
 * import { Agents } from "@longshore/network"
 * import { once } from "node:events"
 * import { get } from "node:http"
 *
 * const { http } = Agents.make()
 * const request = get(`${process.env.LONGSHORE_PLATFORM_ADDRESS}/_simulator/exports`, { agent: http })
 * const [response] = await once(request, "response")
 * response.statusCode // => 200
 * response.resume()
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ env = process.env, ...options }: AgentsOptions = {}): Agents => {
  const proxies = Proxies.fromEnv(env)
  return { http: new PlainAgent(options, proxies), https: new SecureAgent(options, proxies) }
}

interface Target {
  readonly host?: string | null | undefined
  readonly port?: number | string | null | undefined
}

const urlOf = (scheme: "http" | "https", { host, port }: Target): URL => {
  const name = host ?? "localhost"
  return new URL(`${scheme}://${name.includes(":") && !name.startsWith("[") ? `[${name}]` : name}:${port ?? ""}`)
}

type Callback = (error: Error | null, socket: Duplex) => void

class SecureAgent extends https.Agent {
  readonly #proxies: Proxies.Proxies

  constructor(options: https.AgentOptions, proxies: Proxies.Proxies) {
    super(options)
    this.#proxies = proxies
  }

  override createConnection(options: https.RequestOptions, callback?: Callback): Duplex | null | undefined {
    const host = (options.host ?? "localhost").replace(/^\[|\]$/g, "")
    const connect = (more: object) =>
      Certificates.explain(super.createConnection({ ...options, ...more }), options.servername || host)
    const proxy = this.#proxies.of(urlOf("https", options))
    if (proxy === undefined) return connect({})
    const target = { host, port: Number(options.port ?? 443) }
    callbackify(async () => connect({ socket: await Tunnel.open(proxy, target) }))((error, socket) =>
      callback?.(error, socket!)
    )
    return undefined
  }
}

class PlainAgent extends http.Agent {
  readonly #proxies: Proxies.Proxies

  constructor(options: http.AgentOptions, proxies: Proxies.Proxies) {
    super(options)
    this.#proxies = proxies
  }

  /** Which `http.Agent` has, and its types do not tell: whoever rewrites requests relies on it. */
  addRequest(request: http.ClientRequest, options: Target): void {
    const url = urlOf("http", options)
    const proxy = this.#proxies.of(url)
    if (proxy !== undefined) {
      request.path = `${url.origin}${request.path}`
      for (const [name, value] of Object.entries(Tunnel.headers(proxy))) request.setHeader(name, value)
    }
    Reflect.apply(Reflect.get(http.Agent.prototype, "addRequest"), this, [request, options])
  }

  override createConnection(options: http.ClientRequestArgs, callback?: Callback): Duplex | null | undefined {
    const proxy = this.#proxies.of(urlOf("http", options))
    return proxy === undefined ? super.createConnection(options, callback) : Tunnel.dial(proxy)
  }
}
