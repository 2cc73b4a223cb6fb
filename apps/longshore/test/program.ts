/** The built program and the simulator as processes, as users run them. */
import { type ChildProcess, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { expect, type TestContext } from "vitest"
import { conformsJson } from "./schemas.ts"

export const main = fileURLToPath(new URL("../dist/main.js", import.meta.url))
if (!existsSync(main)) throw new Error("The program is not built: run `pnpm build` first.")

/** One for all tests of a process: what they leave there must not matter. */
const home = mkdtempSync(Path.join(Os.tmpdir(), "longshore-home-"))
process.once("exit", () => rmSync(home, { recursive: true, force: true }))

const clientToken = "CLIENT0TOKEN0E0D439EE522F44368DC7"
const accessToken = "ACCESS0TOKEN0C66EF7B239D24632943D"

/** The variables that point the program at an address. */
export const pointedAt = (url: string): Record<string, string> => ({
  LONGSHORE_PLATFORM_ADDRESS: url,
  LONGSHORE_CLIENT_TOKEN: clientToken,
  LONGSHORE_ACCESS_TOKEN: accessToken
})

interface Running {
  readonly child: ChildProcess
  /** Resolves as soon as stderr matches, with the group. */
  readonly says: (pattern: RegExp) => Promise<string>
  readonly ended: Promise<Ended>
}

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

interface Launch {
  readonly env?: Record<string, string>
  /** A command line for a shell, in place of arguments. */
  readonly shell?: string
  /** A shell script that starts the program as `"$@"`, such as `ulimit -n 40; exec "$@"`. */
  readonly through?: string
}

const launch = (args: ReadonlyArray<string>, { env = {}, shell, through }: Launch): Running => {
  const direct = [process.execPath, main, ...args]
  const [command = "", ...rest] =
    shell !== undefined ? [shell] : through !== undefined ? ["/bin/sh", "-c", through, "sh", ...direct] : direct
  const child = spawn(command, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    shell: shell !== undefined,
    // Nothing of the machine's own settings: neither tokens nor journals.
    env: {
      PATH: `${Path.dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
      HOME: home,
      // Hundreds of starts: each finds compiled what the first one compiled.
      NODE_COMPILE_CACHE: Path.join(home, "compiled"),
      ...env
    }
  })
  const out: Array<Buffer> = []
  let stderr = ""
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk))
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = new Promise<Ended>((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal, stdout: Buffer.concat(out), stderr }))
  )
  const says = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(stderr)
        if (match === null) return
        child.stderr?.off("data", look)
        resolve(match[1] ?? "")
      }
      child.stderr?.on("data", look)
      child.once("close", () => reject(new Error(`It ended without saying ${pattern}: ${stderr}`)))
      look()
    })
  return { child, says, ended }
}

export const secretless = (text: string): void => {
  for (const secret of [clientToken, accessToken, "sig=", "se="]) expect(text).not.toContain(secret)
  expect(text).not.toMatch(/^\s+at .+:\d+/m)
}

interface Witness {
  readonly env: Record<string, string>
  /** Of the simulator. */
  readonly process: ChildProcess
  /** Requests of one kind, as the simulator saw them. */
  readonly requests: (
    kind: "add" | "getAll" | "file"
  ) => Promise<ReadonlyArray<{ readonly status: number; readonly file: number | null; readonly bytes: number }>>
  readonly exports: () => Promise<
    ReadonlyArray<{
      readonly id: string
      readonly entityType: string
      readonly files: ReadonlyArray<{ readonly size: number; readonly sha256: string }>
    }>
  >
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

/** What a simulator of this process exported, with digests. */
export const digested = (
  exports: ReadonlyArray<{
    readonly id: string
    readonly entityType: string
    readonly files: ReadonlyArray<{
      readonly size: number
      readonly read: (start: number, end: number) => Iterable<Uint8Array>
    }>
  }>
) =>
  exports.map(({ entityType, files, id }) => ({
    entityType,
    id,
    files: files.map(({ read, size }) => {
      const hash = createHash("sha256")
      for (const bytes of read(0, size)) hash.update(bytes)
      return { size, sha256: hash.digest("hex") }
    })
  }))

/** What the simulator exported is there, byte for byte, and nothing that is partial. */
export const delivered = async (target: string, exports: Awaited<ReturnType<Witness["exports"]>>): Promise<void> => {
  for (const { entityType, files, id } of exports) {
    const path = Path.join(target, entityType, id)
    const names = files.map((_, index) => `${entityType}-${String(index + 1).padStart(5, "0")}.jsonl`)
    expect((await readdir(path)).sort()).toEqual([...names, "manifest.json"])
    for (const [index, name] of names.entries()) {
      expect(sha256(await readFile(Path.join(path, name)))).toBe(files[index]?.sha256)
    }
  }
}

/** What was stopped on its way: whatever is under a final name is whole, and no manifest says that all of it is there. */
export const unfinished = async (target: string, exports: Awaited<ReturnType<Witness["exports"]>>): Promise<void> => {
  const digests = new Set(exports.flatMap(({ files }) => files.map((file) => file.sha256)))
  for (const name of await readdir(target, { recursive: true }).catch(() => [])) {
    expect(name).not.toMatch(/manifest\.json$/)
    if (/-\d{5}\.jsonl$/.test(name)) expect(digests).toContain(sha256(await readFile(Path.join(target, name))))
  }
}

/** What a test may use, and what is gone after it. */
interface Lab {
  readonly folder: () => Promise<string>
  readonly start: (args: ReadonlyArray<string>, launch?: Launch) => Running
  /** Runs to the end. Whatever it was, no token and no signed link may be in what it said, and JSON is as published. */
  readonly longshore: (args: ReadonlyArray<string>, launch?: Launch) => Promise<Ended>
  /** A simulator that is quick unless told otherwise, and the variables that point the program at it. */
  readonly simulator: (...args: ReadonlyArray<string>) => Promise<Witness>
}

export const laboratory = ({ onTestFinished }: TestContext): Lab => {
  const start: Lab["start"] = (args, options = {}) => {
    const running = launch(args, options)
    onTestFinished(() => void running.child.kill("SIGKILL"))
    return running
  }
  return {
    start,
    folder: async () => {
      const path = await mkdtemp(Path.join(Os.tmpdir(), "longshore-"))
      onTestFinished(() => rm(path, { recursive: true, force: true }))
      return path
    },
    longshore: async (args, options) => {
      const ended = await start(args, options).ended
      secretless(ended.stderr)
      if (args.includes("-")) return ended
      secretless(ended.stdout.toString())
      const command = args[0] === "cluster" ? args.slice(0, 2).join("-") : (args[0] ?? "")
      if (args.includes("--json")) conformsJson(command, ended.stdout.toString())
      return ended
    },
    simulator: async (...args) => {
      const quick = { "--pending": "100ms", "--processing": "100ms", "--files": "2", "--file-size": "300kB" }
      const defaults = Object.entries(quick).flatMap((pair) => (args.includes(pair[0]) ? [] : pair))
      const running = start(["simulate", "--port", "0", ...defaults, ...args])
      const url = await running.says(/listens on (http:\S+)/)
      const get = async (path: string) => (await fetch(`${url}/_simulator/${path}`)).text()
      return {
        env: pointedAt(url),
        process: running.child,
        requests: async (kind) =>
          (await get("requests"))
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => JSON.parse(line))
            .filter((request) => request.kind === kind),
        exports: async () => JSON.parse(await get("exports")).exports
      }
    }
  }
}
