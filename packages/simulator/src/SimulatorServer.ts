/**
 * The simulator on loopback, over HTTP or HTTPS, with a witness:
 *
 * - `GET /_simulator/requests`: every request, one JSON object a line.
 * - `GET /_simulator/exports`: every export, with the SHA-256 of its files.
 *
 * It never listens on another address: it is no server for anybody else.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import { once } from "node:events"
import * as http from "node:http"
import * as https from "node:https"
import { setImmediate, setTimeout } from "node:timers/promises"
import { Simulator, type SimulatorAnswer } from "./Simulator.ts"

/**
 * Where it listens, always on 127.0.0.1.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatorServerOptions {
  /** Default 0: any that is free. */
  readonly port?: number
  /** Key and certificate in PEM. With them it speaks HTTPS, without them HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** The name in links to files, where it resolves to this machine. Default: the name that the API was asked by. */
  readonly fileHost?: string
}

/**
 * The port cannot be had.
 *
 * @since 0.1.0
 * @category errors
 */
export interface ListenError {
  readonly _tag: "ListenError"
  /** As in errno(3): `EADDRINUSE`, `EACCES`, … */
  readonly code: string
}

/**
 * Listens until the scope ends, and cuts what is still connected then. `url` is what a client takes for the platform's address. For
 * programs that are to be tried as they are, over real sockets and by other tools; `SimulatorHttpClient` is simpler and faster
 * where the program can be given a client.
 *
 * Fails with a `ListenError` if the port cannot be had.
 *
 * @example
 * ```ts
 * import { Simulator, SimulatorServer } from "@longshore/simulator"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { url } = yield* SimulatorServer.make()
 *   const response = yield* Effect.promise(() => fetch(`${url}/_simulator/exports`))
 *   return yield* Effect.promise(() => response.json())
 * })
 *
 * await Effect.runPromise(Effect.scoped(Effect.provide(program, Simulator.layer()))) // => { exports: [] }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: SimulatorServerOptions = {}
): Effect.fn.Return<{ readonly url: string; readonly port: number }, ListenError, Simulator | Scope.Scope> {
  const simulator = yield* Simulator
  const context = yield* Effect.context<Simulator>()
  const run = Effect.runPromiseWith(context)
  let url = ""

  const listener = (request: http.IncomingMessage, response: http.ServerResponse) => {
    serve(request, response).catch(() => response.destroy())
  }

  const serve = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const path = request.url ?? "/"
    if (path.startsWith("/_simulator/")) return await witness(path, response)
    const body = await read(request)
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value])
    )
    // Links lead back the way the request came, also through a proxy.
    const host = options.fileHost === undefined ? headers["host"] : `${options.fileHost}:${port}`
    const origin = host === undefined ? url : `${url.slice(0, url.indexOf(":"))}://${host}`
    const answer = await run(simulator.handle({ method: request.method ?? "GET", origin, path, headers, body }))
    const wait = Duration.toMillis(answer.delay)
    if (wait > 0) {
      const gone = new AbortController()
      response.once("close", () => gone.abort())
      await setTimeout(wait, undefined, { signal: gone.signal }).catch(() => undefined)
    }
    await run(answer.sent(await send(answer, response)))
  }

  const digests = new Map<string, string>()
  const witness = async (path: string, response: http.ServerResponse) => {
    if (path === "/_simulator/requests") {
      const requests = await run(simulator.requests)
      response.setHeader("content-type", "application/x-ndjson")
      response.end(requests.map((request) => `${JSON.stringify(request)}\n`).join(""))
      return
    }
    if (path !== "/_simulator/exports") {
      response.writeHead(404).end()
      return
    }
    const exports = []
    for (const { account, createdAt, entityType, files, id, status } of await run(simulator.exports)) {
      const described = []
      for (const file of files) {
        let sha256 = digests.get(file.etag)
        if (sha256 === undefined) {
          const hash = createHash("sha256")
          let n = 0
          for (const chunk of file.read(0, file.size)) {
            hash.update(chunk)
            // Others want to be served meanwhile.
            if (++n % 8 === 0) await setImmediate()
          }
          sha256 = hash.digest("hex")
          digests.set(file.etag, sha256)
        }
        described.push({ size: file.size, sha256 })
      }
      exports.push({ id, entityType, account, createdAt, status, files: described })
    }
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({ exports }))
  }

  const server = options.tls === undefined ? http.createServer(listener) : https.createServer(options.tls, listener)
  server.keepAliveTimeout = 30_000
  const port = yield* Effect.acquireRelease(
    Effect.callback<number, ListenError>((resume) => {
      server.once("error", (cause: NodeJS.ErrnoException) =>
        resume(Effect.fail({ _tag: "ListenError", code: cause.code ?? "UNKNOWN" }))
      )
      server.listen(options.port ?? 0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
      })
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  url = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`
  return { url, port }
})

const read = async (request: http.IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = []
  let size = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    // What is larger is refused by its size: the rest need not be kept.
    if (size <= 2_000_000) chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** The reader took what was written, or is gone. */
const drained = (response: http.ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done)
      resolve()
    }
    response.once("drain", done).once("close", done)
  })

/** Sends the answer as it is meant to go, at the pace of the reader, and tells how many bytes of the body went out. */
const send = async (answer: SimulatorAnswer, response: http.ServerResponse): Promise<number> => {
  if (answer.ending === "nothing" || response.destroyed) {
    response.destroy()
    return 0
  }
  response.writeHead(answer.status, answer.headers)
  const limited = Number.isFinite(answer.bandwidth)
  const piece = limited ? Math.max(1, Math.min(64 * 1024, Math.floor(answer.bandwidth / 20))) : Infinity
  const started = performance.now()
  let sent = 0
  for (const chunk of answer.body()) {
    for (let at = 0; at < chunk.length; at += piece) {
      if (response.destroyed) return sent
      const bytes = limited ? chunk.subarray(at, at + piece) : chunk
      sent += bytes.length
      if (!response.write(bytes)) await drained(response)
      if (limited) {
        const ahead = (sent / answer.bandwidth) * 1000 - (performance.now() - started)
        if (ahead > 1) await setTimeout(ahead)
      }
    }
  }
  if (answer.ending === "stall") {
    if (!response.destroyed) await once(response, "close")
    return sent
  }
  if (answer.ending === "cut") {
    // What was written goes out first, then the connection is gone.
    response.socket?.destroySoon()
    return sent
  }
  response.end()
  return sent
}
