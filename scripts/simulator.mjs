// A simulator of the Connector API in a process of its own, and what its witness says: for the scripts that play a
// person at a shell.
import { spawn } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { freePorts } from "./ports.mjs"

/** The built program. */
export const cli = fileURLToPath(new URL("../apps/longshore/dist/main.js", import.meta.url))

/** Starts it with these flags. It ends with this process, or with `stop`. */
export const startSimulator = async (...flags) => {
  const [port] = await freePorts(1)
  const address = `http://127.0.0.1:${port}`
  const env = {
    ...process.env,
    LONGSHORE_PLATFORM_ADDRESS: address,
    LONGSHORE_CLIENT_TOKEN: "simulator-client-token",
    LONGSHORE_ACCESS_TOKEN: "simulator-access-token"
  }
  const child = spawn(process.execPath, [cli, "simulate", "--port", String(port), ...flags], { stdio: "ignore", env })
  const stop = () => {
    process.off("exit", stop)
    child.kill()
  }
  process.on("exit", stop)
  const witness = async (path) => (await fetch(`${address}/_simulator/${path}`)).text()
  for (let tries = 0; ; tries++) {
    const answers = await witness("requests").then(
      () => true,
      () => false
    )
    if (answers) break
    if (tries > 100) throw new Error("The simulator did not start.")
    await sleep(100)
  }
  return {
    /** The variables that point the program at it. */
    env,
    stop,
    exports: async () => JSON.parse(await witness("exports")).exports,
    requests: async () =>
      (await witness("requests"))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line))
  }
}

/** Bytes of files that went out. */
export const moved = (requests) =>
  requests.reduce((sum, request) => sum + (request.kind === "file" ? request.bytes : 0), 0)
