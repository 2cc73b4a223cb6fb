import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Md5 from "@longshore/core/Md5"
import { SourceSuite } from "@longshore/testkit"
import * as Layer from "effect/Layer"
import { createHash } from "node:crypto"
import { NodeSource } from "../src/index.ts"

const client = NodeHttpClient.layerNodeHttpOptions({ keepAlive: true })

SourceSuite.suite("NodeSource", { source: NodeSource.layer({ env: {} }).pipe(Layer.provide(client)) })
SourceSuite.suite("HttpSource on node:http", {
  source: HttpSource.layer.pipe(Layer.provide(client), Layer.provide(Layer.succeed(Md5.Md5, () => createHash("md5"))))
})
