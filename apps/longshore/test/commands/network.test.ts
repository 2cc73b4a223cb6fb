import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorServer from "@longshore/simulator/SimulatorServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { request } from "node:https"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it, type TestContext } from "vitest"
import { startProxy } from "../../../../packages/network/test/proxy.ts"
import { startImitation } from "../../../../packages/sink-s3/test/imitation.ts"
import { delivered, digested, laboratory, pointedAt, secretless } from "../program.ts"

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../../packages/network/test/fixtures/${name}.pem`, import.meta.url))
const tls = { key: readFileSync(fixture("key"), "utf8"), cert: readFileSync(fixture("cert"), "utf8") }
const authority = fixture("authority")

class Server extends Context.Service<Server, { readonly port: number }>()("test/Server") {}

/**
 * The API, its file host and a bucket, over HTTPS with certificates of a private authority, under names that this machine does not
 * know: a proxy does. Nothing gets anywhere by accident.
 */
const world = async (context: TestContext) => {
  const simulated = Simulator.layer({ pending: 0, processing: 0, files: 2, fileSize: 400_000 })
  const served = Layer.effect(Server, SimulatorServer.make({ tls, fileHost: "files.longshore.test" }))
  const runtime = ManagedRuntime.make(Layer.provideMerge(served, simulated))
  context.onTestFinished(() => runtime.dispose())
  const { port } = await runtime.runPromise(Server)
  const s3 = Number(new URL(await startImitation(tls)).port)
  const bucket = (method: string, key = "") =>
    new Promise<Buffer>((resolve, reject) =>
      request({
        host: "127.0.0.1",
        port: s3,
        path: `/exports/${key}`,
        method,
        ca: readFileSync(authority),
        servername: "s3.longshore.test"
      })
        .once("response", async (response) => resolve(Buffer.concat(await response.toArray())))
        .once("error", reject)
        .end()
    )
  await bucket("PUT")
  return {
    env: {
      ...pointedAt(`https://api.longshore.test:${port}`),
      AWS_ACCESS_KEY_ID: "imitation",
      AWS_SECRET_ACCESS_KEY: "SECRET0ACCESS0KEY",
      AWS_ENDPOINT_URL: `https://s3.longshore.test:${s3}`
    },
    /** What the proxy is asked for, if it is asked for all. */
    lines: {
      api: `CONNECT api.longshore.test:${port}`,
      files: `CONNECT files.longshore.test:${port}`,
      s3: `CONNECT s3.longshore.test:${s3}`
    },
    truth: async () =>
      digested(await runtime.runPromise(Effect.flatMap(Simulator.Simulator, ({ exports }) => exports))),
    bucket
  }
}

const password = "PASSWORD0OF0THE0PROXY"
const withPassword = (url: string) => url.replace("//", `//me:${password}@`)
const preload = { NODE_OPTIONS: `--import=${import.meta.resolve("../hosts.mjs")}` }

describe.concurrent("by way of a proxy, with a private authority", () => {
  it("API, file host and S3 are reached, and the proxy reads nothing but their names", async (context) => {
    const { bucket, env, lines, truth } = await world(context)
    const proxy = await startProxy(context, { password })
    const lab = laboratory(context)
    const command = [
      "export",
      "Bill",
      "--to",
      "s3://exports/mews",
      "--state",
      await lab.folder(),
      "--ca-file",
      authority
    ]
    const ended = await lab.longshore(command, { env: { ...env, HTTPS_PROXY: withPassword(proxy.url) } })
    expect(ended.stderr).toMatch(/Bill: done, 2 files, 800\.0 kB, verified/)
    expect(ended.code).toBe(0)
    const [found] = await truth()
    for (const [index, { sha256 }] of (found?.files ?? []).entries()) {
      const bytes = await bucket("GET", `mews/Bill/${found?.id}/Bill-0000${index + 1}.jsonl`)
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256)
    }
    expect(new Set(await proxy.log())).toEqual(new Set(Object.values(lines)))
    secretless((await proxy.log()).join("\n"))
    expect(ended.stderr).not.toContain(password)
  })

  it("NO_PROXY leads by it, for each of them", async (context) => {
    const { env, lines, truth } = await world(context)
    const lab = laboratory(context)
    const target = await lab.folder()
    /** What the proxy was asked for. */
    const run = async (to: string, exceptions: string) => {
      const proxy = await startProxy(context)
      const more = {
        HTTPS_PROXY: proxy.url,
        NO_PROXY: exceptions,
        LONGSHORE_CA_FILE: authority,
        LONGSHORE_STATE: await lab.folder()
      }
      const ended = await lab.longshore(["export", "Bill", "--to", to], { env: { ...env, ...more, ...preload } })
      expect(ended.stderr).toMatch(/Bill: done/)
      expect(ended.code).toBe(0)
      return new Set(await proxy.log())
    }
    expect(await run(target, ".longshore.test")).toEqual(new Set())
    await delivered(target, await truth())
    expect(await run("s3://exports/mews", "s3.longshore.test, files.longshore.test")).toEqual(new Set([lines.api]))
  })
})

describe.concurrent("what keeps the API from being reached", () => {
  const nobody = "http://127.0.0.1:9"
  interface There {
    /** It wants a password. */
    readonly proxy: string
    /** A file of certificates. */
    readonly damaged: string
  }

  it.for<[what: string, env: (there: There) => Record<string, string>, code: number, message: string]>([
    [
      "a proxy that is not there",
      () => ({ HTTPS_PROXY: withPassword(nobody) }),
      5,
      `the proxy ${nobody} (HTTPS_PROXY) could not be reached: nobody listens at that address (ECONNREFUSED)`
    ],
    [
      "a proxy that wants a password",
      ({ proxy }) => ({ HTTPS_PROXY: proxy }),
      3,
      "wants a name and a password (HTTP 407)"
    ],
    [
      "a proxy of another kind",
      () => ({ ALL_PROXY: withPassword("socks5://host:1080") }),
      3,
      "ALL_PROXY names a proxy that speaks socks5"
    ],
    [
      "certificates that are not there",
      () => ({ LONGSHORE_CA_FILE: "/nowhere/ca.pem" }),
      3,
      "The certificates in /nowhere/ca.pem (LONGSHORE_CA_FILE) cannot be read (ENOENT)"
    ],
    ["certificates that are none", () => ({ AWS_CA_BUNDLE: fixture("key") }), 3, "(AWS_CA_BUNDLE) are none"],
    ["certificates that are damaged", ({ damaged }) => ({ LONGSHORE_CA_FILE: damaged }), 3, "one of them is damaged"],
    [
      "an authority that is not trusted",
      () => preload,
      3,
      'the certificate of api.longshore.test, issued by "Longshore test authority", is not trusted'
    ]
  ])("%s", async ([, given, code, message], context) => {
    const lab = laboratory(context)
    const { env } = await world(context)
    const proxy = await startProxy(context, { password })
    const damaged = Path.join(await lab.folder(), "damaged.pem")
    await writeFile(damaged, readFileSync(authority, "utf8").replace("MII", "MIX"))
    const command = ["export", "Bill", "--to", await lab.folder(), "--retries", "0"]
    const ended = await lab.longshore(command, { env: { ...env, ...given({ proxy: proxy.url, damaged }) } })
    expect(ended.stderr).toContain(message)
    expect(ended.stderr).toMatch(/^longshore: .+ Next: .+\n(?: {2}\S.+\n)?$/)
    expect(ended.stderr).not.toContain(password)
    expect(ended.code).toBe(code)
    expect(await proxy.log()).toEqual([])
  })
})
