import { JournalSuite } from "@longshore/testkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FileJournal } from "../src/index.ts"

JournalSuite.suite("FileJournal", {
  make: Effect.gen(function* () {
    const directory = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "longshore-"))),
      (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
    )
    return Layer.fresh(FileJournal.layer({ path: join(directory, "run.jsonl"), identity: { what: "a test" } }))
  }),
  durable: true
})
