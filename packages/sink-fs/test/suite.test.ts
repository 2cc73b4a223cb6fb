import { SinkSuite } from "@longshore/testkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FsSink } from "../src/index.ts"

SinkSuite.suite("FsSink", {
  make: Effect.gen(function* () {
    const directory = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "longshore-"))),
      (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
    )
    return {
      open: Layer.fresh(FsSink.layer({ directory })),
      read: (key) => Effect.promise(() => readFile(join(directory, key)).catch(() => undefined))
    }
  })
})
