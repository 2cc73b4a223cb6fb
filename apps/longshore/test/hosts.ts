/** Hosts of a test's own on loopback, which may do whatever a server can do. */
import { ExportId } from "@longshore/core/Export"
import * as http from "node:http"
import * as net from "node:net"
import { setImmediate } from "node:timers/promises"
import type { TestContext } from "vitest"

/** What came in. */
export interface Received {
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
  readonly bytes: Buffer
}

export type Handler = (response: http.ServerResponse, request: Received) => void

type Test = Pick<TestContext, "onTestFinished">

const started = async ({ onTestFinished }: Test, server: net.Server): Promise<string> => {
  const sockets = new Set<net.Socket>()
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
}

/** Listens until the test is over. `received` grows with each request. */
export const listen = async (
  test: Test,
  handler: Handler
): Promise<{ readonly url: string; readonly received: ReadonlyArray<Received> }> => {
  const received: Array<Received> = []
  const server = http.createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const bytes = Buffer.concat(chunks)
      const seen = { path: request.url ?? "", headers: request.headers, body: bytes.toString(), bytes }
      received.push(seen)
      handler(response, seen)
    })
  })
  return { url: await started(test, server), received }
}

/** A host that does not speak HTTP, or more of it than there should be. */
export const listenRaw = (test: Test, handler: (socket: net.Socket) => void): Promise<string> =>
  started(
    test,
    net.createServer((socket) => {
      socket.once("data", () => handler(socket))
    })
  )

/** Writes the same over and over until the other side leaves. Gives how many bytes it took. */
export const forever = async (out: net.Socket | http.ServerResponse, bytes: Buffer | string): Promise<number> => {
  const gone = new Promise<void>((resolve) => out.once("close", resolve))
  let written = 0
  while (!out.destroyed) {
    written += bytes.length
    if (!out.write(bytes)) await Promise.race([new Promise<void>((resolve) => out.once("drain", resolve)), gone])
    else await setImmediate()
  }
  return written
}

export const exportId = ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")

export const json = (response: http.ServerResponse, value: unknown, status = 200, reason?: string): void => {
  response.setHeader("content-type", "application/json").writeHead(status, reason).end(JSON.stringify(value))
}

/** The content of each file of {@link mews}, unless the test has its own. */
export const content = Buffer.from('{"Id":1}\n'.repeat(100))

export interface Behaviour {
  readonly add?: Handler
  readonly getAll?: Handler
  readonly file?: Handler
  /** What is other than usual about the export, from the address of this host. */
  readonly export?: (url: string) => object
}

/** An API and a host of files that are honest, but for what the test says. One file, unless `export` has others. */
export const mews = async (test: Test, behaviour: Behaviour) => {
  const host = await listen(test, (response, request) => {
    const { host = "" } = request.headers
    const url = `http://${host}`
    const usual = {
      Id: exportId,
      EntityType: "Bill",
      Status: "Success",
      Files: [{ Url: `${url}/files/1.jsonl?sig=${signature}`, SizeInBytes: content.length }],
      ExpiresUtc: null,
      ...behaviour.export?.(url)
    }
    if (request.path.endsWith("/exports/add")) {
      if (behaviour.add !== undefined) return behaviour.add(response, request)
      return json(response, { Export: { ...usual, Status: "Pending", Files: [] } })
    }
    if (request.path.endsWith("/exports/getAll")) {
      if (behaviour.getAll !== undefined) return behaviour.getAll(response, request)
      return json(response, { Exports: [usual] })
    }
    if (behaviour.file !== undefined) return behaviour.file(response, request)
    response.writeHead(200, { "content-length": content.length, etag: '"1"' }).end(content)
  })
  return host
}

/** Of the links of {@link mews}: as long as real ones are. */
export const signature = "c2lnbmF0dXJlLW9mLWEtbGluay1vZi10aGUtdGVzdA"
