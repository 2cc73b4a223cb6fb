/** What an API or a host of files that means harm cannot do: over real HTTP, to the built program. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, expect, it } from "@effect/vitest"
import { ExportId } from "@longshore/core/Export"
import * as Exports from "@longshore/core/Exports"
import * as FileLinks from "@longshore/core/FileLinks"
import * as Manifest from "@longshore/core/Manifest"
import * as Transfer from "@longshore/core/Transfer"
import * as FsSink from "@longshore/sink-fs/FsSink"
import * as NodeSource from "@longshore/source-node/NodeSource"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { readdir, readFile } from "node:fs/promises"
import type * as net from "node:net"
import * as Path from "node:path"
import { setImmediate } from "node:timers/promises"
import { gzipSync } from "node:zlib"
import type { TestContext } from "vitest"
import { type Behaviour, content, exportId, forever, json, listen, listenRaw, mews } from "./hosts.ts"
import { laboratory, pointedAt } from "./program.ts"

type Ended = Awaited<ReturnType<ReturnType<typeof laboratory>["longshore"]>>

/** An export into a folder below one that is nobody's. No host may do more than this program lets it. */
const exportFrom = async (context: TestContext, url: string, ...more: ReadonlyArray<string>) => {
  const lab = laboratory(context)
  const around = await lab.folder()
  const target = Path.join(around, "target")
  const command = ["export", "Bill", "--to", target, "--retries", "0", "--poll", "100ms", ...more]
  // Little memory: what a host sends must not add up. What is buffered outside of the heap is counted by the hosts.
  const env = { ...pointedAt(url), NODE_OPTIONS: "--max-old-space-size=512" }
  const ended = await lab.longshore(command, { env })
  expect(await readdir(around)).toEqual(["target"])
  return { ended, target }
}

// oxlint-disable-next-line no-control-regex -- the very thing that must not be there
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/

const harmless = ({ stderr, stdout }: Ended) => {
  for (const text of [stderr, stdout.toString()]) expect(text).not.toMatch(steering)
}

/** One paragraph with a next step, and the documented code. */
const refused = (ended: Ended, code: number, message: RegExp) => {
  expect(ended.stderr).toMatch(message)
  expect(ended.code).toBe(code)
  const paragraphs = ended.stderr.split("\n").filter((line) => line.startsWith("longshore: "))
  expect(paragraphs).toEqual([expect.stringMatching(/ Next: .+$/)])
  expect(paragraphs[0]?.length).toBeLessThan(1500)
  expect(ended.stderr).not.toContain("This is a bug")
  harmless(ended)
}

/** What is in the target, but for the journals and what is not finished. */
const published = async (target: string) =>
  (await readdir(target, { recursive: true, withFileTypes: true }))
    .filter(
      (entry) => entry.isFile() && !/\.longshore|\.partial$|\.parts$/.test(Path.join(entry.parentPath, entry.name))
    )
    .map((entry) => Path.relative(target, Path.join(entry.parentPath, entry.name)))
    .sort()

/** 50 MB of JSON in 50 KB. */
const bomb = gzipSync(`{"Exports":[${" ".repeat(50_000_000)}]}`)

const redirect =
  (location: string): Behaviour["file"] =>
  (out) =>
    out.writeHead(302, { location }).end()

const journals = async (target: string) =>
  Promise.all(
    (await readdir(Path.join(target, ".longshore"))).map((name) =>
      readFile(Path.join(target, ".longshore", name), "utf8")
    )
  )

const file = (url: string, size = 1) => ({ Url: url, SizeInBytes: size })
const noAnswer = /something that is not an answer of the Connector API/

describe.concurrent("a hostile API", () => {
  it.for<[what: string, behaviour: Behaviour, code: number, message: RegExp]>([
    ["an id that is a path", { export: () => ({ Id: "../../../../tmp/x" }) }, 1, noAnswer],
    ["a link into this machine's files", { export: () => ({ Files: [file("file:///etc/passwd")] }) }, 1, noAnswer],
    ["a link that is the data", { export: () => ({ Files: [file("data:,x")] }) }, 1, noAnswer],
    ["a link to another protocol", { export: () => ({ Files: [file("ftp://127.0.0.1/x")] }) }, 1, noAnswer],
    ["a million files", { export: () => ({ Files: Array(1e6).fill(file("http://h/")) }) }, 1, noAnswer],
    ["a file of a petabyte", { export: (url) => ({ Files: [file(`${url}/1`, 1e15)] }) }, 1, noAnswer],
    ["more than the disk holds", { export: (url) => ({ Files: [file(`${url}/1`, 2 ** 43)] }) }, 9, /there is room for/],
    ["a token in its answer", { getAll: (out, { body }) => json(out, { Exports: [], body }) }, 1, /repeats a token/],
    ["a wait of years", { getAll: (out) => json(out.setHeader("retry-after", "99999999"), {}, 429) }, 5, /limits/],
    ["another protocol", { getAll: (out) => void out.writeHead(101, { upgrade: "x" }).end() }, 1, noAnswer],
    ["a bomb", { getAll: (out) => void out.setHeader("content-encoding", "gzip").end(bomb) }, 1, /is not JSON/]
  ])("%s", async ([, behaviour, code, message], context) => {
    const { url } = await mews(context, behaviour)
    const { ended, target } = await exportFrom(context, url)
    refused(ended, code, message)
    expect(await published(target)).toEqual([])
  })

  it.for<[what: string, status: number, unit: string, code: number, message: RegExp]>([
    ["an answer that never ends", 200, "[[[[", 1, /it is larger than 32 MiB/],
    ["a refusal that never ends", 404, "    ", 1, /rejected exports\/getAll/],
    ["a body of 10 GB", 200, '{},"', 1, /it is larger than 32 MiB/]
  ])("%s", async ([what, status, unit, code, message], context) => {
    let sent = Promise.resolve(Infinity)
    const { url } = await mews(context, {
      getAll: (out) => {
        if (what === "a body of 10 GB") out.setHeader("content-length", 1e10)
        sent = forever(out.writeHead(status), unit.repeat(16_384))
      }
    })
    refused((await exportFrom(context, url)).ended, code, message)
    // Some more is on its way when the program has had enough.
    expect(await sent).toBeLessThan(64 * 1024 * 1024)
  })

  it("headers that never end", async (context) => {
    const url = await listenRaw(context, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n")
      void forever(socket, `x-header: ${"x".repeat(1000)}\r\n`)
    })
    const { ended, target } = await exportFrom(context, url, "--export-id", exportId)
    refused(ended, 5, /HPE_HEADER_OVERFLOW/)
    expect(await published(target)).toEqual([])
  })

  it("an answer that never comes, when there is a limit to the wait", async (context) => {
    const { url } = await mews(context, { getAll: () => {} })
    const { ended, target } = await exportFrom(context, url, "--export-id", exportId, "--max-wait", "500ms")
    refused(ended, 10, /was not ready within/)
    expect(await published(target)).toEqual([])
  })

  it.for([302, 307, 308])("F42 a redirect (%i) takes no token elsewhere", async (status, context) => {
    const elsewhere = await listen(context, (response) => json(response, {}))
    const { url } = await mews(context, {
      add: (out) => void out.writeHead(status, { location: `${elsewhere.url}/exports/add` }).end()
    })
    refused((await exportFrom(context, url)).ended, 1, /it redirects, and tokens go nowhere else/)
    expect(elsewhere.received).toEqual([])
  })

  it("steers no terminal, by whatever it says", async (context) => {
    const said =
      "a\u001b[2J\u001b]0;title\u0007\u001b]8;;http://evil\u001b\\b\r\nlongshore: c\u009b31m\u202ed\u2066e\u2028f\u0000"
    const { url } = await mews(context, {
      add: (out) => json(out, { Message: said, RequestId: said }, 400),
      getAll: (out) => json(out, { Exports: [{ Id: exportId, EntityType: "Bill", Status: said }] })
    })
    const asking = await exportFrom(context, url, "--json")
    refused(asking.ended, 4, /It said: "a\[2J\]0;title/)
    const [run] = JSON.parse(asking.ended.stdout.toString()).runs
    for (const value of Object.values(run.error)) expect(String(value)).not.toMatch(steering)
    refused((await exportFrom(context, url, "--export-id", exportId)).ended, 1, noAnswer)
  })

  it("an answer of another shape is none: ids, types, statuses, sizes, links", async (context) => {
    const id = exportId
    const size = (value: unknown) => ({ Files: [{ Url: "https://h/1", SizeInBytes: value }] })
    const wrong: ReadonlyArray<object> = [
      ...["", "..", `${id}/..`, `${id}\u0000`, id.toUpperCase(), `C:\\${id}`, "x".repeat(10_000), 7, null].map(
        (Id) => ({ Id })
      ),
      ...["", "../Bill", "Bi ll", "CON.", "Bill\u0000", "x".repeat(10_000)].map((EntityType) => ({ EntityType })),
      ...["", "\u001b[2J", "a status", "x".repeat(10_000)].map((Status) => ({ Status })),
      ...[-1, 0.5, 1e15, 1e300, "NaN", "1", null].map(size),
      ...["", "/files/1", "file:///x", "data:,x", "ftp://h/x", "javascript:1"].map((url) => ({ Files: [file(url)] }))
    ]
    const { url } = await mews(context, {
      getAll: (out, { body }) => {
        const [asked = ""] = JSON.parse(body).ExportIds
        json(out, { Exports: [{ Id: id, EntityType: "Bill", Status: "Success", ...wrong[Number(asked.slice(-4))] }] })
      }
    })
    const ids = wrong.map((_, index) => ExportId.make(`00000000-0000-4000-8000-${String(index).padStart(12, "0")}`))
    const results = await Effect.runPromise(
      Effect.provide(
        Exports.Exports.use((exports) => Effect.forEach(ids, (id) => Effect.flip(exports.getAll([id])))),
        apiOf(url)
      )
    )
    const taken = wrong.filter((_, index) => !/UnexpectedResponse/.test(String(results[index])))
    expect(taken).toEqual([])
  })
})

describe.concurrent("a hostile host of files", () => {
  const part = { "content-range": "bytes 0-0/4096", etag: '"1"' }
  const large: Behaviour["export"] = (url) => ({ Files: [file(`${url}/files/1`, 4096)] })

  it("F68 names nothing by what links and headers say", async (context) => {
    const paths = [
      "../../../x",
      "%2e%2e/%2e%2e/x",
      "%2Fetc%2Fpasswd",
      "C:%5Ccon",
      "a%00b%0a",
      "\u202e\u0007",
      "x".repeat(10_000)
    ]
    const { url } = await mews(context, {
      export: (url) => ({ Files: paths.map((path) => file(`${url}/files/${path}?sig=1`, content.length)) }),
      file: (out) => void out.writeHead(200, { "content-disposition": 'attachment; filename="../../x"' }).end(content)
    })
    const { ended, target } = await exportFrom(context, url, "--json")
    expect(ended.code).toBe(0)
    harmless(ended)
    const names = paths.map((_, index) => `Bill/${exportId}/Bill-0000${index + 1}.jsonl`)
    expect(await published(target)).toEqual([...names, `Bill/${exportId}/manifest.json`])
    for (const name of names) expect(await readFile(Path.join(target, name))).toEqual(content)
  })

  it("F42 gets no token and no cookie, wherever it is and wherever it redirects to", async (context) => {
    const elsewhere = await listen(context, (out) => void out.writeHead(200).end(content))
    const second = await listen(context, (out) =>
      out.writeHead(307, { location: `${elsewhere.url}/there?sig=2`, "set-cookie": "a=b" }).end()
    )
    const links = [`${second.url}/a?sig=1`, elsewhere.url.replace("//", "//user:p4ssw0rd@")]
    const { url } = await mews(context, { export: () => ({ Files: links.map((link) => file(link, content.length)) }) })
    const { ended, target } = await exportFrom(context, url, "--json", "--concurrency", "1")
    expect(ended.code).toBe(0)
    expect(await published(target)).toHaveLength(3)
    expect(elsewhere.received.map(({ path }) => path).sort()).toEqual(["/", "/there?sig=2"])
    for (const { body, headers } of [...second.received, ...elsewhere.received]) {
      expect(JSON.stringify({ body, headers })).not.toMatch(/TOKEN/)
      expect(headers).not.toHaveProperty("cookie")
    }
    for (const text of [ended.stderr, String(ended.stdout), ...(await journals(target))])
      expect(text).not.toContain("p4ss")
  })

  it.for<[what: string, file: Behaviour["file"], code: number, message: RegExp, size?: "large"]>([
    ["a redirect into this machine's files", redirect("file:///etc/passwd"), 5, /to no host at all/],
    ["a redirect to another protocol", redirect("ftp://127.0.0.1/x"), 5, /to no host at all/],
    ["a redirect to itself", redirect("/again"), 5, /answered HTTP 302/],
    ["a wait of years", (out) => out.setHeader("retry-after", "99999999").writeHead(503).end(), 5, /HTTP 503/],
    ["another protocol", (out) => out.writeHead(101, { upgrade: "x" }).end(), 5, /answered HTTP 101/],
    ["a bomb", (out) => out.setHeader("content-encoding", "gzip").end(bomb), 5, /content coding/],
    [
      "a file of another size",
      (out) => out.writeHead(206, { ...part, "content-range": "bytes 0-0/1000000000000000" }).end("x"),
      8,
      /the file host has 1000000000000000/,
      "large"
    ],
    [
      "ranges of another unit",
      (out) => out.writeHead(206, { ...part, "content-range": "\u009b31m bytes 0-0/NaN" }).end("x"),
      5,
      /with another one/,
      "large"
    ],
    [
      "a length that is none",
      (out) => out.writeHead(200, { "transfer-encoding": "chunked" }).end("x"),
      5,
      /how long/,
      "large"
    ]
  ])("%s", async ([, file, code, message, size], context) => {
    const { url } = await mews(context, { ...(file && { file }), ...(size && { export: large }) })
    const { ended, target } = await exportFrom(context, url, "--part-size", "1KiB")
    refused(ended, code, message)
    expect(await published(target)).toEqual([])
  })

  it.for<[what: string, status: number, message: RegExp]>([
    ["a file that never ends", 200, /sent more than the 900 bytes asked for/],
    ["a refusal that never ends", 418, /answered HTTP 418/]
  ])("%s", async ([, status, message], context) => {
    const sent: Array<Promise<number>> = []
    const { url } = await mews(context, {
      file: (out) => void sent.push(forever(out.writeHead(status), Buffer.alloc(65_536)))
    })
    const { ended, target } = await exportFrom(context, url)
    refused(ended, 5, message)
    expect(await published(target)).toEqual([])
    for (const bytes of await Promise.all(sent)) expect(bytes).toBeLessThan(64 * 1024 * 1024)
  })

  it("headers that never end", async (context) => {
    const files = await listenRaw(context, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n")
      void forever(socket, `x-header: ${"x".repeat(1000)}\r\n`)
    })
    const { url } = await mews(context, { export: () => ({ Files: [file(`${files}/1`)] }) })
    const { ended, target } = await exportFrom(context, url)
    refused(ended, 5, /HPE_HEADER_OVERFLOW/)
    expect(await published(target)).toEqual([])
  })
})

describe("a host that keeps one waiting", () => {
  /** Silent, drips, or says for ever that it will say something. Gives an address and a promise of its first visitor. */
  const hosts: ReadonlyArray<readonly [what: string, visited: (socket: net.Socket) => void, tick: string]> = [
    ["never answers", () => {}, ""],
    ["drips", (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4096\r\n\r\n"), " "],
    ["says 100 Continue for ever", (socket) => void forever(socket, "HTTP/1.1 100 Continue\r\n\r\n"), ""]
  ]

  /** Fails with this; so many seconds of the test's clock after the host was asked. */
  const givesUp = Effect.fnUntraced(function* <A, E>(
    test: TestContext,
    [, behaviour, tick]: (typeof hosts)[number],
    asking: (url: string) => Effect.Effect<A, E>
  ) {
    let visit: (socket: net.Socket) => void
    const visited = new Promise<net.Socket>((resolve) => (visit = resolve))
    const url = yield* Effect.promise(() => listenRaw(test, (socket) => visit(socket)))
    const fiber = yield* Effect.forkChild(Effect.flip(asking(url)))
    const socket = yield* Effect.promise(() => visited)
    behaviour(socket)
    let seconds = 0
    for (; fiber.pollUnsafe() === undefined && seconds < 600; seconds += 10) {
      socket.write(tick)
      yield* Effect.promise(() => setImmediate())
      yield* TestClock.adjust("10 seconds")
    }
    return { error: yield* Fiber.join(fiber), seconds }
  })

  for (const host of hosts) {
    it.effect(`F31 an API that ${host[0]} has a minute`, (test) =>
      Effect.gen(function* () {
        const { error, seconds } = yield* givesUp(test, host, (url) =>
          Effect.provide(
            Exports.Exports.use((exports) => exports.getAll([exportId])),
            apiOf(url)
          )
        )
        assert.include(error, { _tag: "ApiUnavailable", problem: "no answer in time" })
        assert.strictEqual(seconds, 60)
      })
    )

    it.effect(`F47 a host of files that ${host[0]} has half a minute`, (test) =>
      Effect.gen(function* () {
        const directory = yield* Effect.promise(() => laboratory(test).folder())
        const services = Transfer.layer({ retries: 0 }).pipe(
          Layer.provide(NodeSource.layer()),
          Layer.provide(NodeHttpClient.layerNodeHttp),
          Layer.merge(FsSink.layer({ directory })),
          Layer.merge(apiOf("http://127.0.0.1:9"))
        )
        const { error, seconds } = yield* givesUp(test, host, (url) =>
          Effect.gen(function* () {
            const links = yield* FileLinks.make(exportId)
            const files = [{ url: Redacted.make(`${url}/1?sig=1`), sizeInBytes: 4096 }]
            yield* links.offer({ ...ready, files })
            const { deliver, plan } = yield* Transfer.Transfer
            const key = Manifest.fileKey("Bill", exportId, 0)
            const planned = yield* plan(key, { index: 0, path: "/1", size: 4096 }, 8192, links)
            return yield* deliver(key, planned, links)
          }).pipe(Effect.provide(services))
        )
        assert.include(error, { _tag: "TransferFailed", reason: "Stalled" })
        assert.isAtMost(seconds, 60)
      })
    )
  }
})

const ready = {
  id: exportId,
  status: "Success",
  entityType: "Bill",
  scope: undefined,
  filters: undefined,
  expiresUtc: undefined
}

const apiOf = (url: string) =>
  Exports.layer({
    platformAddress: url,
    clientToken: Redacted.make("a-client-token"),
    accessToken: Redacted.make("an-access-token"),
    rateLimit: { limit: 1000, window: "1 second" },
    retries: 0
  }).pipe(Layer.provide(NodeHttpClient.layerNodeHttp))
