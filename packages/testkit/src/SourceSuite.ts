/**
 * The conformance suite of sources: what a file host can answer, on real connections, byte by byte.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import * as Source from "@longshore/core/Source"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { createServer, type Server, type Socket } from "node:net"

/**
 * The source to be tried.
 *
 * @since 0.1.0
 * @category models
 */
export interface SourceSuiteOptions {
  /**
   * Built for each test. It has to reach 127.0.0.1 over plain HTTP, to use connections again, and to check a `Content-MD5`
   * where a host sends one.
   */
  readonly source: Layer.Layer<Source.Source, unknown>
}

/**
 * A request as it arrived. `connection` counts from 0.
 *
 * @since 0.1.0
 * @category models
 */
export interface RawRequest {
  /** The request line and the headers, as they were sent. */
  readonly text: string
  /** On which connection it came. */
  readonly connection: number
}

/**
 * What a host does with the n-th request (from 0) on the bare connection.
 *
 * @since 0.1.0
 * @category models
 */
export type RawBehaviour = (n: number, socket: Socket, request: RawRequest) => void

/**
 * A host on 127.0.0.1 that speaks as told, down to the byte, and remembers what it was asked. It ends with the scope. `make` is for
 * a server of another kind, such as one of `node:tls`.
 *
 * @example A host that cuts the connection in the middle of a body
 * ```ts
 * import { SourceSuite } from "@longshore/testkit"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { port, requests } = yield* SourceSuite.rawHost((n, socket) => {
 *     socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234")
 *   })
 *   const text = Effect.tryPromise(() => fetch(`http://127.0.0.1:${port}/rows.jsonl`).then((response) => response.text()))
 *   const { _tag } = yield* Effect.result(text)
 *   return { _tag, asked: requests[0]?.text.split("\r\n")[0] }
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => { _tag: "Failure", asked: "GET /rows.jsonl HTTP/1.1" }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const rawHost = (
  behaviour: RawBehaviour,
  make: (listener: (socket: Socket) => void) => Server = createServer
): Effect.Effect<{ readonly port: number; readonly requests: ReadonlyArray<RawRequest> }, never, Scope.Scope> =>
  Effect.gen(function* () {
    const requests: Array<RawRequest> = []
    const sockets = new Set<Socket>()
    let connections = 0
    const server = make((socket) => {
      const connection = connections++
      sockets.add(socket)
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket))
      let text = ""
      socket.on("data", (data: Buffer) => {
        text += data.toString("latin1")
        for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
          const request = { text: text.slice(0, end), connection }
          text = text.slice(end + 4)
          behaviour(requests.push(request) - 1, socket, request)
        }
      })
    })
    yield* Effect.acquireRelease(
      Effect.promise(async () => {
        server.listen(0, "127.0.0.1")
        await once(server, "listening")
      }),
      () =>
        Effect.promise(async () => {
          for (const socket of sockets) socket.destroy()
          server.close()
          await once(server, "close")
        })
    )
    const address = server.address()
    return { port: typeof address === "object" && address !== null ? address.port : 0, requests }
  })

const content = Buffer.from("0123456789")
const etag = '"0x8D1"'
const file: Source.SourceFile = { size: content.length, etag, ranges: true }
const part = { number: 2, offset: 4, length: 4 }

/** An answer with a length, unless the headers say otherwise. */
const answer = (status: string, body: string | Buffer, headers: Record<string, string | undefined> = {}): Buffer => {
  const all: Record<string, string | undefined> = {
    etag,
    "content-length": String(Buffer.byteLength(body)),
    ...headers
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]))
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`, "latin1"), Buffer.from(body)])
}
const ranged = (body: string, range: string, headers: Record<string, string | undefined> = {}) =>
  answer("206 Partial Content", body, { "content-range": range, ...headers })

const linkTo = (port: number) => Redacted.make(`http://127.0.0.1:${port}/a-1.jsonl?se=1&sig=SECRET`)

/** Bytes copied as they come: arrays are lent. */
const collect = <E>(bytes: Stream.Stream<Uint8Array, E>) =>
  Effect.gen(function* () {
    const copies: Array<Buffer> = []
    yield* Stream.runForEachArray(bytes, (chunks) =>
      Effect.sync(() => {
        for (const chunk of chunks) copies.push(Buffer.from(chunk))
      })
    )
    return Buffer.concat(copies)
  })

/**
 * Declares the tests of a source, under this name. Call it in a file of tests of vitest. Every answer that a host can give has to
 * end in the right bytes or in a `SourceError` of the right reason (RFC 9110, sections 13.1.1 and 14, as far as blob stores have
 * them), and no error may hold the link's signature.
 *
 * @example
 * ```ts
 * import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
 * import { HttpSource, Md5 } from "@longshore/core"
 * import { SourceSuite } from "@longshore/testkit"
 * import { Layer } from "effect"
 * import { createHash } from "node:crypto"
 *
 * const client = NodeHttpClient.layerNodeHttpOptions({ keepAlive: true })
 * const md5 = Layer.succeed(Md5.Md5, () => createHash("md5"))
 *
 * SourceSuite.suite("HttpSource", { source: Layer.provide(HttpSource.layer, [client, md5]) })
 * ```
 *
 * @since 0.1.0
 * @category suites
 */
export const suite = (name: string, { source: layer }: SourceSuiteOptions): void => {
  const using = <A, E>(
    behaviour: RawBehaviour,
    body: (
      source: Source.Source["Service"],
      link: Redacted.Redacted,
      requests: ReadonlyArray<RawRequest>
    ) => Effect.Effect<A, E, Scope.Scope>
  ) =>
    Effect.scoped(
      Effect.gen(function* () {
        const { port, requests } = yield* rawHost(behaviour)
        return yield* Effect.provide(
          Source.Source.use((source) => body(source, linkTo(port), requests)),
          layer
        )
      })
    )
  const says =
    (...bytes: ReadonlyArray<Buffer>): RawBehaviour =>
    (n, socket) =>
      void socket.write(bytes[Math.min(n, bytes.length - 1)] ?? "")
  const readPart = (source: Source.Source["Service"], link: Redacted.Redacted) =>
    Effect.map(collect(source.part(link, file, part)), String)

  describe(`${name} (source)`, () => {
    it.live("asks for a part with its range and the planned ETag, uncoded, without credentials", () =>
      using(says(ranged("4567", "bytes 4-7/10")), (source, link, requests) =>
        Effect.gen(function* () {
          assert.strictEqual(yield* readPart(source, link), "4567")
          const text = requests[0]?.text.toLowerCase() ?? ""
          assert.match(text, /^get \/a-1\.jsonl\?se=1&sig=secret http\/1\.1/)
          for (const line of ["range: bytes=4-7", `if-match: ${etag.toLowerCase()}`, "accept-encoding: identity"]) {
            assert.include(text, `\r\n${line}`)
          }
          for (const line of ["authorization", "traceparent", "cookie"]) assert.notInclude(text, line)
        })
      )
    )

    const table: ReadonlyArray<readonly [string, Buffer, string]> = [
      ["F48 the range is ignored", answer("200 OK", content), "BadRange"],
      ["F49 another range", ranged("3456", "bytes 3-6/10"), "BadRange"],
      ["F49 another total", ranged("4567", "bytes 4-7/11"), "ContentChanged"],
      ["F57 a range that begins before", ranged("34567", "bytes 3-7/10"), "BadRange"],
      ["F57 a range that ends after", ranged("45678", "bytes 4-8/10"), "BadRange"],
      ["F57 the part before", ranged("0123", "bytes 0-3/10"), "BadRange"],
      ["F56 an error page with 200", answer("200 OK", "<Error/>"), "BadRange"],
      ["F49 no Content-Range", answer("206 Partial Content", "4567"), "BadRange"],
      [
        "F55 several ranges",
        answer("206 Partial Content", "--x", { "content-type": "multipart/byteranges; boundary=x" }),
        "BadRange"
      ],
      ["F54 another ETag", ranged("4567", "bytes 4-7/10", { etag: '"0x8D2"' }), "ContentChanged"],
      ["F54 412", answer("412 Precondition Failed", ""), "ContentChanged"],
      ["F50 416", answer("416 Range Not Satisfiable", ""), "ContentChanged"],
      ["F51 gzip", ranged("4567", "bytes 4-7/10", { "content-encoding": "gzip" }), "Encoded"],
      ["F52 a shorter body that says so", ranged("456", "bytes 4-7/10"), "Truncated"],
      ["F52 no body", ranged("", "bytes 4-7/10"), "Truncated"],
      ["F52 a longer body", ranged("45678", "bytes 4-7/10"), "Overlong"],
      ["F32 403", answer("403 Forbidden", "<Error><Code>AuthenticationFailed</Code></Error>"), "LinkRejected"],
      ["F35 400", answer("400 Bad Request", ""), "LinkRejected"],
      ["F35 404", answer("404 Not Found", ""), "LinkRejected"],
      ["F35 410", answer("410 Gone", ""), "LinkRejected"],
      ["503", answer("503 Service Unavailable", "<Error/>"), "Unavailable"],
      ["429", answer("429 Too Many Requests", ""), "Unavailable"],
      ["408", answer("408 Request Timeout", ""), "Unavailable"],
      ["405", answer("405 Method Not Allowed", ""), "Refused"],
      ["204", Buffer.from("HTTP/1.1 204 No Content\r\n\r\n"), "Refused"],
      ["something that is not HTTP", Buffer.from("220 smtp.example.test ESMTP\r\n\r\n"), "Unavailable"],
      ["a head without end", Buffer.from(`HTTP/1.1 206 Partial Content\r\nx: ${"y".repeat(300_000)}`), "Unavailable"]
    ]
    for (const [what, bytes, reason] of table) {
      it.live(`${what} is ${reason}, and the link stays secret`, () =>
        using(says(bytes), (source, link) =>
          Effect.gen(function* () {
            const result = yield* Effect.result(readPart(source, link))
            if (result._tag !== "Failure") return assert.fail("an error is expected")
            assert.strictEqual(result.failure.reason, reason)
            assert.notInclude(
              JSON.stringify(result.failure) + result.failure.message + String(result.failure),
              "SECRET"
            )
          })
        )
      )
    }

    it.live("F32 a refusal whose body never comes is a refusal all the same", () => {
      const refusal = answer("403 Forbidden", "<Error><Code>AuthenticationFailed</Code></Error>")
      return using(says(refusal.subarray(0, -10)), (source, link) =>
        Effect.gen(function* () {
          const result = yield* Effect.result(readPart(source, link))
          assert.strictEqual(result._tag === "Failure" && result.failure.reason, "LinkRejected")
        }).pipe(Effect.timeout("10 seconds"))
      )
    })

    for (const [what, end] of [
      ["closed", (socket: Socket) => socket.end()],
      ["reset", (socket: Socket) => socket.resetAndDestroy()]
    ] as const) {
      it.live(`F44 F45 a connection that is ${what} anywhere is an error that can be tried again`, () =>
        Effect.gen(function* () {
          const bytes = ranged("4567", "bytes 4-7/10")
          for (const length of [0, 1, 20, bytes.length - 5, bytes.length - 4, bytes.length - 1]) {
            const result = yield* using(
              (_, socket) => {
                socket.write(bytes.subarray(0, length))
                setTimeout(() => end(socket), 5)
              },
              (source, link) => Effect.result(readPart(source, link))
            )
            if (result._tag !== "Failure") return assert.fail(`an error is expected after ${length} bytes`)
            assert.isTrue(result.failure.retryable, `after ${length} bytes`)
          }
        })
      )
    }

    it.live("F44 a connection that ends after the last byte has brought all of them", () =>
      using(
        (_, socket) => void socket.end(ranged("4567", "bytes 4-7/10")),
        (source, link) => Effect.map(readPart(source, link), (text) => assert.strictEqual(text, "4567"))
      )
    )

    it.live("F17 a host name that nobody knows", () =>
      Effect.provide(
        Source.Source.use((source) =>
          Effect.gen(function* () {
            const link = Redacted.make("http://nowhere.invalid/a-1.jsonl?sig=SECRET")
            const result = yield* Effect.result(readPart(source, link))
            if (result._tag !== "Failure") return assert.fail("an error is expected")
            assert.strictEqual(result.failure.reason, "Unavailable")
            assert.match(result.failure.problem, /ENOTFOUND|EAI_AGAIN/)
          })
        ),
        layer
      )
    )

    it.live("F17 nobody there", () =>
      Effect.gen(function* () {
        const { port } = yield* Effect.scoped(rawHost(() => undefined))
        const result = yield* Effect.provide(
          Source.Source.use((source) => Effect.result(readPart(source, linkTo(port)))),
          layer
        )
        assert.strictEqual(result._tag === "Failure" && result.failure.reason, "Unavailable")
      })
    )

    it.live("waits as long as the host asks", () =>
      using(says(answer("503 Service Unavailable", "", { "retry-after": "7" })), (source, link) =>
        Effect.gen(function* () {
          const result = yield* Effect.result(readPart(source, link))
          assert.strictEqual(result._tag === "Failure" && result.failure.retryAfter, 7000)
        })
      )
    )

    const chunked = (body: string, headers: Record<string, string>) =>
      answer("206 Partial Content", `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`, {
        "content-length": undefined,
        "transfer-encoding": "chunked",
        ...headers
      })
    const unusual: ReadonlyArray<readonly [string, ReadonlyArray<Buffer>]> = [
      ["chunks", [chunked("4567", { "content-range": "bytes 4-7/10" })]],
      [
        "an interim answer",
        [Buffer.concat([Buffer.from("HTTP/1.1 103 Early Hints\r\n\r\n"), ranged("4567", "bytes 4-7/10")])]
      ],
      [
        "the end of the connection as the end of the body",
        [ranged("4567", "bytes 4-7/10", { "content-length": undefined, connection: "close" })]
      ],
      ["a header twice", [ranged("4567", "bytes 4-7/10", { "x-a": "1\r\nx-a: 2" })]]
    ]
    for (const [what, answers] of unusual) {
      it.live(`reads ${what}`, () =>
        using(
          (n, socket) => {
            socket.write(answers[Math.min(n, answers.length - 1)] ?? "")
            if (what.startsWith("the end")) socket.end()
          },
          (source, link) => Effect.map(readPart(source, link), (text) => assert.strictEqual(text, "4567"))
        )
      )
    }

    it.live("F42 follows a redirect", () =>
      using(
        (_, socket, { text }) =>
          void socket.write(
            text.startsWith("GET /b ")
              ? ranged("4567", "bytes 4-7/10")
              : answer("307 Temporary Redirect", "", { location: "/b" })
          ),
        (source, link) => Effect.map(readPart(source, link), (text) => assert.strictEqual(text, "4567"))
      )
    )

    it.live("F42 tells the host that it is redirected to nothing but the range and the ETag", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const other = yield* rawHost(says(ranged("4567", "bytes 4-7/10")))
          yield* using(
            says(answer("302 Found", "", { location: `http://127.0.0.1:${other.port}/b` })),
            (source, link) => Effect.map(readPart(source, link), (text) => assert.strictEqual(text, "4567"))
          )
          const [told] = other.requests
          assert.match(told?.text ?? "", /^GET \/b HTTP\/1\.1/)
          assert.match(told?.text ?? "", /range: bytes=4-7/i)
          assert.notMatch(told?.text ?? "", /SECRET|authorization|cookie|referer/i)
        })
      )
    )

    it.live("whatever pieces an answer comes in, the bytes are the same", () =>
      Effect.gen(function* () {
        const bytes = ranged("4567", "bytes 4-7/10")
        for (let cut = 1; cut < bytes.length; cut += 7) {
          const text = yield* using(
            (_, socket) => {
              socket.setNoDelay(true)
              socket.write(bytes.subarray(0, cut))
              setTimeout(() => socket.write(bytes.subarray(cut)), 3)
            },
            (source, link) => readPart(source, link)
          )
          assert.strictEqual(text, "4567", `cut after ${cut}`)
        }
      })
    )

    it.live("F47 the bytes of a slow host are handed on before all of them are there", () =>
      Effect.gen(function* () {
        const bytes = ranged("4567", "bytes 4-7/10")
        let seen = (): void => undefined
        const isSeen = new Promise<void>((resolve) => {
          seen = resolve
        })
        const text = yield* using(
          (_, socket) => {
            socket.write(bytes.subarray(0, -3))
            // Two drips with a pause between them; the last byte comes only when somebody has seen the first.
            setTimeout(() => socket.write(bytes.subarray(-3, -2)), 250)
            setTimeout(() => {
              socket.write(bytes.subarray(-2, -1))
              void isSeen.then(() => socket.write(bytes.subarray(-1)))
            }, 500)
          },
          (source, link) =>
            collect(
              Stream.map(source.part(link, file, part), (chunk) => {
                seen()
                return chunk
              })
            )
        )
        assert.strictEqual(text.toString(), "4567")
      })
    )

    it.live("one connection carries one part after the other, also after a refusal", () =>
      using(
        (n, socket) => void socket.write(n === 2 ? answer("403 Forbidden", "no") : ranged("4567", "bytes 4-7/10")),
        (source, link, requests) =>
          Effect.gen(function* () {
            for (let n = 0; n < 5; n++) yield* Effect.exit(readPart(source, link))
            assert.strictEqual(requests.length, 5)
            assert.isAtMost(new Set(requests.map(({ connection }) => connection)).size, 2)
          })
      )
    )

    it.live("a connection that the host closed while nobody used it costs nothing", () =>
      using(
        (n, socket) => {
          // Closed just when the next request is on its way: it never gets an answer.
          if (n === 1) socket.destroy()
          else socket.write(ranged("4567", "bytes 4-7/10"))
        },
        (source, link) =>
          Effect.gen(function* () {
            assert.strictEqual(yield* readPart(source, link), "4567")
            // Some clients leave the second try to the transfer; none may give wrong bytes.
            const second = yield* Effect.result(readPart(source, link))
            if (second._tag === "Failure") assert.isTrue(second.failure.retryable)
            assert.strictEqual(yield* readPart(source, link), "4567")
          })
      )
    )

    it.live("an interrupted part ends its connection, and harms no later one", () =>
      Effect.gen(function* () {
        const begun = yield* Deferred.make<void>()
        const closed = yield* Deferred.make<void>()
        const bytes = ranged("4567", "bytes 4-7/10")
        yield* using(
          (n, socket) => {
            if (n > 0) return void socket.write(bytes)
            socket.write(bytes.subarray(0, bytes.length - 2))
            socket.on("close", () => Deferred.doneUnsafe(closed, Effect.void))
            setTimeout(() => Deferred.doneUnsafe(begun, Effect.void), 20)
          },
          (source, link) =>
            Effect.gen(function* () {
              const fiber = yield* Effect.forkChild(readPart(source, link))
              yield* Deferred.await(begun)
              yield* Fiber.interrupt(fiber)
              yield* Deferred.await(closed)
              assert.strictEqual(yield* readPart(source, link), "4567")
            })
        )
      })
    )

    it.live(
      "large parts come whole, at the same time, in arrays that may be lent, however slowly they are taken",
      () => {
        // Each is more than any buffer, so that buffers are used again.
        const each = 4_000_000
        const large = Buffer.alloc(4 * each + 17)
        for (let i = 0; i < large.length; i += 4)
          large.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, Math.min(i, large.length - 4))
        const parts = [0, 1, 2, 3].map((i) => ({
          number: i + 1,
          offset: i * each,
          length: i === 3 ? each + 17 : each
        }))
        return using(
          (_, socket, { text }) => {
            const [, from = "", to = ""] = /range: bytes=(\d+)-(\d+)/i.exec(text) ?? []
            const body = large.subarray(Number(from), Number(to) + 1)
            const head = answer("206 Partial Content", "", {
              "content-range": `bytes ${from}-${to}/${large.length}`,
              "content-length": String(body.length)
            })
            socket.write(Buffer.concat([head, body]))
          },
          (source, link) =>
            Effect.gen(function* () {
              const found = yield* Effect.forEach(
                parts,
                (part) =>
                  collect(
                    Stream.mapArrayEffect(source.part(link, { ...file, size: large.length }, part), (chunks) =>
                      Effect.delay(Effect.succeed(chunks), "2 millis")
                    )
                  ),
                { concurrency: 4 }
              )
              assert.strictEqual(Buffer.compare(Buffer.concat(found), large), 0)
            })
        )
      }
    )

    const probes: ReadonlyArray<readonly [string, Buffer, Source.SourceFile]> = [
      ["ranges and a strong ETag", ranged("0", "bytes 0-0/10"), file],
      [
        "ranges without an ETag",
        ranged("0", "bytes 0-0/10", { etag: undefined }),
        { size: 10, etag: undefined, ranges: false }
      ],
      ["a weak ETag", ranged("0", "bytes 0-0/10", { etag: 'W/"1"' }), { size: 10, etag: undefined, ranges: false }],
      ["no ranges", answer("200 OK", content), { ...file, ranges: false }],
      [
        "an empty file",
        answer("416 Range Not Satisfiable", "", { "content-range": "bytes */0" }),
        { size: 0, etag: undefined, ranges: false }
      ]
    ]
    for (const [what, bytes, expected] of probes) {
      it.live(`a probe learns: ${what}`, () =>
        using(says(bytes), (source, link, requests) =>
          Effect.gen(function* () {
            assert.deepStrictEqual(yield* source.probe(link), expected)
            assert.match(requests[0]?.text ?? "", /range: bytes=0-0/i)
          })
        )
      )
    }

    const md5 = createHash("md5").update(content).digest("base64")
    const wholes: ReadonlyArray<readonly [string, Buffer, string]> = [
      ["all of it", answer("200 OK", content), "0123456789"],
      ["another length", answer("200 OK", "01234"), "ContentChanged"],
      ["F56 an error page with 200", answer("200 OK", "<Error/>"), "ContentChanged"],
      ["a part", ranged("4567", "bytes 4-7/10"), "BadRange"],
      ["its Content-MD5", answer("200 OK", content, { "content-md5": md5 }), "0123456789"],
      ["F53 a flipped byte under its Content-MD5", answer("200 OK", "0123456788", { "content-md5": md5 }), "Corrupt"],
      ["a Content-MD5 that is none", answer("200 OK", content, { "content-md5": "0123" }), "0123456789"]
    ]
    for (const [what, bytes, expected] of wholes) {
      it.live(`the whole: ${what}`, () =>
        using(says(bytes), (source, link) =>
          Effect.gen(function* () {
            const result = yield* Effect.result(collect(source.whole(link, { ...file, ranges: false })))
            assert.strictEqual(result._tag === "Success" ? String(result.success) : result.failure.reason, expected)
          })
        )
      )
    }
  })
}
