import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand
} from "@aws-sdk/client-s3"
import { assert, describe, it } from "@effect/vitest"
import type { SinkError } from "@longshore/core/ExportError"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { randomFillSync } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { S3Sink } from "../src/index.ts"
import {
  deliver,
  equal,
  key,
  large,
  notesBelow,
  objectOf,
  partSize,
  refuse,
  type Sink,
  small,
  uploadsBelow,
  within,
  write
} from "./delivery.ts"
import { is, page, type Seen, xml } from "./proxy.ts"
import { bucket, client, fresh, isReal, server, spoilable } from "./server.ts"

describe(`S3Sink's faults on ${server}`, () => {
  // Skipped by name, so that a run says it.
  it.skipIf(!isReal)("the real server is there", () => assert.isTrue(isReal))

  for (const [name, when, fault, times] of [
    ["F71 a part is answered 503 SlowDown", is.uploadPart, refuse(503, "SlowDown"), 2],
    ["F71 a part is answered 500", is.uploadPart, refuse(500, "InternalError"), 1],
    ["F71 the beginning of an upload is answered 503", is.create, refuse(503, "SlowDown"), 2],
    ["F71 a connection breaks under a part", is.uploadPart, { kind: "break" }, 1],
    ["F72 a part is stored and its answer is lost", is.uploadPart, { kind: "lose" }, 1],
    ["F73 completion succeeds and its answer is lost", is.complete, { kind: "lose" }, 1],
    ["F74 completion is answered 200 with an error in it", is.complete, refuse(200, "InternalError"), 1],
    ["F71 a proxy before the server answers a part with a page of its own", is.uploadPart, page(502), 1],
    ["F71 a proxy before the server answers the beginning with a page of its own", is.create, page(503), 1],
    ["F73 completion succeeds and is answered with half a word", is.complete, { kind: "garble" }, 1],
    ["F77 what was published is seen a little later", is.headOfPublished, refuse(404, ""), 1],
    ["F80 a part arrives changed", is.uploadPart, { kind: "corrupt" }, 2],
    ["F83 a server that knows no conditions (501)", is.complete, refuse(501, "NotImplemented"), 1],
    ["F83 a server that refuses checksums (501)", is.create, refuse(501, "NotImplemented"), 1],
    ["F83 a server that refuses checksums (400)", is.create, refuse(400, "InvalidArgument"), 1]
  ] as const) {
    it.live(name, () =>
      Effect.gen(function* () {
        const { options, prefix, proxy, read } = yield* spoilable
        proxy.spoil(when, fault, times)
        const stored = yield* within(options, (sink) => deliver(sink, objectOf(large), large))
        assert.strictEqual(stored.size, large.length)
        equal(yield* read(key), large)
        assert.strictEqual(yield* uploadsBelow(prefix), 0)
        const parts = proxy.seen.filter(is.uploadPart).length
        assert.strictEqual(parts, 3 + (when === is.uploadPart ? times : 0), "no part is sent twice without need")
      })
    )
  }

  it.live("F73 a small object is put and the answer is lost", () =>
    Effect.gen(function* () {
      const { options, proxy, read } = yield* spoilable
      proxy.spoil(is.put, { kind: "lose" })
      yield* within(options, (sink) => deliver(sink, objectOf(small), small))
      equal(yield* read(key), small)
    })
  )

  it.live("F73 F95 the process dies between completion and its note: the next one sends nothing again", () =>
    Effect.gen(function* () {
      const { options, proxy, read } = yield* spoilable
      const first = yield* within(options, (sink) => deliver(sink, objectOf(large), large))
      const sent = proxy.seen.filter(is.uploadPart).length
      const again = yield* within(options, (sink) => deliver(sink, objectOf(large), large))
      assert.deepStrictEqual(again, first)
      assert.strictEqual(proxy.seen.filter(is.uploadPart).length, sent)
      equal(yield* read(key), large)
    })
  )

  it.live("F74 completion stays an error: nothing is published, and the next process only completes", () =>
    Effect.gen(function* () {
      const { options, proxy, read } = yield* spoilable
      proxy.spoil(is.complete, refuse(200, "EntityTooSmall"), 1)
      const error = yield* Effect.flip(within(options, (sink) => deliver(sink, objectOf(large), large)))
      assert.strictEqual(error.reason, "InvalidKey")
      assert.isUndefined(yield* read(key))
      yield* within(options, (sink) => deliver(sink, objectOf(large), large))
      assert.strictEqual(proxy.seen.filter(is.uploadPart).length, 3)
      equal(yield* read(key), large)
    })
  )

  it.live("F75 somebody aborts the upload: the run ends with the reason, and the next one begins anew", () =>
    Effect.gen(function* () {
      const { options, prefix, read } = yield* spoilable
      const error = yield* within(options, (sink) =>
        Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(objectOf(large))
            const [first, second] = ObjectSink.parts(objectOf(large))
            yield* write(writer, large, first!)
            yield* Effect.promise(async () => {
              const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }))
              const { Key, UploadId } = Uploads![0]!
              await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
            })
            return yield* Effect.flip(write(writer, large, second!))
          })
        )
      )
      assert.strictEqual(error.reason, "Conflict")
      yield* within(options, (sink) => deliver(sink, objectOf(large), large))
      equal(yield* read(key), large)
    })
  )

  it.live("F76 the bucket is gone: not taken for an upload that was completed", () =>
    Effect.gen(function* () {
      const { options, proxy, read } = yield* spoilable
      proxy.spoil(is.complete, refuse(404, "NoSuchBucket"))
      const error = yield* Effect.flip(within(options, (sink) => deliver(sink, objectOf(large), large)))
      assert.include(error.message, "there is no such bucket")
      assert.isUndefined(yield* read(key))
    })
  )

  it.live("F76 a page of a proxy (404) is not taken for the end of an upload: what is stored counts", () =>
    Effect.gen(function* () {
      const { options, proxy, read } = yield* spoilable
      const [first] = ObjectSink.parts(objectOf(large))
      const open = (sink: Sink) => sink.open(objectOf(large))
      yield* within(options, (sink) =>
        Effect.scoped(Effect.flatMap(open(sink), (writer) => write(writer, large, first!)))
      )
      proxy.spoil(is.listParts, page(404))
      const error = yield* Effect.flip(within(options, (sink) => Effect.scoped(open(sink))))
      assert.include(error.message, "does not speak S3")
      yield* within(options, (sink) => deliver(sink, objectOf(large), large))
      assert.strictEqual(proxy.seen.filter(is.uploadPart).length, 3)
      equal(yield* read(key), large)
    })
  )

  it.live("F76 a page of a proxy (404) is not taken for the end of an upload: it is aborted later", () =>
    Effect.gen(function* () {
      const { options, prefix, proxy } = yield* spoilable
      proxy.spoil(is.create, { kind: "lose" })
      yield* within(options, (sink) => deliver(sink, objectOf(large), large))
      proxy.spoil(is.abort, page(404))
      yield* Effect.flip(within(options, (sink) => sink.settle(key)))
      yield* within(options, (sink) => sink.settle(key))
      assert.strictEqual(yield* uploadsBelow(prefix), 0)
    })
  )

  it.live("F77 a list that lags behind costs parts that are sent again, and nothing else", () =>
    Effect.gen(function* () {
      const { options, prefix, proxy, read } = yield* spoilable
      const [first] = ObjectSink.parts(objectOf(large))
      yield* within(options, (sink) =>
        Effect.scoped(Effect.flatMap(sink.open(objectOf(large)), (writer) => write(writer, large, first!)))
      )
      const nothing = "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
      proxy.spoil(is.listParts, xml(200, `<ListPartsResult>${isReal ? "" : nothing}</ListPartsResult>`))
      yield* within(options, (sink) => deliver(sink, objectOf(large), large))
      assert.strictEqual(proxy.seen.filter(is.uploadPart).length, 4)
      equal(yield* read(key), large)
      assert.strictEqual(yield* uploadsBelow(prefix), 0)
    })
  )

  it.live("F77 stored parts are listed over many pages", () =>
    Effect.gen(function* () {
      const { options, proxy } = yield* spoilable
      const many = Buffer.concat([large, large])
      const object = objectOf(many)
      const all = ObjectSink.parts(object)
      const stored = yield* within(options, (sink) =>
        Effect.scoped(
          Effect.flatMap(sink.open(object), (writer) => Effect.forEach(all, (part) => write(writer, many, part)))
        )
      ).pipe(
        Effect.andThen(within(options, (sink) => Effect.scoped(Effect.map(sink.open(object), ({ stored }) => stored))))
      )
      assert.deepStrictEqual(
        stored.map(({ length, number }) => [number, length]),
        all.map(({ length, number }) => [number, length])
      )
      // Real servers have pages of 1000 parts.
      assert.strictEqual(proxy.seen.filter(is.listParts).length, isReal ? 1 : 3)
    })
  )

  it.live("F78 parts that S3 does not take are refused before anything is sent", () =>
    Effect.gen(function* () {
      const { options, proxy } = yield* spoilable
      const [tooSmall, tooMany] = yield* within(options, (sink) => {
        const open = (object: ObjectSink.SinkObject) => Effect.flip(Effect.scoped(sink.open(object)))
        return Effect.all([
          open({ ...objectOf(large), partSize: partSize - 1 }),
          open({ ...objectOf(large), size: 10_001 * partSize })
        ])
      })
      assert.strictEqual(tooSmall.reason, "InvalidKey")
      assert.strictEqual(tooMany.reason, "InvalidKey")
      assert.isFalse(proxy.seen.some(is.create))
    })
  )

  for (const [code, status, words] of [
    ["ExpiredToken", 400, "have expired"],
    ["RequestTimeTooSkewed", 403, "clock"],
    ["AccessDenied", 403, "denies access"],
    ["QuotaExceeded", 403, "quota"]
  ] as const) {
    it.live(`F79 ${code} in the middle of an upload says what to do`, () =>
      Effect.gen(function* () {
        const { options, prefix, proxy, read } = yield* spoilable
        proxy.spoil((seen) => is.uploadPart(seen) && seen.query.get("partNumber") === "2", refuse(status, code))
        const error = yield* Effect.flip(within(options, (sink) => deliver(sink, objectOf(large), large)))
        assert.include(error.message, words)
        assert.isFalse(error.retryable)
        assert.isUndefined(yield* read(key))
        // What was stored before counts.
        yield* within(options, (sink) => deliver(sink, objectOf(large), large))
        assert.strictEqual(proxy.seen.filter(is.uploadPart).length, 4)
        equal(yield* read(key), large)
        assert.strictEqual(yield* uploadsBelow(prefix), 0)
      })
    )
  }

  it.live("F79 credentials that end with the last part: said also where an answer has no body", () =>
    Effect.gen(function* () {
      const { options, proxy, read } = yield* spoilable
      const ended = (_: Seen, all: ReadonlyArray<Seen>) => all.filter(is.uploadPart).length === 3
      proxy.spoil((seen, all) => ended(seen, all) && !is.uploadPart(seen), refuse(400, "ExpiredToken"), Infinity)
      const error = yield* Effect.flip(within(options, (sink) => deliver(sink, objectOf(large), large)))
      assert.include(error.message, "have expired")
      assert.isUndefined(yield* read(key))
    })
  )

  it.live("F79 credentials that end before an object is looked at", () =>
    Effect.gen(function* () {
      const { options, proxy } = yield* spoilable
      const error = yield* within(options, (sink) => {
        proxy.spoil(() => true, refuse(400, "ExpiredToken"), Infinity)
        return Effect.flip(Effect.scoped(sink.open(objectOf(large))))
      })
      assert.include(error.message, "have expired")
    })
  )

  it.live("F80 a part arrives changed at a server without checksums: its MD5 tells", () =>
    Effect.gen(function* () {
      const { options, proxy, read } = yield* spoilable
      proxy.spoil(is.create, refuse(501, "NotImplemented"))
      proxy.spoil(is.uploadPart, { kind: "corrupt" })
      yield* within(options, (sink) => deliver(sink, objectOf(large), large))
      assert.strictEqual(proxy.seen.filter(is.uploadPart).length, 4)
      equal(yield* read(key), large)
    })
  )

  for (const [what, bytes, before] of [
    ["a small object", small, undefined],
    ["a small object in place of an older one", small, "older"],
    ["a large object", large, undefined],
    ["a large object in place of an older one", large, "older"]
  ] as const) {
    // Ceph 16 knows conditions for objects that are put, not for completion.
    it.live.skipIf(isReal && bytes === large)(
      `F81 another program puts something in the place of ${what} meanwhile: it is not overwritten`,
      () =>
        Effect.gen(function* () {
          const { options, prefix, read } = yield* fresh
          const put = (Body: string) =>
            Effect.promise(() => client.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}/${key}`, Body })))
          if (before !== undefined) yield* put(before)
          const error = yield* within(options, (sink) =>
            Effect.scoped(
              Effect.gen(function* () {
                const writer = yield* sink.open(objectOf(bytes))
                for (const part of ObjectSink.parts(objectOf(bytes))) yield* write(writer, bytes, part)
                yield* put("another's")
                return yield* Effect.flip(writer.commit)
              })
            )
          )
          assert.strictEqual(error.reason, "Conflict")
          assert.strictEqual(Buffer.from((yield* read(key)) ?? []).toString(), "another's")
        })
    )
  }

  it.live("F82 abandoned uploads of ours are listed and aborted; those of others are not touched", () =>
    Effect.gen(function* () {
      const { options, prefix } = yield* fresh
      const other = `${prefix}/Reservation/1/other.jsonl`
      yield* Effect.promise(() => client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: other })))
      yield* within(options, (sink) =>
        Effect.scoped(
          Effect.flatMap(sink.open(objectOf(large)), (writer) =>
            write(writer, large, ObjectSink.parts(objectOf(large))[0]!)
          )
        )
      )
      const found = yield* S3Sink.abandoned(options)
      assert.deepStrictEqual(
        found.map((upload) => [upload.key, upload.size]),
        [[`${prefix}/${key}`, partSize]]
      )
      yield* Effect.forEach(found, (upload) => S3Sink.abort(options, upload))
      assert.deepStrictEqual(yield* S3Sink.abandoned(options), [])
      assert.strictEqual(yield* uploadsBelow(prefix), 1)
    })
  )

  it.live(
    "F82 notes that outlived their upload are told of by key, and removed; a process killed in between is repaired",
    () =>
      Effect.gen(function* () {
        const { options, prefix } = yield* fresh
        const first = ObjectSink.parts(objectOf(large))[0]!
        const begin = (version: string) =>
          within(options, (sink) =>
            Effect.scoped(Effect.flatMap(sink.open(objectOf(large, version)), (writer) => write(writer, large, first)))
          )
        yield* begin("1")
        yield* begin("2")
        const uploads = yield* S3Sink.abandoned(options, [key])
        assert.lengthOf(uploads, 2)
        // As a process that was killed behind the abort.
        for (const { key: Key, uploadId: UploadId } of uploads) {
          yield* Effect.promise(() => client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })))
        }
        assert.deepStrictEqual(yield* S3Sink.abandoned(options), [])
        const other = ObjectSink.ObjectKey.make("Reservation/1/Reservation-00002.jsonl")
        const left = yield* S3Sink.abandoned(options, [key, other])
        assert.deepStrictEqual(left, [{ key: `${prefix}/${key}`, uploadId: undefined, initiated: undefined, size: 0 }])
        assert.isAbove(yield* notesBelow(prefix), 0)
        for (const upload of left) yield* S3Sink.abort(options, upload)
        assert.strictEqual(yield* notesBelow(prefix), 0)
        // An upload that somebody began meanwhile keeps its notes.
        yield* begin("3")
        for (const upload of left) yield* S3Sink.abort(options, upload)
        assert.lengthOf(yield* S3Sink.abandoned(options), 1)
      })
  )

  it.live("F82 an upload whose beginning was answered to nobody is ours too, and ends with the run", () =>
    Effect.gen(function* () {
      const { options, prefix, proxy } = yield* spoilable
      proxy.spoil(is.create, { kind: "lose" })
      yield* within(options, (sink) => deliver(sink, objectOf(large), large))
      assert.strictEqual(yield* uploadsBelow(prefix), 1)
      yield* within(options, (sink) => sink.settle(key))
      assert.strictEqual(yield* uploadsBelow(prefix), 0)
    })
  )

  for (const [status, code, more, words] of [
    [400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>", "another region: eu-west-1"],
    [301, "PermanentRedirect", "<Endpoint>exports.s3.eu-west-1.amazonaws.com</Endpoint>", "another region: choose it"],
    [307, "TemporaryRedirect", "<Endpoint>exports.s3.eu-west-1.amazonaws.com</Endpoint>", "another region: choose it"],
    [308, "Moved", "", "another address"]
  ] as const) {
    it.live(`F83 the wrong region or address (${status} ${code}): it is said what to correct`, () =>
      Effect.gen(function* () {
        const { options, proxy } = yield* spoilable
        proxy.spoil(() => true, refuse(status, code, more))
        const error = yield* Effect.flip(within(options, () => Effect.void))
        assert.include(error.message, words)
      })
    )
  }

  it.live("F83 the bucket is in the path, where an endpoint is given", () =>
    Effect.gen(function* () {
      const { options, proxy } = yield* spoilable
      yield* within(options, () => Effect.void)
      assert.isTrue(proxy.seen.every(({ path }) => path.startsWith(`/${bucket}`)))
    })
  )

  // One object of two parts, and the end of the run.
  const two = large.subarray(0, partSize + 1)
  const run = (options: S3Sink.S3SinkOptions) =>
    within(options, (sink) => Effect.andThen(deliver(sink, objectOf(two), two), sink.settle(key)))
  const requests = Effect.gen(function* () {
    const { options, proxy } = yield* spoilable
    yield* run(options)
    return Array.from(proxy.seen, (_, index) => index + 1)
  })
  const nth = (n: number) => (_: Seen, all: ReadonlyArray<Seen>) => all.length === n
  /** The object is right, nothing else is left, and how many parts were sent is known. */
  const isRight = Effect.fnUntraced(function* (place: Effect.Success<typeof spoilable>, most: number) {
    equal(yield* place.read(key), two)
    assert.strictEqual(yield* uploadsBelow(place.prefix), 0)
    assert.strictEqual(yield* notesBelow(place.prefix), 0)
    assert.isAtMost(place.proxy.seen.filter(is.uploadPart).length, most, "parts that were sent")
  })

  for (const [what, fault] of [
    ["is answered 503", refuse(503, "SlowDown")],
    ["is cut off", { kind: "break" }],
    ["is done, and its answer is lost", { kind: "lose" }]
  ] as const) {
    it.live(
      `F71 F72 F73 whichever request ${what}, the run ends well`,
      () =>
        Effect.gen(function* () {
          const spoiled = Effect.fnUntraced(function* (n: number) {
            const place = yield* spoilable
            place.proxy.spoil(nth(n), fault)
            yield* run(place.options)
            yield* isRight(place, 2 + 1)
          })
          // Side by side, because most of the time is a pause before the next attempt.
          yield* Effect.forEach(yield* requests, spoiled, { concurrency: 8 })
        }),
      60_000
    )
  }

  for (const when of ["before", "after"] as const) {
    it.live(
      `F72 F73 F82 F95 a run that ends ${when} any request is done is finished by the next one`,
      () =>
        Effect.gen(function* () {
          const stopped = Effect.fnUntraced(function* (n: number) {
            const place = yield* spoilable
            const reached = yield* Deferred.make<void>()
            const stop = () => Deferred.doneUnsafe(reached, Effect.void)
            place.proxy.spoil(nth(n), when === "before" ? { kind: "answer", how: stop } : { kind: "hold", held: stop })
            const first = yield* Effect.forkChild(run(place.options))
            yield* Deferred.await(reached)
            yield* Fiber.interrupt(first)
            yield* run(place.options)
            yield* isRight(place, 2 + 1)
          })
          yield* Effect.forEach(yield* requests, stopped, { concurrency: 2 })
        }),
      60_000
    )
  }

  it.live("a bucket that is not there, at the start", () =>
    Effect.gen(function* () {
      const { options } = yield* fresh
      const error = yield* Effect.flip(within({ ...options, bucket: "no-such-bucket" }, () => Effect.void))
      assert.include(error.message, "s3://no-such-bucket/")
      assert.include(error.message, "there is no such bucket")
    })
  )

  it.live.skipIf(!isReal)("F79 wrong keys, at the start, and no secret in the error", () =>
    Effect.gen(function* () {
      const { options } = yield* fresh
      const secretAccessKey = Redacted.make("not-the-secret")
      const { accessKeyId = "" } = options.credentials ?? {}
      const [secret, unknown] = yield* Effect.all([
        Effect.flip(within({ ...options, credentials: { accessKeyId, secretAccessKey } }, () => Effect.void)),
        Effect.flip(within({ ...options, credentials: { accessKeyId: "nobody", secretAccessKey } }, () => Effect.void))
      ])
      assert.include(secret.message, "the secret access key is wrong")
      assert.include(unknown.message, "does not know this access key")
      for (const error of [secret, unknown]) assert.notInclude(JSON.stringify(error), "not-the-secret")
    })
  )

  it.effect("nothing answers at the endpoint", () =>
    Effect.gen(function* () {
      const { options } = yield* fresh
      const gone = within({ ...options, endpoint: "http://127.0.0.1:9" }, () => Effect.void)
      const fiber = yield* Effect.forkChild(Effect.flip(gone))
      // Its patience is the clock's, its connections are real.
      for (let i = 0; i < 6; i++) {
        yield* Effect.promise(() => sleep(50))
        yield* TestClock.adjust("10 seconds")
      }
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error.reason, "Unavailable")
      assert.include(error.message, "ECONNREFUSED")
    })
  )

  const { LONGSHORE_TEST_S3_PID } = process.env
  it.live.skipIf(LONGSHORE_TEST_S3_PID === undefined)("the server is restarted in the middle of an object", () =>
    Effect.gen(function* () {
      const { options, prefix, read } = yield* fresh
      yield* within(options, (sink) =>
        Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(objectOf(large))
            for (const part of ObjectSink.parts(objectOf(large))) {
              yield* Effect.sync(() => process.kill(Number(LONGSHORE_TEST_S3_PID), "SIGHUP"))
              yield* Effect.retry(write(writer, large, part), {
                while: ({ retryable }: SinkError) => retryable,
                schedule: Schedule.spaced("300 millis")
              })
            }
            return yield* writer.commit
          })
        )
      )
      equal(yield* read(key), large)
      assert.strictEqual(yield* uploadsBelow(prefix), 0)
    })
  )

  for (const checksum of ["auto", "crc32", "none"] as const) {
    it.live(`checksum "${checksum}": content of equal size and another version is never mixed`, () =>
      Effect.gen(function* () {
        const { options, read } = yield* fresh
        const other = randomFillSync(Buffer.alloc(large.length))
        const halfOf = (bytes: Uint8Array, version: string) =>
          within({ ...options, checksum }, (sink) =>
            Effect.scoped(
              Effect.flatMap(sink.open(objectOf(bytes, version)), (writer) =>
                write(writer, bytes, ObjectSink.parts(objectOf(bytes))[0]!)
              )
            )
          )
        yield* halfOf(large, "1")
        yield* halfOf(other, "2")
        const stored = yield* within({ ...options, checksum }, (sink) =>
          Effect.scoped(Effect.map(sink.open(objectOf(large, "1")), ({ stored }) => stored))
        )
        assert.deepStrictEqual(
          stored.map(({ number }) => number),
          [1]
        )
        yield* within({ ...options, checksum }, (sink) => deliver(sink, objectOf(large, "1"), large))
        equal(yield* read(key), large)
      })
    )
  }
})
