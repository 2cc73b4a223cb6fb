import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Crc32 from "@longshore/core/Crc32"
import * as Source from "@longshore/core/Source"
import { SourceSuite } from "@longshore/testkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { createServer as createTlsServer } from "node:tls"
import { startProxy } from "../../network/test/proxy.ts"
import { parse } from "../src/internal/head.ts"
import { NodeSource } from "../src/index.ts"

const etag = '"1"'
const file = (size: number): Source.SourceFile => ({ size, etag, ranges: true })
const answer = (body: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(
      `HTTP/1.1 206 Partial Content\r\nETag: ${etag}\r\nContent-Range: bytes 0-${body.length - 1}/${body.length}\r\nContent-Length: ${body.length}\r\n\r\n`
    ),
    body
  ])
const fetchAll = (source: Source.Source["Service"], link: string, size: number) =>
  Effect.gen(function* () {
    const copies: Array<Buffer> = []
    const part = { number: 1, offset: 0, length: size }
    yield* Stream.runForEach(source.part(Redacted.make(link), file(size), part), (chunk) =>
      // Lent until the next is asked for, however long that takes.
      Effect.delay(
        Effect.sync(() => void copies.push(Buffer.from(chunk))),
        chunk.length > 100_000 ? "20 millis" : 0
      )
    )
    return Buffer.concat(copies)
  })

/** Whoever needs a full client here has left the fast path. */
const noClient = Layer.succeed(
  HttpClient.HttpClient,
  HttpClient.make(() => Effect.die(new Error("the fast path was left")))
)
const fast = NodeSource.layer({ env: {} }).pipe(Layer.provide(noClient))

class Used extends Context.Service<Used, (typeof Crc32.Crc32)["Service"]>()("test/Used") {}

describe("the layer", () => {
  it.effect("brings the checksum of zlib to what it is provided to", () =>
    Effect.gen(function* () {
      const sums = Layer.effect(Used, Crc32.Crc32).pipe(
        Layer.provide(NodeSource.layer()),
        Layer.provide(NodeHttpClient.layerNodeHttp)
      )
      const used = yield* Effect.provide(Used, sums)
      const portable = yield* Crc32.Crc32
      assert.notStrictEqual(used, portable)
      const bytes = Buffer.from("some bytes")
      assert.strictEqual(used(bytes, 7), portable(bytes, 7))
    })
  )
})

describe("a head", () => {
  it("is read as it is", () => {
    assert.deepEqual(
      { ...parse('HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nETag: "a"\r\nX:\r\nConnection: Keep-Alive') },
      {
        status: 206,
        length: 10,
        keepAlive: true,
        headers: Object.assign(Object.create(null), {
          "content-length": "10",
          etag: '"a"',
          x: "",
          connection: "Keep-Alive"
        })
      }
    )
    assert.isFalse(parse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: x, close")?.keepAlive)
  })

  for (const [what, text] of [
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1"],
    ["HTTP/2", "HTTP/2 200\r\nContent-Length: 1"],
    ["an interim answer", "HTTP/1.1 100 Continue\r\nContent-Length: 1"],
    ["a redirect", "HTTP/1.1 302 Found\r\nContent-Length: 1\r\nLocation: /"],
    ["no length", "HTTP/1.1 200 OK"],
    ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"],
    ["chunks and a length", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2"],
    ["one length twice", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1"],
    ["a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: +1"],
    ["a length in hexadecimal", "HTTP/1.1 200 OK\r\nContent-Length: 0x10"],
    ["an endless length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999"],
    ["a folded line", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n more: 1"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 1"],
    ["a bare line feed", "HTTP/1.1 200 OK\r\nContent-Length: 1\nX: 1"],
    ["a zero byte", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: a\0b"],
    ["nothing", ""]
  ] as const) {
    it(`with ${what} is for a full client`, () => assert.isUndefined(parse(text)))
  }

  it("takes no other memory than its own, whatever it names", () => {
    const head = parse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n__proto__: x\r\nconstructor: y")
    assert.strictEqual(head?.headers["constructor"], "y")
    assert.isUndefined(({} as Record<string, unknown>)["x"])
  })
})

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Bytes = Schema.Array(between(0, 255)).check(Schema.isMinLength(1), Schema.isMaxLength(600))

describe("any bytes", () => {
  it.live.prop(
    "in any pieces are the same bytes, one part after the other on one connection",
    {
      bodies: Schema.Array(Bytes).check(Schema.isMinLength(1), Schema.isMaxLength(4)),
      cuts: Schema.Array(between(1, 400)).check(Schema.isMinLength(1), Schema.isMaxLength(20))
    },
    ({ bodies, cuts }) =>
      Effect.gen(function* () {
        const { port, requests } = yield* SourceSuite.rawHost((n, socket) => {
          const bytes = answer(Buffer.from(bodies[n] ?? []))
          socket.setNoDelay(true)
          let i = 0
          const send = (at: number): void => {
            const to = at + (cuts[i++ % cuts.length] ?? 1)
            socket.write(bytes.subarray(at, to))
            if (to < bytes.length) setImmediate(send, to)
          }
          send(0)
        })
        const source = yield* Source.Source
        for (const body of bodies) {
          const found = yield* fetchAll(source, `http://127.0.0.1:${port}/`, body.length)
          assert.strictEqual(Buffer.compare(found, Buffer.from(body)), 0)
        }
        assert.strictEqual(new Set(requests.map(({ connection }) => connection)).size, 1)
      }).pipe(Effect.provide(fast), Effect.scoped),
    { arbitrary: { runs: 60 } }
  )

  const hostile = (bytes: Buffer) =>
    Effect.gen(function* () {
      const { port } = yield* SourceSuite.rawHost((_, socket) => void socket.end(bytes))
      const source = yield* Source.Source
      const result = yield* Effect.result(fetchAll(source, `http://127.0.0.1:${port}/`, 10))
      if (result._tag === "Success") assert.strictEqual(result.success.length, 10)
    }).pipe(
      Effect.provide(NodeSource.layer({ env: {} }).pipe(Layer.provide(NodeHttpClient.layerNodeHttpOptions({})))),
      Effect.scoped,
      Effect.timeout("5 seconds")
    )

  it.live.prop(
    "that a hostile host sends give an error, never other bytes than it announced, and never a hang",
    { bytes: Bytes },
    ({ bytes }) => hostile(Buffer.from(bytes)),
    { arbitrary: { runs: 60 } }
  )

  it.live.prop(
    "of a good answer, one of them changed: an error, or as many bytes as were asked for, never a hang",
    { at: between(0, 140), value: between(0, 255) },
    ({ at, value }) => {
      const bytes = answer(Buffer.from("0123456789"))
      bytes[at % bytes.length] = value
      return hostile(bytes)
    },
    { arbitrary: { runs: 100 } }
  )
})

describe("a connection", () => {
  it.live("that the host closed while nobody used it is replaced, and nobody notices", () =>
    Effect.gen(function* () {
      const body = Buffer.from("0123456789")
      const { port, requests } = yield* SourceSuite.rawHost((n, socket) =>
        // Closed just when the second request is on its way.
        n === 1 ? void socket.destroy() : void socket.write(answer(body))
      )
      const source = yield* Source.Source
      for (let n = 0; n < 2; n++) {
        assert.strictEqual(String(yield* fetchAll(source, `http://127.0.0.1:${port}/`, 10)), "0123456789")
      }
      assert.deepStrictEqual(
        requests.map(({ connection }) => connection),
        [0, 0, 1]
      )
    }).pipe(Effect.provide(fast), Effect.scoped)
  )

  it.live("that brought more than was announced carries nothing more", () =>
    Effect.gen(function* () {
      const { port, requests } = yield* SourceSuite.rawHost(
        (n, socket) =>
          void socket.write(
            Buffer.concat([answer(Buffer.from(`${n}123456789`)), Buffer.from(n === 0 ? "HTTP/1.1 " : "")])
          )
      )
      const source = yield* Source.Source
      for (let n = 0; n < 3; n++) {
        assert.strictEqual(String(yield* fetchAll(source, `http://127.0.0.1:${port}/`, 10)), `${n}123456789`)
      }
      assert.deepStrictEqual(
        requests.map(({ connection }) => connection),
        [0, 1, 1]
      )
    }).pipe(Effect.provide(fast), Effect.scoped)
  )
})

describe("a sender", () => {
  it.live("is held back while nobody takes the bytes", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const body = Buffer.alloc(64 * 1024 * 1024)
        let unsent = 0
        const { port } = yield* SourceSuite.rawHost((_, socket) => {
          socket.write(answer(body))
          setInterval(() => (unsent = socket.writableLength), 20).unref()
        })
        const source = yield* Source.Source
        const part = { number: 1, offset: 0, length: body.length }
        let taken = 0
        yield* Stream.runForEach(
          source.part(Redacted.make(`http://127.0.0.1:${port}/`), file(body.length), part),
          (chunk) =>
            Effect.suspend(() => {
              taken += chunk.length
              return taken === chunk.length
                ? Effect.tap(Effect.sleep("300 millis"), () =>
                    // What is on its way: our buffers and the kernel's, not the file.
                    Effect.sync(() => assert.isAbove(unsent, body.length / 2))
                  )
                : Effect.void
            })
        )
        assert.strictEqual(taken, body.length)
      }).pipe(Effect.provide(fast))
    )
  )
})

const fixture = (name: string) => readFileSync(new URL(`../../simulator/test/fixtures/${name}`, import.meta.url))

describe("HTTPS", () => {
  const body = Buffer.alloc(9_000_004)
  for (let i = 0; i < body.length; i += 4) body.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i)
  const host = SourceSuite.rawHost(
    (_, socket) => void socket.write(answer(body)),
    (listener) => createTlsServer({ cert: fixture("cert.pem"), key: fixture("key.pem") }, listener)
  )

  it.live("trusts an authority that is named", () =>
    Effect.gen(function* () {
      const { port, requests } = yield* host
      const source = yield* Source.Source
      for (let n = 0; n < 3; n++) {
        const found = yield* fetchAll(source, `https://localhost:${port}/`, body.length)
        assert.strictEqual(Buffer.compare(found, body), 0)
      }
      assert.strictEqual(new Set(requests.map(({ connection }) => connection)).size, 1)
    }).pipe(
      Effect.provide(NodeSource.layer({ env: {}, tls: { ca: fixture("cert.pem") } }).pipe(Layer.provide(noClient))),
      Effect.scoped
    )
  )

  it.live("F46 speaks HTTP/1.1, also with a host that prefers HTTP/2", () =>
    Effect.gen(function* () {
      const agreed: Array<unknown> = []
      const tls = { cert: fixture("cert.pem"), key: fixture("key.pem"), ALPNProtocols: ["h2", "http/1.1"] }
      const { port } = yield* SourceSuite.rawHost(
        (_, socket) => void socket.write(answer(Buffer.from("0123456789"))),
        (listener) =>
          createTlsServer(tls, (socket) => {
            agreed.push(socket.alpnProtocol)
            listener(socket)
          })
      )
      const source = yield* Source.Source
      assert.strictEqual(String(yield* fetchAll(source, `https://localhost:${port}/`, 10)), "0123456789")
      assert.deepStrictEqual(agreed, ["http/1.1"])
    }).pipe(
      Effect.provide(NodeSource.layer({ env: {}, tls: { ca: fixture("cert.pem") } }).pipe(Layer.provide(noClient))),
      Effect.scoped
    )
  )

  it.live("F17 trusts nobody else, and says so", () =>
    Effect.gen(function* () {
      const { port } = yield* host
      const source = yield* Source.Source
      const result = yield* Effect.result(fetchAll(source, `https://localhost:${port}/`, body.length))
      if (result._tag !== "Failure") return assert.fail("an error is expected")
      assert.strictEqual(result.failure.reason, "Unavailable")
      assert.match(result.failure.problem, /certificate/)
    }).pipe(Effect.provide(fast), Effect.scoped)
  )
})

describe("a proxy", () => {
  const body = Buffer.alloc(9_000_004)
  for (let i = 0; i < body.length; i += 4) body.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i)
  const trusted = ["cert", "key", "authority"].map((name) =>
    readFileSync(new URL(`../../network/test/fixtures/${name}.pem`, import.meta.url))
  )
  const [cert = "", key = "", ca = ""] = trusted

  it.for(["https", "http"] as const)("carries every part over one %s: line, by the fast path", (scheme, test) =>
    Effect.gen(function* () {
      const { port, requests } = yield* SourceSuite.rawHost(
        (_, socket) => void socket.write(answer(body)),
        scheme === "https" ? (listener) => createTlsServer({ cert, key }, listener) : undefined
      )
      const proxy = yield* Effect.promise(() => startProxy(test, { password: "word" }))
      const env = { ALL_PROXY: proxy.url.replace("//", "//me:word@") }
      const link = `${scheme}://files.longshore.test:${port}/file?sig=secret`
      yield* Effect.provide(
        Source.Source.use((source) =>
          Effect.gen(function* () {
            for (let n = 0; n < 3; n++) {
              const found = yield* fetchAll(source, link, body.length)
              assert.strictEqual(Buffer.compare(found, body), 0)
            }
          })
        ),
        NodeSource.layer({ env, tls: { ca } }).pipe(Layer.provide(noClient))
      )
      assert.strictEqual(new Set(requests.map(({ connection }) => connection)).size, 1)
      assert.deepStrictEqual(
        yield* Effect.promise(() => proxy.log()),
        scheme === "https" ? [`CONNECT files.longshore.test:${port}`] : Array.from({ length: 3 }, () => `GET ${link}`)
      )
    }).pipe(Effect.scoped, Effect.runPromise)
  )

  it.live("that is not there is named, and not the host", () =>
    Effect.gen(function* () {
      const source = yield* Source.Source
      for (const scheme of ["http", "https"]) {
        const result = yield* Effect.result(fetchAll(source, `${scheme}://files.longshore.test/`, 10))
        if (result._tag !== "Failure") return assert.fail("an error is expected")
        assert.strictEqual(
          result.failure.message,
          "The file host did not answer: the proxy http://127.0.0.1:1 (HTTPS_PROXY) could not be reached: nobody listens at that address (ECONNREFUSED).".replace(
            "HTTPS",
            scheme.toUpperCase()
          )
        )
      }
    }).pipe(
      Effect.provide(
        NodeSource.layer({
          env: { HTTP_PROXY: "http://me:word@127.0.0.1:1", HTTPS_PROXY: "http://me:word@127.0.0.1:1" }
        }).pipe(Layer.provide(noClient))
      )
    )
  )

  it.live("is passed by for a host that NO_PROXY names", () =>
    Effect.gen(function* () {
      const source = yield* Source.Source
      const result = yield* Effect.result(fetchAll(source, "https://files.longshore.test/", 10))
      if (result._tag !== "Failure") return assert.fail("an error is expected")
      // The name means nothing to this machine.
      assert.match(result.failure.problem, /ENOTFOUND|EAI_AGAIN/)
    }).pipe(
      Effect.provide(
        NodeSource.layer({ env: { HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: ".longshore.test:443" } }).pipe(
          Layer.provide(noClient)
        )
      )
    )
  )
})
