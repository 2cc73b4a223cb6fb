/** Connections by origin: one that has done its work waits a while for more. */
import type { Proxies } from "@longshore/network/Proxies"
import type * as tls from "node:tls"
import { Connection } from "./connection.ts"

/** Milliseconds. Servers close idle connections themselves, most after 5 seconds or more; one that is too old is noticed. */
const maxIdle = 15_000

export interface Pooled {
  readonly connection: Connection
  /** Whether it did work before. */
  readonly used: boolean
}

export class Pool {
  readonly #idle = new Map<string, Array<{ readonly connection: Connection; readonly timer: NodeJS.Timeout }>>()
  readonly #options: tls.ConnectionOptions
  readonly #proxies: Proxies

  constructor(options: tls.ConnectionOptions, proxies: Proxies) {
    this.#options = options
    this.#proxies = proxies
  }

  /** The one that rested least, or a new one. */
  take(url: URL, fresh: boolean): Pooled {
    const idle = this.#idle.get(url.origin) ?? []
    for (let found = fresh ? undefined : idle.pop(); found !== undefined; found = idle.pop()) {
      clearTimeout(found.timer)
      if (found.connection.usable) return { connection: found.connection, used: true }
      found.connection.destroy()
    }
    return { connection: new Connection(url, this.#options, this.#proxies.of(url)), used: false }
  }

  /** It has done its work: it rests, or ends if it broke or is in the middle of something. */
  give(url: URL, connection: Connection): void {
    if (!connection.usable) return connection.destroy()
    connection.rest()
    const idle = this.#idle.get(url.origin) ?? []
    this.#idle.set(url.origin, idle)
    const timer = setTimeout(() => {
      connection.destroy()
      this.#idle.set(
        url.origin,
        (this.#idle.get(url.origin) ?? []).filter((other) => other.connection !== connection)
      )
    }, maxIdle).unref()
    idle.push({ connection, timer })
  }

  close(): void {
    for (const { connection, timer } of [...this.#idle.values()].flat()) {
      clearTimeout(timer)
      connection.destroy()
    }
    this.#idle.clear()
  }
}
