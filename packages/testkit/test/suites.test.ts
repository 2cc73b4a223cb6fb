import * as Journal from "@longshore/core/Journal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { JournalSuite, MemorySink, SinkSuite } from "../src/index.ts"

SinkSuite.suite("MemorySink", {
  make: Effect.sync(() => {
    const store = MemorySink.makeStore()
    return { open: MemorySink.layer(store), read: (key) => Effect.sync(() => store.objects.get(key)?.bytes) }
  })
})

JournalSuite.suite("Journal.layerMemory", {
  make: Effect.sync(() => Layer.fresh(Journal.layerMemory)),
  durable: false
})
