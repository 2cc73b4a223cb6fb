/** A proxy between sink and server that counts requests and spoils some of them. */
import { createServer, request as outgoing, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"

export interface Seen {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** Of the server's answer, once there is one. */
  status: number | undefined
}

export type Fault =
  /** The server never sees it. */
  | { readonly kind: "refuse"; readonly status: number; readonly code: string; readonly more?: string }
  /** The server does it; the answer is lost. */
  | { readonly kind: "lose" }
  /** One bit of the body is another. */
  | { readonly kind: "corrupt" }
  /** The connection breaks before anything arrives. */
  | { readonly kind: "break" }

/** Which requests, and how many of them. */
export interface Rule {
  readonly when: (seen: Seen) => boolean
  readonly fault: Fault
  times: number
}

export const is = {
  create: ({ method, query }: Seen) => method === "POST" && query.has("uploads"),
  uploadPart: ({ method, query }: Seen) => method === "PUT" && query.has("partNumber"),
  complete: ({ method, query }: Seen) => method === "POST" && query.has("uploadId"),
  listParts: ({ method, query }: Seen) => method === "GET" && query.has("uploadId"),
  /** Of an object, not of a note. */
  put: ({ method, path, query }: Seen) => method === "PUT" && !query.has("partNumber") && !path.includes("/.longshore/")
}

export const startProxy = async (endpoint: string) => {
  const target = new URL(endpoint)
  const rules: Array<Rule> = []
  const seen: Array<Seen> = []
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? "", endpoint)
    const one: Seen = { method: incoming.method ?? "", path: url.pathname, query: url.searchParams, status: undefined }
    seen.push(one)
    const rule = rules.find(({ times, when }) => times > 0 && when(one))
    if (rule !== undefined) rule.times -= 1
    const fault = rule?.fault
    if (fault?.kind === "break") return void incoming.socket.destroy()
    if (fault?.kind === "refuse") {
      const body = `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>no</Message>${fault.more ?? ""}</Error>`
      const answer = () => response.writeHead(fault.status, { "content-type": "application/xml" }).end(body)
      return void incoming.on("end", answer).resume()
    }
    const { headers, method } = incoming
    const options = { host: target.hostname, port: target.port, path: incoming.url, method, headers }
    const forward = outgoing(options, (answer: IncomingMessage) => {
      one.status = answer.statusCode
      if (fault?.kind === "lose") return void answer.on("end", () => incoming.socket.destroy()).resume()
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
    })
    forward.on("error", () => incoming.socket.destroy())
    incoming.on("close", () => {
      if (!incoming.complete) forward.destroy()
    })
    let spoiled = false
    incoming.on("data", (chunk: Buffer) => {
      if (fault?.kind === "corrupt" && !spoiled && chunk.length > 1000) {
        chunk[500]! ^= 1
        spoiled = true
      }
      if (!forward.write(chunk)) {
        incoming.pause()
        forward.once("drain", () => incoming.resume())
      }
    })
    incoming.on("end", () => forward.end())
  })
  server.unref()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    /** Spoils the next requests that match. */
    spoil: (when: Rule["when"], fault: Fault, times = 1) => void rules.push({ when, fault, times })
  }
}
