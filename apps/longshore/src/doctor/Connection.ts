/** One request without tokens to the API's host: name, connection, TLS and answer, the way that an export's go. */
import * as Effect from "effect/Effect"
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { TLSSocket } from "node:tls"
import * as ExitCode from "../output/ExitCode.ts"
import type { Reading } from "./Clock.ts"
import * as Finding from "./Finding.ts"
import * as Network from "./Network.ts"

export interface Connection {
  readonly finding: Finding.Finding
  readonly reading?: Reading
}

const limit = 10_000

export const check = Effect.fnUntraced(function* (platformAddress: string): Effect.fn.Return<Connection> {
  const url = URL.parse(platformAddress)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const problem = `"${platformAddress}" is not an address such as https://api.mews.com`
    return { finding: Finding.failed("connection", ExitCode.usage, problem, "Correct --platform-address.") }
  }
  // Neither a path nor what else an address may hold: this is about the host.
  const address = new URL(url.origin)
  const { connected, error, response, sent, stage } = yield* exchange(address)
  if (response === undefined) {
    const trouble =
      error === undefined
        ? {
            problem: `${address.host} (${Network.way(address)}) gave no answer within ${limit / 1000} s; waiting for ${stage}`,
            exitCode: ExitCode.temporary,
            nextStep: "Check the network, the firewall and the proxy."
          }
        : Network.trouble(address, error)
    return { finding: Finding.failed("connection", trouble.exitCode, trouble.problem, trouble.nextStep) }
  }
  const { headers, statusCode = 0 } = response
  if (statusCode === 407) {
    const { exitCode, nextStep, problem } = Network.refusedByProxy(address)
    return { finding: Finding.failed("connection", exitCode, problem, nextStep) }
  }
  const received = Date.now()
  const date = Date.parse(headers.date ?? "") + 1000 * Number(headers["age"] ?? 0)
  const finding = Finding.ok(
    "connection",
    `${address.origin} ${Network.way(address)}${connected}, answered in ${received - sent} ms`
  )
  return Number.isNaN(date) ? { finding } : { finding, reading: { server: address.hostname, date, sent, received } }
})

interface Exchange {
  readonly response?: IncomingMessage
  readonly error?: NodeJS.ErrnoException
  /** When the request could go out. */
  readonly sent: number
  /** What it is connected with, for people. */
  readonly connected: string
  /** What is waited for. */
  readonly stage: string
}

const exchange = (address: URL) =>
  Effect.callback<Exchange>((resume) => {
    let sent = Date.now()
    let stage = "the connection"
    let connected = ""
    const end = (more: Pick<Exchange, "response" | "error">) => {
      clearTimeout(timer)
      resume(Effect.succeed({ ...more, sent, connected, stage }))
      request.destroy()
    }
    const request = Network.get(address, { method: "GET", headers: { "user-agent": "longshore" } })
    const timer = setTimeout(() => end({}), limit)
    const ready = (socket: Socket) => {
      sent = Date.now()
      stage = "an answer"
      connected = describe(socket)
    }
    request.once("socket", (socket) => {
      if (socket instanceof TLSSocket) {
        socket.once("connect", () => (stage = "TLS"))
        if (socket.authorized) ready(socket)
        else socket.once("secureConnect", () => ready(socket))
      } else if (socket.connecting) socket.once("connect", () => ready(socket))
      else ready(socket)
    })
    request.once("response", (response) => end({ response }))
    request.on("error", (error) => end({ error }))
    request.end()
    return Effect.sync(() => {
      clearTimeout(timer)
      request.destroy()
    })
  })

const describe = (socket: Socket): string => {
  const peer =
    socket.remoteAddress === undefined ? "" : `, connected to ${socket.remoteAddress} port ${socket.remotePort}`
  if (!(socket instanceof TLSSocket)) return peer
  const { issuer, valid_to: until } = socket.getPeerCertificate()
  const by = nameOf(issuer)
  return `${peer}, ${socket.getProtocol()}, certificate${by === undefined ? "" : ` by "${by}"`} until ${until}`
}

/** What strangers call themselves is kept short. */
const nameOf = (issuer: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined) => {
  const name = [issuer?.CN ?? issuer?.O ?? ""]
    .flat()[0]
    ?.replace(/[^\p{L}\p{N} .,'&()*@:/-]/gu, "")
    .slice(0, 100)
  return name === undefined || name === "" ? undefined : name
}
