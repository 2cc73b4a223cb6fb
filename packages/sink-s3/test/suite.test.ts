import { SinkSuite } from "@longshore/testkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { S3Sink } from "../src/index.ts"
import { fresh, server } from "./server.ts"

SinkSuite.suite(`S3Sink on ${server}`, {
  make: Effect.map(fresh, ({ options, read }) => ({ open: Layer.fresh(S3Sink.layer(options)), read }))
})
