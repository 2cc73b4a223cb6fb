import { createServer } from "node:net"

/** Ports of loopback that nobody listens on now. All are held until the last is known, so that they differ. */
export const freePorts = async (count) => {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve))
      return server
    })
  )
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
