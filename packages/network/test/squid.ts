/** Debian's squid as a proxy of the tests, in place of the one from npm: `pnpm proxy-test` installs it and says so. */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import * as net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { TestContext } from "vitest"
import type { Proxy, ProxyOptions } from "./proxy.ts"

const freePort = async (): Promise<number> => {
  const server = net.createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1")
    const end = (yes: boolean) => () => {
      socket.destroy()
      resolve(yes)
    }
    socket.once("connect", end(true)).once("error", end(false))
  })

const names = ["api", "files", "s3", "a", "forbidden"].map((name) => `${name}.longshore.test`)

export const startSquid = async (
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  { forbidden, password, tls }: ProxyOptions
): Promise<Proxy> => {
  const port = await freePort()
  const folder = await mkdtemp(Path.join(Os.tmpdir(), "longshore-squid-"))
  // As root, squid works as another user.
  await chmod(folder, 0o777)
  const file = async (name: string, text: string) => {
    await writeFile(Path.join(folder, name), text)
    return Path.join(folder, name)
  }
  const log = Path.join(folder, "access.log")
  const place = `127.0.0.1:${port}`
  const lines = [
    tls === undefined
      ? `http_port ${place}`
      : `https_port ${place} tls-cert=${await file("cert.pem", tls.cert)} tls-key=${await file("key.pem", tls.key)}`,
    `hosts_file ${await file("hosts", `127.0.0.1 ${names.join(" ")}\n`)}`,
    "logformat asked %>Hs %rm %ru",
    // With its queries: what squid could write is what has to be looked at.
    "strip_query_terms off",
    `access_log stdio:${log} logformat=asked`,
    `cache_log ${Path.join(folder, "cache.log")}`,
    "cache deny all",
    "pid_filename none",
    "shutdown_lifetime 0 seconds"
  ]
  if (password !== undefined) {
    const hash = execFileSync("openssl", ["passwd", "-apr1", password], { encoding: "utf8" }).trim()
    lines.push(
      `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${await file("passwords", `me:${hash}\n`)}`,
      "acl known proxy_auth REQUIRED",
      "http_access deny !known"
    )
  }
  if (forbidden !== undefined) lines.push(`acl forbidden dstdomain ${forbidden}`, "http_access deny forbidden")
  lines.push("http_access allow all")
  const child = spawn("squid", ["-N", "-f", await file("squid.conf", `${lines.join("\n")}\n`)], { stdio: "ignore" })
  const ended = once(child, "exit")
  const stop = async () => {
    child.kill("SIGTERM")
    await ended
  }
  onTestFinished(async () => {
    await stop()
    await rm(folder, { recursive: true, force: true })
  })
  for (let tries = 0; !(await answers(port)); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error("squid did not start")
    await sleep(50)
  }
  return {
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    // A tunnel is written down when it ends, and all of them end with squid.
    log: async () => {
      await stop()
      const text = await readFile(log, "utf8").catch(() => "")
      // Who was asked for a password has asked for nothing yet, and neither has the knock at the door.
      const asked = text
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("407 ") && !line.includes(" error:"))
      return asked.map((line) => line.replace(/^\S+ /, ""))
    }
  }
}
