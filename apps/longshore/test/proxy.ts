/** A stretch of network between the program and a host: it passes on what it gets, and breaks as the test says. */
import * as net from "node:net"
import type { TestContext } from "vitest"

/**
 * What happens to what a host sends: a reset, a clean end that comes too early, silence, a byte now and then, or another
 * bit in one of its bytes.
 */
export type Fault = "reset" | "end" | "stall" | "drip" | "flip"

export interface Proxy {
  readonly port: number
  /** Spoils the next connections that carried so many bytes of the host's; one unless `times` says more. */
  readonly spoil: (fault: Fault, after: number, times?: number) => void
  /** How many connections were spoiled, in all. */
  readonly spoiled: () => number
}

export const startProxy = async (
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  target: number
): Promise<Proxy> => {
  const rules: Array<{ readonly fault: Fault; readonly after: number; times: number }> = []
  const sockets = new Set<net.Socket>()
  let spoiled = 0

  /** The rule that bites when `passed` bytes become `next`. */
  const biting = (passed: number, next: number) => {
    const rule = rules.find(({ after, times }) => times > 0 && passed <= after && after < next)
    if (rule === undefined) return undefined
    rule.times -= 1
    spoiled += 1
    return rule
  }

  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const host = net.connect({ port: target, host: "127.0.0.1", allowHalfOpen: true })
    for (const socket of [client, host]) {
      sockets.add(socket)
      // Whoever leaves takes the other one along.
      socket
        .on("error", () => undefined)
        .on("close", () => {
          sockets.delete(socket)
          client.destroy()
          host.destroy()
        })
    }
    client.pipe(host)
    let passed = 0
    const pass = (bytes: Buffer) => {
      passed += bytes.length
      if (!client.write(bytes)) {
        host.pause()
        client.once("drain", () => host.resume())
      }
    }
    const listen = (bytes: Buffer) => {
      const rule = biting(passed, passed + bytes.length)
      if (rule === undefined) return pass(bytes)
      const at = rule.after - passed
      if (rule.fault === "flip") {
        bytes[at]! ^= 1
        return pass(bytes)
      }
      pass(bytes.subarray(0, at))
      host.off("data", listen).pause()
      if (rule.fault === "reset") client.resetAndDestroy()
      if (rule.fault === "end") client.end()
      if (rule.fault === "drip") {
        const rest = [...bytes.subarray(at)]
        const timer = setInterval(() => client.write(Buffer.of(rest.shift() ?? 0)), 100)
        client.once("close", () => clearInterval(timer))
      }
    }
    host.on("data", listen).on("end", () => client.end())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    spoil: (fault, after, times = 1) => void rules.push({ fault, after, times }),
    spoiled: () => spoiled
  }
}
