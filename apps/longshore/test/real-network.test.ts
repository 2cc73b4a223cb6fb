import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorServer from "@longshore/simulator/SimulatorServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { readFileSync } from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it, type TestContext } from "vitest"
import { delivered, digested, laboratory, pointedAt } from "./program.ts"
import { type Fault, startProxy } from "./proxy.ts"

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../packages/simulator/test/fixtures/${name}.pem`, import.meta.url))
const tls = { key: readFileSync(fixture("key"), "utf8"), cert: readFileSync(fixture("cert"), "utf8") }

class Server extends Context.Service<Server, { readonly port: number }>()("test/Server") {}

/**
 * A ready export of four files, its host, a proxy before it, and the command that fetches it through the proxy. Its
 * first request is a look, which may fail as any other may.
 */
const exported = async (context: TestContext, scheme: "http" | "https", options: Simulator.SimulatorOptions = {}) => {
  const simulated = Simulator.layer({ pending: 0, processing: 0, files: 4, fileSize: 400_000, ...options })
  const served = Layer.effect(Server, SimulatorServer.make(scheme === "https" ? { tls } : {}))
  const runtime = ManagedRuntime.make(Layer.provideMerge(served, simulated))
  context.onTestFinished(() => runtime.dispose())
  const { port } = await runtime.runPromise(Server)
  const proxy = await startProxy(context, port)
  const lab = laboratory(context)
  const trusted = { NODE_EXTRA_CA_CERTS: fixture("cert") }
  const env = { ...trusted, ...pointedAt(`${scheme}://127.0.0.1:${proxy.port}`) }
  const first = await lab.longshore(["export", "Bill", "--to", await lab.folder()], { env })
  expect(first.code).toBe(0)
  const ask = <A>(get: (simulator: Simulator.Simulator["Service"]) => Effect.Effect<A>) =>
    runtime.runPromise(Effect.flatMap(Simulator.Simulator, get))
  const truth = digested(await ask(({ exports }) => exports))
  const target = await lab.folder()
  const looks = async () => (await ask(({ requests }) => requests)).filter(({ kind }) => kind === "getAll").length
  const before = await looks()
  return {
    env,
    proxy,
    /** Fetches it all, with this clock. Every byte must be right in the end. Gives the manifest. */
    fetch: async (clock = ""): Promise<{ readonly completedUtc: string }> => {
      const command = ["export", "Bill", "--to", target, "--export-id", truth[0]?.id ?? "", "--part-size", "64KiB"]
      const preload = `${import.meta.resolve("./clock.mjs")}?${clock}`
      const ended = await lab.longshore(command, { env: { ...env, NODE_OPTIONS: `--import=${preload}` } })
      expect(ended.stderr).toMatch(/Bill: done, 4 files, 1\.6 MB, verified/)
      expect(ended.code).toBe(0)
      await delivered(target, truth)
      return JSON.parse(readFileSync(Path.join(target, "Bill", truth[0]?.id ?? "", "manifest.json"), "utf8"))
    },
    /** Looks at the export since it was ready. */
    looks: async () => (await looks()) - before
  }
}

describe.concurrent.for(["http", "https"] as const)(
  "over %s, through a network that is broken",
  { timeout: 60_000 },
  (scheme) => {
    /** Before the first byte, in what comes first (a head, a handshake), and in the middle of a file. */
    it.for<[title: string, fault: Fault, after: ReadonlyArray<number>, clock?: string]>([
      ["F44 connections are reset", "reset", [0, 100, 30_000, 30_000]],
      ["F45 connections end cleanly and too early", "end", [0, 100, 30_000, 30_000]],
      ["F31 F47 connections fall silent", "stall", [0, 30_000, 30_000], "speed=20"],
      ["F47 connections drip", "drip", [30_000, 30_000], "speed=20"]
    ])("%s", async ([, fault, after, clock], context) => {
      const { fetch, proxy } = await exported(context, scheme)
      for (const bytes of after) proxy.spoil(fault, bytes)
      await fetch(clock)
      expect(proxy.spoiled()).toBe(after.length)
    })
  }
)

describe.concurrent("over https", { timeout: 60_000 }, () => {
  it("F53 a byte that is another on its way is noticed, and fetched again", async (context) => {
    const { fetch, proxy } = await exported(context, "https")
    for (const bytes of [10_000, 30_000, 50_000]) proxy.spoil("flip", bytes)
    await fetch()
    expect(proxy.spoiled()).toBe(3)
  })

  it.for([
    ["F41 a clock that is 15 minutes fast: links are asked for once", 15, "", 1],
    ["F41 a clock that is 15 minutes slow: links are asked for once", -15, "", 1],
    ["F43 a clock that jumps an hour ahead in the middle: at most once more", 60, "&after=400", 2],
    ["F43 a clock that jumps an hour back in the middle: at most once more", -60, "&after=400", 2]
  ] as const)("%s", async ([, minutes, when, most], context) => {
    const { fetch, looks } = await exported(context, "https", { bandwidth: 400_000 })
    const { completedUtc } = await fetch(`shift=${minutes * 60_000}${when}`)
    // The program's clock was as wrong as it was to be.
    const wrongBy = (Date.parse(completedUtc) - Date.now()) / 60_000
    expect(Math.abs(wrongBy - minutes)).toBeLessThan(5)
    expect(await looks()).toBeLessThanOrEqual(most)
  })

  it("F17 a host whose certificate nobody vouches for gets nothing", async (context) => {
    const { env, looks } = await exported(context, "https")
    const lab = laboratory(context)
    const { NODE_EXTRA_CA_CERTS: _, ...untrusting } = env
    const command = ["export", "Bill", "--to", await lab.folder(), "--retries", "0"]
    const ended = await lab.longshore(command, { env: untrusting })
    expect(ended.stderr).toMatch(
      /^longshore: .*certificate of 127\.0\.0\.1, issued by "localhost", .*--ca-file.* Next: /m
    )
    expect(ended.code).toBe(3)
    expect(await looks()).toBe(0)
  })
})
