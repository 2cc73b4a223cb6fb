import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import * as Target from "../src/runs/Target.ts"

describe("Target", () => {
  it.effect("takes folders by path or address, and stdout", () =>
    Effect.gen(function* () {
      const relative = yield* Target.parse("./some where")
      assert.deepStrictEqual(relative, yield* Target.parse(Path.resolve("some where")))
      assert.strictEqual((yield* Target.parse("file:///srv/a%20b")).text, "/srv/a b")
      assert.deepStrictEqual(yield* Target.parse("/srv/data/"), yield* Target.parse("file:///srv/data"))
      assert.deepStrictEqual(yield* Target.parse("-"), { _tag: "Stdout", text: "-" })
      assert.strictEqual((yield* Target.parse("2026-05-01T00:00"))._tag, "Folder")
    })
  )

  it.effect("refuses what it does not know", () =>
    Effect.gen(function* () {
      for (const to of [
        "ftp://bucket/x",
        "https://example.com",
        "s3://",
        "s3://b",
        "s3://bucket/../x",
        "s3://bucket/.longshore",
        "s3://bucket/a//b",
        "file://elsewhere/x",
        "",
        " "
      ]) {
        const error = yield* Effect.flip(Target.parse(to))
        assert.strictEqual(error._tag, "UsageError")
        assert.include(error.nextStep, "folder")
      }
    })
  )

  it.effect("takes buckets, on AWS or on another server", () =>
    Effect.gen(function* () {
      const aws = yield* Target.parse("s3://bucket/mews/daily/", { region: "eu-central-1", profile: "exports" })
      assert.deepStrictEqual(aws, {
        _tag: "S3",
        bucket: "bucket",
        prefix: "mews/daily",
        endpoint: undefined,
        region: "eu-central-1",
        profile: "exports",
        text: "s3://bucket/mews/daily"
      })
      assert.strictEqual((yield* Target.parse("s3://bucket")).text, "s3://bucket")
      const other = yield* Target.parse("s3://bucket/mews/daily", { endpoint: "http://127.0.0.1:7480/" })
      assert.strictEqual(other.text, "s3://bucket/mews/daily at http://127.0.0.1:7480")
      const inside = yield* Target.parse("s3://bucket", { endpoint: "https://host.example/storage/v1/s3/" })
      assert.strictEqual(inside.text, "s3://bucket at https://host.example/storage/v1/s3")
      // A person who asks for the status need not know the server.
      assert.isTrue(Target.isNamed(aws, other.text))
      assert.isFalse(Target.isNamed(other, aws.text))
      assert.strictEqual((yield* Effect.flip(Target.parse("s3://bucket", { endpoint: "ceph" })))._tag, "UsageError")
    })
  )
})
