/** A real proxy (`proxy-chain`) that knows names which nobody else does: all of `longshore.test` is this machine. */
import type { LookupOptions } from "node:dns"
import { type PrepareRequestFunction, type PrepareRequestFunctionResult, RequestError, Server } from "proxy-chain"
import type { TestContext } from "vitest"

export interface Proxy {
  readonly url: string
  /** What it was asked, as it reads it: `CONNECT host:port`, `GET http://host:port/path?query`. */
  readonly log: ReadonlyArray<string>
}

interface ProxyOptions {
  /** Without it nobody gets through. */
  readonly password?: string
  /** A host that nobody gets through to. */
  readonly forbidden?: string
  /** With it, it is spoken to by TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export const startProxy = async (
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  options: ProxyOptions = {}
): Promise<Proxy> => {
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
  onTestFinished(() => server.close(true))
  // By the name that a certificate has.
  const url = tls === undefined ? "http://127.0.0.1" : "https://localhost"
  return { url: `${url}:${server.port}`, log }
}

type Lookup = NonNullable<PrepareRequestFunctionResult["dnsLookup"]>

const dnsLookup = ((_name: string, { all }: LookupOptions, done: (error: null, ...found: Array<unknown>) => void) => {
  if (all === true) done(null, [{ address: "127.0.0.1", family: 4 }])
  else done(null, "127.0.0.1", 4)
}) as Lookup
