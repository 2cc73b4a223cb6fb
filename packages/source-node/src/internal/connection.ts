/**
 * One connection that carries one GET after the other. Bytes go from the socket straight into large buffers that are used
 * again and again: nothing is collected, and nothing is copied between the kernel's two sides.
 */
import * as ConnectError from "@longshore/core/ConnectError"
import * as Certificates from "@longshore/network/Certificates"
import type { Proxy } from "@longshore/network/Proxies"
import * as Tunnel from "@longshore/network/Tunnel"
import * as net from "node:net"
import * as tls from "node:tls"
import { maxHead, parse, type PlainHead } from "./head.ts"

/** Fits the processor's cache, and is so large that what is done for each one does not count. */
const bufferSize = 1024 * 1024

/** Less room is not worth a read: a record of TLS has 16 KiB. */
const minRoom = 16 * 1024

/** Milliseconds after which what a slow host sent is handed on: whoever watches must see that something comes. */
const gatherTime = 100

/** There is an answer, but it takes a full HTTP client to read it. */
interface Unsuited {
  readonly _tag: "Unsuited"
}

/** The connection broke, or never came about. `silent`: before the first byte of an answer. */
interface Broken {
  readonly _tag: "Broken"
  /** The operating system's code, or better words. */
  readonly reason: string | ConnectError.ConnectError | undefined
  readonly silent: boolean
}

export type Failure = Unsuited | Broken

/** What happens, to whoever asked. One request at a time, one read at a time. */
export interface HeadListener {
  readonly onHead: (head: PlainHead) => void
  readonly onFailure: (failure: Failure) => void
}
export interface BodyListener {
  /** Valid until the next read. */
  readonly onBytes: (bytes: Uint8Array) => void
  readonly onEnd: () => void
  readonly onFailure: (failure: Failure) => void
}

interface Filled {
  readonly buffer: Buffer
  readonly from: number
  readonly to: number
}

export class Connection {
  /** There is none while a proxy makes a tunnel. */
  #socket: net.Socket | undefined
  /** What waits for it. */
  #unsent = ""
  #state: "idle" | "head" | "body" = "idle"
  #failure: Failure | undefined
  #headListener: HeadListener | undefined
  #bodyListener: BodyListener | undefined
  /** Bytes of the body that have not come yet. */
  #left = 0
  #keepAlive = true
  #paused = false

  // Buffers go round: filling, full, lent, free.
  #filling: Buffer = Buffer.allocUnsafeSlow(bufferSize)
  /** Where the body's bytes in it begin, and where what was received ends. */
  #from = 0
  #to = 0
  /** When the first of these bytes came. */
  #since = 0
  readonly #full: Array<Filled> = []
  #lent: Buffer | undefined
  readonly #free: Array<Buffer> = []

  constructor(url: URL, options: tls.ConnectionOptions, proxy: Proxy | undefined) {
    const secure = url.protocol === "https:"
    const host = url.hostname.replace(/^\[|\]$/g, "")
    const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port)
    const onread: net.OnReadOpts = {
      buffer: () => this.#filling.subarray(this.#to),
      callback: (count) => this.#received(count)
    }
    const servername = net.isIP(host) === 0 ? { servername: host } : {}
    // TLS sockets take `onread` as plain ones do; their types do not know it.
    const connect = (more: tls.ConnectionOptions & { readonly onread?: net.OnReadOpts }) =>
      Certificates.explain(tls.connect({ ...options, ...servername, host, port, ...more }), host)
    if (secure && proxy !== undefined) {
      // Over another socket there is no `onread`.
      const through = (socket: net.Socket) => connect({ socket }).on("data", (bytes: Buffer) => this.#copy(bytes))
      Tunnel.open(proxy, { host, port }).then(
        (socket) => (this.#failure === undefined ? this.#use(through(socket)) : void socket.destroy()),
        (error: unknown) => this.#broke(ConnectError.find(error))
      )
    } else {
      this.#use(
        secure
          ? connect({ onread })
          : proxy === undefined
            ? net.connect({ host, port, onread })
            : Tunnel.dial(proxy, { onread })
      )
    }
  }

  #use(socket: net.Socket): void {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on("error", (error) => this.#broke(ConnectError.find(error)))
    socket.on("end", () => this.#broke("ECONNRESET"))
    socket.on("close", () => this.#broke("ECONNRESET"))
    if (this.#unsent !== "") socket.write(this.#unsent, "latin1")
  }

  /** Whether it can carry another request. */
  get usable(): boolean {
    return this.#failure === undefined && this.#state === "idle" && this.#keepAlive
  }

  /** A connection that waits for work does not keep the process alive. */
  rest(): void {
    this.#socket?.unref()
  }

  /** Sends a request and waits for the head of its answer. */
  request(text: string, listener: HeadListener): void {
    if (this.#failure !== undefined) return listener.onFailure(this.#failure)
    this.#socket?.ref()
    this.#headListener = listener
    this.#state = "head"
    this.#from = this.#to = 0
    if (this.#socket === undefined) this.#unsent = text
    else this.#socket.write(text, "latin1")
  }

  /** The next bytes of the body. */
  read(listener: BodyListener): void {
    if (this.#lent !== undefined) {
      this.#free.push(this.#lent)
      this.#lent = undefined
    }
    const next = this.#full.shift()
    if (next !== undefined) {
      this.#lent = next.buffer
      if (this.#paused && this.#full.length === 0) {
        this.#paused = false
        this.#socket?.resume()
      }
      return listener.onBytes(next.buffer.subarray(next.from, next.to))
    }
    if (this.#state === "idle") return listener.onEnd()
    if (this.#failure !== undefined) return listener.onFailure(this.#failure)
    this.#bodyListener = listener
  }

  /** Nobody listens any more. */
  destroy(): void {
    this.#headListener = this.#bodyListener = undefined
    this.#failure ??= { _tag: "Broken", reason: undefined, silent: false }
    this.#socket?.destroy()
  }

  /** So many bytes came into the filling buffer. Gives false to hold the sender back. */
  #received(count: number): boolean {
    const before = this.#to
    if (before === this.#from) this.#since = performance.now()
    this.#to += count
    let got = count
    if (this.#state === "head") {
      const end = this.#endOfHead(before)
      if (end === undefined) return true
      got = this.#to - end
    } else if (this.#state === "idle") {
      // Bytes that nobody asked for: whose answer they are cannot be known.
      this.#broke(undefined)
      return false
    }
    this.#left -= got
    if (this.#left < 0) {
      // More than was announced. The body is whole; what follows makes the connection useless.
      this.#to += this.#left
      this.#keepAlive = false
    }
    if (this.#left <= 0) {
      this.#state = "idle"
      this.#pass()
      return this.#keepAlive
    }
    const isAwaited = this.#bodyListener !== undefined && performance.now() - this.#since > gatherTime
    if (isAwaited || this.#filling.length - this.#to < minRoom) this.#pass()
    // A little may come all the same: what TLS has decrypted already.
    this.#paused = this.#full.length > 0
    return !this.#paused
  }

  /** The same, for a socket that brings memory of its own. */
  #copy(bytes: Buffer): void {
    let flows = true
    for (let at = 0; at < bytes.length && this.#failure === undefined;) {
      const count = bytes.copy(this.#filling, this.#to, at)
      at += count
      flows = this.#received(count)
    }
    if (!flows) this.#socket?.pause()
  }

  /** Where the body begins, once the head is whole. `before` bytes were looked through already. */
  #endOfHead(before: number): number | undefined {
    const end = this.#filling.subarray(0, this.#to).indexOf("\r\n\r\n", Math.max(0, before - 3))
    const head = end < 0 || end > maxHead ? undefined : parse(this.#filling.toString("latin1", 0, end))
    if (head === undefined) {
      if (end >= 0 || this.#to > maxHead) this.#fail({ _tag: "Unsuited" })
      return undefined
    }
    this.#state = "body"
    this.#left = head.length
    this.#keepAlive = head.keepAlive
    this.#from = end + 4
    const listener = this.#headListener
    this.#headListener = undefined
    listener?.onHead(head)
    return this.#from
  }

  /** What was filled can be read; the next buffer is filled. */
  #pass(): void {
    if (this.#to > this.#from) {
      this.#full.push({ buffer: this.#filling, from: this.#from, to: this.#to })
      this.#filling = this.#free.pop() ?? Buffer.allocUnsafeSlow(bufferSize)
    }
    this.#from = this.#to = 0
    const listener = this.#bodyListener
    this.#bodyListener = undefined
    if (listener !== undefined) this.read(listener)
  }

  #broke(reason: Broken["reason"]): void {
    this.#fail({ _tag: "Broken", reason, silent: this.#state === "head" && this.#to === 0 })
  }

  #fail(failure: Failure): void {
    this.#failure ??= failure
    this.#socket?.destroy()
    const listener = this.#headListener ?? this.#bodyListener
    this.#headListener = this.#bodyListener = undefined
    listener?.onFailure(this.#failure)
  }
}
