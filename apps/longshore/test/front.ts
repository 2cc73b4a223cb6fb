/** The HTTP front of a cluster that has no engine, in the test's own process. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ClusterServer from "@longshore/workflow/ClusterServer"
import { ExportCluster } from "@longshore/workflow/ExportCluster"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { createServer } from "node:http"
import type { TestContext } from "vitest"
import * as StandIn from "../../../packages/workflow/test/standIn.ts"

export const token = "0f7c1d5b9e3a4c62-of-this-cluster"

/** A front on a port of its own, or on one that it had before. */
export const serve = async ({ onTestFinished }: TestContext, cluster: StandIn.StandIn, port = 0) => {
  const server = createServer()
  const scope = Scope.makeUnsafe()
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  await Effect.runPromise(
    Layer.buildWithScope(
      ClusterServer.layer({ token: Redacted.make(token), tasks: StandIn.tasks }).pipe(
        Layer.provide(Layer.succeed(ExportCluster, cluster.service)),
        Layer.provide(
          NodeHttpServer.layer(() => server, { port, host: "127.0.0.1", gracefulShutdownTimeout: "50 millis" })
        )
      ),
      scope
    )
  )
  onTestFinished(close)
  const address = server.address()
  return { close, port: typeof address === "object" && address !== null ? address.port : 0 }
}
