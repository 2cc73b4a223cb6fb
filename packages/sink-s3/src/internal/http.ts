/**
 * The SDK's way to the network, on `node:http(s)`. The body of a part is not a stream that something copies from: the
 * request itself is handed out, and whoever has the bytes writes them, each array once the last one is with the kernel.
 */
import type { S3Client } from "@aws-sdk/client-s3"
import * as Agents from "@longshore/network/Agents"
import * as http from "node:http"
import * as https from "node:https"
import { Readable } from "node:stream"

type Handler = S3Client["config"]["requestHandler"]
interface HttpRequest {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly method: string
  readonly path: string
  readonly query?: Record<string, string | Array<string> | null>
  readonly headers: Record<string, string>
  readonly body?: PartBody | string | Uint8Array
}
interface HttpOptions {
  readonly abortSignal?: unknown
  readonly requestTimeout?: number
}

const connectTimeout = 10_000
/** Longer than a source may be silent before its attempt is given up, so that the error is about the right side. */
const idleTimeout = 60_000
/** No list and no error is this long. Only objects are. */
const maxWords = 8 * 1024 * 1024

/** Stands where the SDK wants a body, and is never read. */
export class PartBody extends Readable {
  readonly opened: (request: http.ClientRequest) => void
  constructor(opened: (request: http.ClientRequest) => void) {
    super({ read: () => {} })
    this.opened = opened
  }
}

/** As it is signed: all that RFC 3986 does not call unreserved. */
const escape = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

const pathOf = ({ path, query }: HttpRequest): string => {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === null ? [escape(name)] : [value].flat().map((one) => `${escape(name)}=${escape(one)}`)
  )
  return pairs.length === 0 ? path : `${path}?${pairs.join("&")}`
}

/** Of an answer that the SDK holds whole. */
async function* bounded(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxWords) throw Object.assign(new Error("an answer without end"), { code: "EMSGSIZE" })
    yield chunk
  }
}

/** What a request tells in confidence, and an answer may repeat: the id of the key, and the token of the session. */
const secretsOf = ({ headers }: HttpRequest): ReadonlyArray<string> => {
  const { authorization = "", "x-amz-security-token": token = "" } = headers
  const [, id = ""] = /Credential=([^/]+)/.exec(authorization) ?? []
  return [id, token].filter((secret) => secret !== "")
}

const timedOut = (what: string): Error => Object.assign(new Error(what), { code: "ETIMEDOUT" })

const send = (
  agent: http.Agent,
  request: HttpRequest,
  signal: AbortSignal | undefined,
  timeout: number
): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const outgoing = (request.protocol === "http:" ? http : https).request({
      agent,
      method: request.method,
      host: request.hostname,
      ...(request.port === undefined ? {} : { port: request.port }),
      path: pathOf(request),
      headers: request.headers
    })
    const abort = () => outgoing.destroy()
    signal?.addEventListener("abort", abort, { once: true })
    if (signal?.aborted) abort()
    outgoing.setTimeout(timeout, () => outgoing.destroy(timedOut("the connection was silent")))
    outgoing.once("socket", (socket) => {
      if (!socket.connecting) return
      const timer = setTimeout(() => outgoing.destroy(timedOut("no connection came about")), connectTimeout)
      const stop = () => clearTimeout(timer)
      socket.once("connect", stop)
      outgoing.once("close", stop)
    })
    outgoing.once("response", resolve)
    outgoing.once("error", reject)
    // A request can also end without a word.
    outgoing.once("close", () => {
      signal?.removeEventListener("abort", abort)
      reject(Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" }))
    })
    if (request.body instanceof PartBody) request.body.opened(outgoing)
    else outgoing.end(request.body)
  })

/** Made for one client; `destroy` closes its connections. `sent` gets the secrets that servers were told. */
export const handler = (sent: Set<string>): Handler => {
  const { http: plain, https: secure } = Agents.make({ keepAlive: true })
  return {
    metadata: { handlerProtocol: "http/1.1" },
    handle: async (request: HttpRequest, options?: HttpOptions) => {
      for (const secret of secretsOf(request)) sent.add(secret)
      const response = await send(
        request.protocol === "http:" ? plain : secure,
        request,
        options?.abortSignal instanceof AbortSignal ? options.abortSignal : undefined,
        options?.requestTimeout ?? idleTimeout
      )
      const headers: Record<string, string> = {}
      for (const [name, value] of Object.entries(response.headers)) headers[name] = [value].flat().join(", ")
      const { statusCode = 0 } = response
      const isObject = statusCode < 300 && request.headers["range"] !== undefined
      return { response: { statusCode, headers, body: isObject ? response : Readable.from(bounded(response)) } }
    },
    destroy: () => {
      plain.destroy()
      secure.destroy()
    },
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({})
  }
}
