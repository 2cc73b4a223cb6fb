import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import * as Target from "../src/Target.ts"

describe("Target", () => {
  it.effect("takes folders by path or address, and stdout", () =>
    Effect.gen(function* () {
      const relative = yield* Target.parse("./some where")
      expect(relative).toEqual(yield* Target.parse(Path.resolve("some where")))
      expect(yield* Target.parse("file:///srv/a%20b")).toMatchObject({ _tag: "Folder", directory: "/srv/a b" })
      expect(yield* Target.parse("/srv/data/")).toEqual(yield* Target.parse("file:///srv/data"))
      expect(yield* Target.parse("-")).toEqual({ _tag: "Stdout", text: "-" })
      expect((yield* Target.parse("2026-05-01T00:00"))._tag).toBe("Folder")
    })
  )

  it.effect("refuses what it does not know", () =>
    Effect.gen(function* () {
      for (const to of ["s3://bucket/x", "https://example.com", "file://elsewhere/x", "", " "]) {
        const error = yield* Effect.flip(Target.parse(to))
        expect(error._tag).toBe("UsageError")
        expect(error.nextStep).toContain("folder")
      }
    })
  )
})
