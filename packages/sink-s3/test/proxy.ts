/** A proxy between sink and server that counts requests and spoils some of them. */
import { createServer, request as outgoing, type IncomingMessage, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"

export interface Seen {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** Of the server's answer, once there is one. */
  status: number | undefined
}

export type Fault =
  /** The server never sees it: something else answers, or nothing does. */
  | { readonly kind: "answer"; readonly how: RequestListener }
  /** The server does it; the answer is lost. */
  | { readonly kind: "lose" }
  /** The server does it; half of the answer comes. */
  | { readonly kind: "garble" }
  /** The server does it; the answer is held back for ever. */
  | { readonly kind: "hold"; readonly held: () => void }
  /** One bit of the body is another. */
  | { readonly kind: "corrupt" }
  /** The connection breaks before anything arrives. */
  | { readonly kind: "break" }

/** Which requests, and how many of them. */
export interface Rule {
  /** `all` are the requests so far, with this one. */
  readonly when: (seen: Seen, all: ReadonlyArray<Seen>) => boolean
  readonly fault: Fault
  times: number
}

export const is = {
  create: ({ method, query }: Seen) => method === "POST" && query.has("uploads"),
  uploadPart: ({ method, query }: Seen) => method === "PUT" && query.has("partNumber"),
  complete: ({ method, query }: Seen) => method === "POST" && query.has("uploadId"),
  listParts: ({ method, query }: Seen) => method === "GET" && query.has("uploadId"),
  listNotes: ({ method, query }: Seen) => method === "GET" && query.get("prefix")?.includes("/.longshore/") === true,
  listUploads: ({ method, query }: Seen) => method === "GET" && query.has("uploads"),
  abort: ({ method, query }: Seen) => method === "DELETE" && query.has("uploadId"),
  head: ({ method }: Seen) => method === "HEAD",
  headOfPublished: (seen: Seen, all: ReadonlyArray<Seen>) => is.head(seen) && all.some(is.complete),
  /** Of an object, not of a note. */
  put: ({ method, path, query }: Seen) => method === "PUT" && !query.has("partNumber") && !path.includes("/.longshore/")
}

/** What a proxy says that knows nothing of S3. */
export const page = (status: number): Fault => ({
  kind: "answer",
  how: (request, response) => {
    const html = `<html><head><title>${status}</title></head><body><h1>${status}</h1><hr>proxy</body></html>`
    request.on("end", () => response.writeHead(status, { "content-type": "text/html" }).end(html)).resume()
  }
})

/** An answer of S3, or of what calls itself so. */
export const xml = (status: number, body: string): Fault => ({
  kind: "answer",
  how: (request, response) => {
    const answer = () => response.writeHead(status, { "content-type": "application/xml" }).end(body)
    request.on("end", answer).resume()
  }
})

export const startProxy = async (endpoint: string) => {
  const target = new URL(endpoint)
  const rules: Array<Rule> = []
  const seen: Array<Seen> = []
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? "", endpoint)
    const one: Seen = { method: incoming.method ?? "", path: url.pathname, query: url.searchParams, status: undefined }
    seen.push(one)
    const rule = rules.find(({ times, when }) => times > 0 && when(one, seen))
    if (rule !== undefined) rule.times -= 1
    const fault = rule?.fault
    if (fault?.kind === "break") return void incoming.socket.destroy()
    if (fault?.kind === "answer") return fault.how(incoming, response)
    const { headers, method } = incoming
    const options = { host: target.hostname, port: target.port, path: incoming.url, method, headers }
    const forward = outgoing(options, (answer: IncomingMessage) => {
      one.status = answer.statusCode
      if (fault?.kind === "hold") return void answer.on("end", fault.held).resume()
      if (fault?.kind === "lose") return void answer.on("end", () => incoming.socket.destroy()).resume()
      if (fault?.kind === "garble") {
        return void answer.once("data", (chunk: Buffer) => {
          response.writeHead(answer.statusCode ?? 0).end(chunk.subarray(0, chunk.length / 2))
          answer.destroy()
        })
      }
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
