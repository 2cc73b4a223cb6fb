/** The sink of `sqlite-sink.ts` passes the suite of sinks, on a file that every process opens anew. */
import { SinkSuite } from "@longshore/testkit"
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as SqliteSink from "../sqlite-sink.ts"
import { readObject } from "./readObject.ts"

SinkSuite.suite("SqliteSink", {
  make: Effect.gen(function* () {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(Path.join(Os.tmpdir(), "longshore-sqlite-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
    const path = Path.join(directory, "exports.db")
    return {
      open: Layer.fresh(SqliteSink.layer({ path })),
      read: (key) => Effect.sync(() => readObject(path, key))
    }
  })
})
