// The suites that the testkit publishes, as somebody who writes a sink or a journal runs them.
import { Journal } from "@longshore/core"
import { FsSink } from "@longshore/sink-fs"
import { JournalSuite, MemorySink, SinkSuite } from "@longshore/testkit"
import { Effect, Layer } from "effect"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"

SinkSuite.suite("a sink in memory", {
  make: Effect.sync(() => {
    const store = MemorySink.makeStore()
    return { open: MemorySink.layer(store), read: (key) => Effect.sync(() => store.objects.get(key)?.bytes) }
  })
})

SinkSuite.suite("a sink in a folder", {
  make: Effect.gen(function* () {
    const directory = yield* Effect.acquireRelease(
      Effect.promise(() => Fs.mkdtemp(Path.join(Os.tmpdir(), "longshore-consumer-"))),
      (folder) => Effect.promise(() => Fs.rm(folder, { recursive: true, force: true }))
    )
    return {
      open: FsSink.layer({ directory }),
      read: (key) => Effect.promise(() => Fs.readFile(Path.join(directory, key)).catch(() => undefined))
    }
  })
})

JournalSuite.suite("a journal in memory", {
  make: Effect.sync(() => Layer.fresh(Journal.layerMemory)),
  durable: false
})
