import { CreateMultipartUploadCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { S3Sink } from "../src/index.ts"
import { refuse, uploadsBelow } from "./delivery.ts"
import { is, page, type Seen } from "./proxy.ts"
import { bucket, client, fresh, isReal, server, spoilable } from "./server.ts"

/** Objects and uploads below a prefix. */
const leftBelow = Effect.fnUntraced(function* (prefix: string) {
  const { Contents = [] } = yield* Effect.promise(() =>
    client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}/` }))
  )
  return { objects: Contents.map(({ Key }) => Key), uploads: yield* uploadsBelow(`${prefix}/`) }
})

const nothing = { objects: [], uploads: 0 }

const putProbe = ({ method, path, query }: Seen) =>
  method === "PUT" && path.includes("/.longshore/probe/") && !query.has("partNumber")

describe(`S3Sink.probe on ${server}`, () => {
  it.live("tries everything, tells what the server can, and leaves nothing", () =>
    Effect.gen(function* () {
      const { options, prefix, proxy } = yield* spoilable
      const found = yield* S3Sink.probe(options)
      assert.isUndefined(found.problem)
      assert.strictEqual(found.region, "us-east-1")
      assert.isBoolean(found.checksums)
      if (!isReal) assert.deepInclude(found, { checksums: true, conditions: true })
      const { date = 0, received = 0, sent = 0 } = found.clock ?? {}
      assert.isTrue(sent <= received && Math.abs(date - sent) < 60_000)
      for (const one of [is.create, is.uploadPart, is.listParts, is.abort, putProbe, is.head]) {
        assert.isTrue(proxy.seen.some((seen) => one(seen)))
      }
      assert.deepStrictEqual(yield* leftBelow(prefix), nothing)
    })
  )

  it.live("a server without checksums and without conditions", () =>
    Effect.gen(function* () {
      const { options, prefix, proxy } = yield* spoilable
      proxy.spoil(is.create, refuse(501, "NotImplemented"))
      proxy.spoil(putProbe, refuse(501, "NotImplemented"))
      // What it puts without a condition takes the place of what is there.
      proxy.spoil((seen, all) => putProbe(seen) && all.filter(putProbe).length === 3, refuse(501, "NotImplemented"))
      const found = yield* S3Sink.probe(options)
      assert.deepInclude(found, { checksums: false, conditions: false })
      assert.isUndefined(found.problem)
      assert.deepStrictEqual(yield* leftBelow(prefix), nothing)
    })
  )

  for (const [name, when, fault, step, reason] of [
    [
      "may not list",
      (seen: Seen) => seen.query.has("list-type"),
      refuse(403, "AccessDenied"),
      "list",
      "PermissionDenied"
    ],
    ["may not begin an upload", is.create, refuse(403, "AccessDenied"), "upload", "PermissionDenied"],
    ["may not send a part", is.uploadPart, refuse(403, "AccessDenied"), "upload", "PermissionDenied"],
    ["may not list parts", is.listParts, refuse(403, "AccessDenied"), "upload", "PermissionDenied"],
    ["a part that is not kept", is.listParts, refuse(404, "NoSuchUpload"), "upload", "Unknown"],
    ["may not put", putProbe, refuse(403, "AccessDenied"), "object", "PermissionDenied"],
    [
      "a page in place of an object",
      ({ method, path, query }: Seen) => method === "GET" && path.includes("/probe/") && !query.has("uploadId"),
      page(200),
      "object",
      "Conflict"
    ],
    [
      "a clock that is wrong",
      (seen: Seen) => seen.query.has("list-type"),
      refuse(403, "RequestTimeTooSkewed"),
      "list",
      "PermissionDenied"
    ]
  ] as const) {
    it.live(`${name}: says where it stopped, and leaves nothing`, () =>
      Effect.gen(function* () {
        const { options, prefix, proxy } = yield* spoilable
        proxy.spoil(when, fault)
        const { clock, problem } = yield* S3Sink.probe(options)
        assert.deepInclude(problem, { step })
        assert.strictEqual(problem?.error.reason, reason)
        assert.isDefined(clock)
        assert.deepStrictEqual(yield* leftBelow(prefix), nothing)
      })
    )
  }

  // A real server knows how old things are, and they would have to grow old first.
  it.live.skipIf(isReal)("clears away what a probe left that was killed", () =>
    Effect.gen(function* () {
      const { options, prefix } = yield* fresh
      const Key = `${prefix}/.longshore/probe/killed`
      yield* Effect.promise(() => client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "x" })))
      yield* Effect.promise(() => client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key })))
      const others = `${prefix}/.longshore/elsewhere`
      yield* Effect.promise(() => client.send(new PutObjectCommand({ Bucket: bucket, Key: others, Body: "x" })))
      yield* S3Sink.probe(options)
      assert.deepStrictEqual(yield* leftBelow(prefix), { objects: [others], uploads: 0 })
    })
  )

  it.live("tells no more of a key than its end", () =>
    Effect.gen(function* () {
      const { options } = yield* fresh
      const accessKeyId = "AKIAIOSFODNN7EXAMPLE"
      const credentials = { accessKeyId, secretAccessKey: Redacted.make("wJalrXUtnFEMI/K7MDENG") }
      const found = yield* S3Sink.probe({ ...options, credentials })
      assert.deepStrictEqual(found.credentials, { id: "…MPLE", source: "the program" })
      assert.notInclude(JSON.stringify(found), accessKeyId)
      assert.notInclude(JSON.stringify(found), "wJalr")
    })
  )
})
