import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { HttpSource, Source } from "../src/index.ts"
import { type Behaviour, host } from "./stub.ts"

const link = Redacted.make("https://files.example.test/a-1.jsonl?se=1&sig=SECRET")
const content = new TextEncoder().encode("0123456789")
const etag = '"0x8D1"'
const file = { size: 10, etag, ranges: true }
const part = { number: 2, offset: 4, length: 4 }

const answer = (body: string | Uint8Array<ArrayBuffer> | null, status: number, headers: Record<string, string> = {}) =>
  new Response(body, { status, headers })
const range = (bytes: string, contentRange: string, headers: Record<string, string> = {}) =>
  answer(bytes, 206, { "content-range": contentRange, etag, ...headers })

const using = <A, E>(behaviour: Behaviour, f: (source: Source.Source["Service"]) => Effect.Effect<A, E>) => {
  const { layer, requests } = host(behaviour)
  return Source.Source.use(f).pipe(
    Effect.provide(Layer.provide(HttpSource.layer, layer)),
    Effect.result,
    Effect.map((result) => ({ result, requests }))
  )
}

const readPart = (source: Source.Source["Service"]) =>
  Effect.map(Stream.runCollect(source.part(link, file, part)), (chunks) => Buffer.concat(chunks).toString())

describe("a part", () => {
  it.effect("is a ranged GET with the planned ETag, without content coding and without credentials", () =>
    Effect.gen(function* () {
      const { requests, result } = yield* using(() => range("4567", "bytes 4-7/10"), readPart)
      assert.strictEqual(result._tag === "Success" && result.success, "4567")
      const headers = requests[0]?.headers
      assert.strictEqual(headers?.["range"], "bytes=4-7")
      assert.strictEqual(headers?.["if-match"], etag)
      assert.strictEqual(headers?.["accept-encoding"], "identity")
      assert.isUndefined(headers?.["authorization"])
      assert.isUndefined(headers?.["traceparent"])
    })
  )

  const table: ReadonlyArray<readonly [string, ReturnType<Behaviour>, string]> = [
    ["F48 the range is ignored", answer(content, 200, { etag }), "BadRange"],
    ["F49 another range", range("3456", "bytes 3-6/10"), "BadRange"],
    ["F49 another total", range("4567", "bytes 4-7/11"), "ContentChanged"],
    ["F57 a range that begins before", range("34567", "bytes 3-7/10"), "BadRange"],
    ["F57 a range that ends after", range("45678", "bytes 4-8/10"), "BadRange"],
    ["F57 the part before", range("0123", "bytes 0-3/10"), "BadRange"],
    ["F56 an error page with 200", answer("<Error/>", 200, { etag }), "BadRange"],
    ["F49 no Content-Range", answer("4567", 206, { etag }), "BadRange"],
    [
      "F55 several ranges",
      answer("--x", 206, { "content-type": "multipart/byteranges; boundary=x", etag }),
      "BadRange"
    ],
    ["F54 another ETag", range("4567", "bytes 4-7/10", { etag: '"0x8D2"' }), "ContentChanged"],
    ["F54 412", answer("", 412), "ContentChanged"],
    ["F50 416", answer("", 416), "ContentChanged"],
    ["F51 gzip", range("4567", "bytes 4-7/10", { "content-encoding": "gzip" }), "Encoded"],
    ["F52 too few bytes", range("456", "bytes 4-7/10"), "Truncated"],
    ["F44 no bytes", range("", "bytes 4-7/10"), "Truncated"],
    ["F52 too many bytes", range("45678", "bytes 4-7/10"), "Overlong"],
    ["F32 403", answer("﻿<Error><Code>AuthenticationFailed</Code></Error>", 403), "LinkRejected"],
    ["F35 400", answer("", 400), "LinkRejected"],
    ["F35 404", answer("", 404), "LinkRejected"],
    ["F35 410", answer("", 410), "LinkRejected"],
    ["503", answer("<Error/>", 503), "Unavailable"],
    ["429", answer("", 429), "Unavailable"],
    ["408", answer("", 408), "Unavailable"],
    ["405", answer("", 405), "Refused"],
    ["F17 nobody there", { code: "ECONNREFUSED" }, "Unavailable"],
    ["F44 reset", { code: "ECONNRESET" }, "Unavailable"]
  ]
  for (const [name, behaviour, reason] of table) {
    it.effect(`${name} is ${reason}, and the link stays secret`, () =>
      Effect.gen(function* () {
        const { result } = yield* using(() => behaviour, readPart)
        if (result._tag !== "Failure") return assert.fail("an error is expected")
        assert.strictEqual(result.failure.reason, reason)
        assert.notInclude(JSON.stringify(result.failure) + result.failure.message + String(result.failure), "SECRET")
      })
    )
  }

  it.effect("waits as long as the host asks", () =>
    Effect.gen(function* () {
      const { result } = yield* using(() => answer("", 503, { "retry-after": "7" }), readPart)
      assert.strictEqual(result._tag === "Failure" && result.failure.retryAfter, 7000)
    })
  )

  it.effect("F42 follows a redirect", () =>
    Effect.gen(function* () {
      const { requests, result } = yield* using(
        (n) =>
          n === 0 ? answer(null, 307, { location: "https://cdn.example.test/b" }) : range("4567", "bytes 4-7/10"),
        readPart
      )
      assert.strictEqual(result._tag === "Success" && result.success, "4567")
      assert.strictEqual(requests[1]?.url, "https://cdn.example.test/b")
    })
  )

  it.effect("F42 follows no redirect from TLS to an open line, and none without end", () =>
    Effect.gen(function* () {
      for (const [location, asked] of [
        ["http://cdn.example.test/b?sig=SECRET", 1],
        ["https://cdn.example.test/b?sig=SECRET", 4]
      ] as const) {
        const { requests, result } = yield* using(() => answer(null, 302, { location }), readPart)
        if (result._tag !== "Failure") return assert.fail("an error is expected")
        assert.strictEqual(result.failure.reason, "Refused")
        assert.notInclude(JSON.stringify(result.failure) + result.failure.message, "SECRET")
        assert.strictEqual(requests.length, asked)
      }
    })
  )

  it.effect("comes in arrays of about 1 MiB, whatever the chunks", () =>
    Effect.gen(function* () {
      const size = 5 * 1024 * 1024 + 17
      const chunk = new Uint8Array(64 * 1024).fill(1)
      let left = size
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          const next = chunk.subarray(0, Math.min(left, chunk.length))
          left -= next.length
          if (next.length > 0) controller.enqueue(next)
          if (left === 0) controller.close()
        }
      })
      const { result } = yield* using(
        () => new Response(body, { status: 206, headers: { "content-range": `bytes 0-${size - 1}/${size}`, etag } }),
        (source) =>
          source
            .part(link, { ...file, size }, { number: 1, offset: 0, length: size })
            .pipe(Stream.chunks, Stream.runCollect)
      )
      if (result._tag !== "Success") return assert.fail()
      const sizes = result.success.map((chunks) => chunks.reduce((sum, chunk) => sum + chunk.length, 0))
      assert.strictEqual(
        sizes.reduce((a, b) => a + b),
        size
      )
      assert.isAtMost(sizes.length, 6)
    })
  )
})

describe("a probe", () => {
  const table: ReadonlyArray<readonly [string, Response, Source.SourceFile]> = [
    ["ranges and a strong ETag", range("0", "bytes 0-0/10"), { size: 10, etag, ranges: true }],
    [
      "ranges without an ETag",
      answer("0", 206, { "content-range": "bytes 0-0/10" }),
      { size: 10, etag: undefined, ranges: false }
    ],
    ["a weak ETag", range("0", "bytes 0-0/10", { etag: 'W/"1"' }), { size: 10, etag: undefined, ranges: false }],
    ["no ranges", answer(content, 200, { "content-length": "10", etag }), { size: 10, etag, ranges: false }],
    ["an empty file", answer("", 416), { size: 0, etag: undefined, ranges: false }]
  ]
  for (const [name, behaviour, expected] of table) {
    it.effect(`learns: ${name}`, () =>
      Effect.gen(function* () {
        const { requests, result } = yield* using(
          () => behaviour,
          (source) => source.probe(link)
        )
        assert.deepStrictEqual(result._tag === "Success" && result.success, expected)
        assert.strictEqual(requests[0]?.headers["range"], "bytes=0-0")
      })
    )
  }
})

describe("the whole", () => {
  const readWhole = (source: Source.Source["Service"]) =>
    Effect.map(Stream.runCollect(source.whole(link, { ...file, ranges: false })), (chunks) =>
      Buffer.concat(chunks).toString()
    )
  const table: ReadonlyArray<readonly [string, Response, string]> = [
    ["all of it", answer(content, 200, { etag }), "0123456789"],
    ["F45 an early end without Content-Length", answer("01234", 200, { etag }), "Truncated"],
    ["another length", answer("01234", 200, { etag, "content-length": "5" }), "ContentChanged"],
    ["F56 an error page with 200", answer("<Error/>", 200), "Truncated"]
  ]
  for (const [name, behaviour, expected] of table) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const { result } = yield* using(() => behaviour, readWhole)
        assert.strictEqual(result._tag === "Success" ? result.success : result.failure.reason, expected)
      })
    )
  }
})
