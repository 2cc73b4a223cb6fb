import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import * as Target from "../src/Target.ts"

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
      for (const to of ["s3://bucket/x", "https://example.com", "file://elsewhere/x", "", " "]) {
        const error = yield* Effect.flip(Target.parse(to))
        assert.strictEqual(error._tag, "UsageError")
        assert.include(error.nextStep, "folder")
      }
    })
  )
})
