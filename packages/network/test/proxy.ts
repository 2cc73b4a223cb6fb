/** A real proxy (`proxy-chain`) that knows names which nobody else does: all of `longshore.test` is this machine. */
import type { LookupOptions } from "node:dns"
import { type PrepareRequestFunction, type PrepareRequestFunctionResult, RequestError, Server } from "proxy-chain"
import type { TestContext } from "vitest"
import { startSquid } from "./squid.ts"

export interface Proxy {
  readonly url: string
  /** What it was asked until now, and it is asked no more, as it reads it: `CONNECT host:port`, `GET http://host:port/path?query`. */
  readonly log: () => Promise<ReadonlyArray<string>>
}

export interface ProxyOptions {
  /** Without it nobody gets through. */
  readonly password?: string
  /** A host that nobody gets through to. */
  readonly forbidden?: string
  /** With it, it is spoken to by TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export const startProxy = async (
  test: Pick<TestContext, "onTestFinished">,
  options: ProxyOptions = {}
): Promise<Proxy> => {
  if (process.env["LONGSHORE_TEST_PROXY"] === "squid") return startSquid(test, options)
  const log: Array<string> = []
  const prepareRequestFunction: PrepareRequestFunction = ({ hostname, password, request }) => {
    if (options.password !== undefined && password !== options.password) return { requestAuthentication: true }
    log.push(`${request.method} ${request.url}`)
    if (hostname === options.forbidden) throw new RequestError("no", 403)
    return { dnsLookup }
  }
  const { tls } = options
  const place = { port: 0, host: "127.0.0.1", prepareRequestFunction }
  const server = new Server(tls === undefined ? place : { ...place, serverType: "https", httpsOptions: tls })
  await server.listen()
  test.onTestFinished(() => server.close(true))
  // By the name that a certificate has.
  const url = tls === undefined ? "http://127.0.0.1" : "https://localhost"
  return { url: `${url}:${server.port}`, log: () => Promise.resolve(log) }
}

type Lookup = NonNullable<PrepareRequestFunctionResult["dnsLookup"]>

const dnsLookup = ((_name: string, { all }: LookupOptions, done: (error: null, ...found: Array<unknown>) => void) => {
  if (all === true) done(null, [{ address: "127.0.0.1", family: 4 }])
  else done(null, "127.0.0.1", 4)
}) as Lookup
