/** Servers that were never meant to be answered by: broken, endless, or after something. */
import { assert, describe, it } from "@effect/vitest"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { createServer, type IncomingMessage, type RequestListener } from "node:http"
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { inspect } from "node:util"
import { S3Sink } from "../src/index.ts"
import { deliver, equal, key, large, objectOf, small, within, write } from "./delivery.ts"
import { is, page, type Rule, xml } from "./proxy.ts"
import { spoilable } from "./server.ts"

const credentials = {
  accessKeyId: "AKIAHOSTILEEXAMPLE01",
  secretAccessKey: Redacted.make("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
  sessionToken: Redacted.make("IQoJb3JpZ2luX2VjEXAMPLE/tok+en==")
}

/** Anything that listens, for as long as the test. */
const listening = (server: Server) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))),
      () => Effect.sync(() => server.unref())
    ),
    () => {
      const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const options: S3Sink.S3SinkOptions = { bucket: "exports", endpoint, region: "us-east-1", credentials }
      return { endpoint, options }
    }
  )
const hostile = (listener: RequestListener) => listening(createServer(listener))

/** Lets the clock run until the fiber ends, for what only ends by giving up. Connections are real, and need a moment. */
const givingUp = Effect.fnUntraced(function* <A, E>(fiber: Fiber.Fiber<A, E>) {
  while (fiber.pollUnsafe() === undefined) {
    yield* TestClock.adjust("10 seconds")
    yield* Effect.promise(() => sleep(1))
  }
  return yield* Fiber.join(fiber)
})

/** Goes on for as long as somebody listens. */
const endlessly =
  (piece: (count: number) => string, pause: number): RequestListener =>
  (request, response) => {
    response.writeHead(200, { "content-type": "application/xml" })
    const go = async () => {
      for (let count = 0; !response.destroyed; count++) {
        if (!response.write(piece(count)))
          await new Promise((resolve) => response.once("drain", resolve).once("close", resolve))
        await sleep(pause)
      }
    }
    request.resume()
    void go()
  }

describe("S3Sink and hostile servers", () => {
  for (const [what, listener] of [
    ["never answers", (request) => void request.resume()],
    ["drips", endlessly((count) => (count === 0 ? "<ListBucketResult>" : " "), 5)],
    [
      "says that it is at it, for ever",
      (_request, response) => {
        const timer = setInterval(() => response.writeProcessing(), 5)
        response.once("close", () => clearInterval(timer))
      }
    ]
  ] as ReadonlyArray<readonly [string, RequestListener]>) {
    it.effect(`F71 a server that ${what} is given up`, () =>
      Effect.gen(function* () {
        const { options } = yield* hostile(listener)
        const began = yield* Clock.currentTimeMillis
        const fiber = yield* Effect.forkChild(Effect.flip(within(options, () => Effect.void)))
        const error = yield* givingUp(fiber)
        assert.strictEqual(error.reason, "Unavailable")
        assert.isAtMost((yield* Clock.currentTimeMillis) - began, 40 * 60_000)
      })
    )
  }

  it.effect("F71 a server that takes a part and never answers is given up, and the part may be tried again", () =>
    Effect.gen(function* () {
      const { options, proxy } = yield* spoilable
      const held = yield* Deferred.make<void>()
      proxy.spoil(is.uploadPart, { kind: "hold", held: () => Deferred.doneUnsafe(held, Effect.void) })
      const [first] = ObjectSink.parts(objectOf(large))
      const fiber = yield* within(options, (sink) =>
        Effect.scoped(Effect.flatMap(sink.open(objectOf(large)), (writer) => Effect.flip(write(writer, large, first!))))
      ).pipe(Effect.forkChild)
      yield* Deferred.await(held)
      const error = yield* givingUp(fiber)
      assert.strictEqual(error.reason, "Unavailable")
    })
  )

  it.live("F72 a server that says a part is stored, and hangs up in the middle of it, is not believed", () =>
    Effect.gen(function* () {
      const { options, proxy, read } = yield* spoilable
      proxy.spoil(is.uploadPart, {
        kind: "answer",
        how: (request, response) => {
          response.writeHead(200, { etag: '"0123"', connection: "close" }).end()
          request.socket.end(() => request.socket.destroy())
        }
      })
      yield* within(options, (sink) => deliver(sink, objectOf(large), large))
      assert.strictEqual(proxy.seen.filter(is.uploadPart).length, 4)
      equal(yield* read(key), large)
    })
  )

  it.live("a server that gives an upload no id is sent no part, which would take the place of the object", () =>
    Effect.gen(function* () {
      const { options, proxy, read } = yield* spoilable
      proxy.spoil(is.create, xml(200, "<InitiateMultipartUploadResult/>"))
      const error = yield* Effect.flip(within(options, (sink) => deliver(sink, objectOf(large), large)))
      assert.include(error.message, "no id")
      assert.isFalse(proxy.seen.some(is.uploadPart))
      assert.isUndefined(yield* read(key))
    })
  )

  it.live("an answer without end is not held in memory", () =>
    Effect.gen(function* () {
      let sent = 0
      const megabyte = "x".repeat(2 ** 20)
      const { options } = yield* hostile(
        endlessly((count) => {
          sent = count
          return count === 0 ? "<ListBucketResult><Name>" : megabyte
        }, 0)
      )
      const error = yield* Effect.flip(within(options, () => Effect.void))
      assert.include(error.message, "no end")
      // 8 of them count; some more are in the buffers of both kernels.
      assert.isBelow(sent, 64)
    })
  )

  const more = (marker: string, content = "") =>
    `<R><IsTruncated>true</IsTruncated><NextPartNumberMarker>${marker}</NextPartNumberMarker><NextContinuationToken>${marker}</NextContinuationToken><NextKeyMarker>${marker}</NextKeyMarker><NextUploadIdMarker>${marker}</NextUploadIdMarker>${content}</R>`
  const parts = Array.from(
    { length: 20_000 },
    () => "<Part><PartNumber>7</PartNumber><ETag>e</ETag><Size>1</Size></Part>"
  )
  for (const [what, answer] of [
    ["the same page again and again", () => more("1")],
    ["two pages in turn", (count) => more(String(count % 2))],
    ["no marker for the next page", () => "<R><IsTruncated>true</IsTruncated></R>"],
    ["ever more parts", (count) => more(String(count), parts.join(""))]
  ] as ReadonlyArray<readonly [string, (count: number) => string]>) {
    it.live(`F77 a list that is endless: ${what}`, () =>
      Effect.gen(function* () {
        const { options, proxy } = yield* spoilable
        const [first] = ObjectSink.parts(objectOf(large))
        yield* within(options, (sink) =>
          Effect.scoped(Effect.flatMap(sink.open(objectOf(large)), (writer) => write(writer, large, first!)))
        )
        let count = 0
        const endless = (when: Rule["when"]) =>
          proxy.spoil(when, { kind: "answer", how: (_, response) => void response.end(answer(count++)) }, Infinity)
        endless(is.listParts)
        const parts = yield* Effect.flip(within(options, (sink) => Effect.scoped(sink.open(objectOf(large)))))
        assert.include(parts.message, "list has no end")
        if (what === "ever more parts") return
        endless(is.listUploads)
        const uploads = yield* Effect.flip(S3Sink.abandoned(options))
        assert.include(uploads.message, "list has no end")
        endless(is.listNotes)
        const notes = yield* Effect.flip(S3Sink.abandoned(options))
        assert.include(notes.message, "list has no end")
      })
    )
  }

  for (const status of [301, 302, 303, 307, 308]) {
    it.live(`F83 F42 a redirect (${status}) to another host is not followed: nothing that is signed goes there`, () =>
      Effect.gen(function* () {
        let followed = 0
        const elsewhere = yield* hostile((_, response) => {
          followed += 1
          response.end()
        })
        const { options, proxy } = yield* spoilable
        const redirects = (when: Rule["when"]) =>
          proxy.spoil(when, {
            kind: "answer",
            how: (request, response) =>
              request
                .on("end", () => response.writeHead(status, { location: `${elsewhere.endpoint}${request.url}` }).end())
                .resume()
          })
        for (const when of [() => true, is.uploadPart, is.complete, is.head]) {
          redirects(when)
          const error = yield* Effect.flip(within(options, (sink) => deliver(sink, objectOf(large), large)))
          assert.include(error.message, "another address")
        }
        assert.strictEqual(followed, 0)
      })
    )
  }

  const secretsIn = ({ headers: { authorization = "" } }: IncomingMessage) => ({
    id: /Credential=([^/]+)/.exec(authorization)?.[1] ?? "",
    signature: /Signature=(\w+)/.exec(authorization)?.[1] ?? ""
  })
  /** What a request tells, in every place that an error has. */
  const echo =
    (status: number): RequestListener =>
    (request, response) => {
      const { id, signature } = secretsIn(request)
      const token = String(request.headers["x-amz-security-token"])
      const message = `${signature} ${encodeURIComponent(token)} ${token} ${request.rawHeaders.join(" ")}`
      const body = `<Error><Code>${id}</Code><Message>${message}</Message><Region>${id}</Region></Error>`
      request.on("end", () => response.writeHead(status, { "x-amz-bucket-region": id }).end(body)).resume()
    }
  for (const status of [200, 301, 400, 403, 404, 409, 412, 500]) {
    it.effect(`I7 no secret is in an error, though the server repeats all that it was told (${status})`, () =>
      Effect.gen(function* () {
        const seen: Array<IncomingMessage> = []
        const answer = echo(status)
        const { options } = yield* hostile((request, response) => {
          seen.push(request)
          answer(request, response)
        })
        const fiber = yield* Effect.forkChild(Effect.flip(within(options, () => Effect.void)))
        const error = yield* givingUp(fiber)
        const { signature } = secretsIn(seen[0]!)
        assert.lengthOf(signature, 64)
        const token = Redacted.value(credentials.sessionToken)
        const shown = `${JSON.stringify(error)} ${String(error)} ${error.stack} ${inspect(error, { depth: 9, showHidden: true })}`
        for (const secret of [
          credentials.accessKeyId,
          Redacted.value(credentials.secretAccessKey),
          token,
          encodeURIComponent(token),
          signature
        ]) {
          assert.notInclude(shown, secret)
        }
      })
    )
  }

  it.live("I7 no secret is in an error, though a service of credentials gives half of them", () =>
    Effect.gen(function* () {
      const service = yield* hostile((_, response) => response.end("AKIAHALF not what was expected"))
      const { options } = yield* hostile((_, response) => response.end())
      const names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"]
      const before = names.map((name) => [name, process.env[name]] as const)
      const set = (name: string, value: string | undefined) => {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          for (const name of names) set(name, undefined)
          set("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.endpoint)
        }),
        () => Effect.sync(() => before.forEach(([name, value]) => set(name, value)))
      )
      const error = yield* Effect.flip(within({ ...options, credentials: undefined }, () => Effect.void))
      assert.notInclude(JSON.stringify(error), "AKIAHALF")
      assert.notInclude(JSON.stringify(error), "answered")
    })
  )

  it.live("a line break that was copied along with a key is told of", () =>
    Effect.gen(function* () {
      const { options } = yield* hostile((_, response) => response.end())
      const broken = { ...credentials, sessionToken: Redacted.make("token\n") }
      const error = yield* Effect.flip(within({ ...options, credentials: broken }, () => Effect.void))
      assert.include(error.message, "line break")
    })
  )

  it.live("F83 something at the endpoint that does not speak S3, or not even HTTP, is told of", () =>
    Effect.gen(function* () {
      const { options, proxy } = yield* spoilable
      proxy.spoil(() => true, page(404))
      const html = yield* Effect.flip(within(options, () => Effect.void))
      assert.include(html.message, "does not speak S3")
      const chatter = yield* listening(createTcpServer((socket) => socket.on("error", () => {}).end("220 hello\r\n")))
      const other = yield* Effect.flip(within(chatter.options, () => Effect.void))
      assert.include(other.message, "does not speak HTTP")
      const secure = { ...options, endpoint: proxy.endpoint.replace("http:", "https:") }
      const plain = yield* Effect.flip(within(secure, () => Effect.void))
      assert.include(plain.message, "TLS")
    })
  )

  it.live("F83 a server that says yes to everything has stored nothing", () =>
    Effect.gen(function* () {
      const { options } = yield* hostile((request, response) => void request.on("end", () => response.end()).resume())
      for (const bytes of [small, large]) {
        const result = yield* Effect.result(within(options, (sink) => deliver(sink, objectOf(bytes), bytes)))
        assert.strictEqual(result._tag, "Failure")
      }
    })
  )
})
