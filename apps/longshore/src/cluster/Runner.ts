/**
 * One runner of Effect's cluster, with what our settings say. Effect's own layer would read variables such as `PORT` and
 * `HOST`, which mean something else wherever programs are run for others.
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import {
  ClusterWorkflowEngine,
  type MessageStorage,
  RunnerAddress,
  RunnerHealth,
  Runners,
  ShardId,
  Sharding,
  ShardingConfig,
  SocketRunner,
  SqlMessageStorage,
  SqlRunnerStorage
} from "effect/cluster"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import type { SocketServerError } from "effect/socket/SocketServer"
import type { HostPort } from "../settings/Setting.ts"

export interface RunnerOptions {
  /** What other runners dial. */
  readonly address: HostPort
  /** Where it listens, if that is not the same. */
  readonly listen: HostPort | undefined
  /** How long a runner that is silent keeps its runs. */
  readonly lockExpiry: Duration.Duration
  /** How soon after it was told to stop another runner goes on. What is on its way may end until shortly before. */
  readonly terminationTimeout: Duration.Duration
}

const addressOf = ({ host, port }: HostPort) => RunnerAddress.make(host, port)

/** What giving the runs away, and taking them, is left of that: three times what it takes on a machine that is not busy. */
const handOver = Duration.seconds(3)

/**
 * What decides how soon another runner goes on: it notices within a second that one is gone, or unregistered, and takes
 * its runs as soon as they are free. One that died is asked for every five seconds, and found out before its time is over
 * if the runner that asks is another one; otherwise when its time is over.
 */
const config = ({ address, listen, lockExpiry, terminationTimeout }: RunnerOptions) =>
  ShardingConfig.layer({
    runnerAddress: Option.some(addressOf(address)),
    runnerListenAddress: Option.map(Option.fromUndefinedOr(listen), addressOf),
    shardLockExpiration: lockExpiry,
    entityTerminationTimeout: Duration.subtract(terminationTimeout, handOver),
    refreshAssignmentsInterval: "1 second",
    entityMessagePollInterval: "2 seconds",
    runnerHealthCheckInterval: "5 seconds"
  })

/** The runner, and the engine on it. Its tables are made if they are not there. */
export const layer = (
  options: RunnerOptions
): Layer.Layer<
  Sharding.Sharding | MessageStorage.MessageStorage | WorkflowEngine,
  SocketServerError | SqlError,
  SqlClient
> => {
  const { layerClientProtocol, layerSocketServer } = NodeClusterSocket
  return ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(SocketRunner.layer),
    Layer.provide([
      layerSocketServer,
      RunnerHealth.layerPing.pipe(Layer.provide(Runners.layerRpc)),
      SqlRunnerStorage.layer
    ]),
    Layer.provideMerge(SqlMessageStorage.layer.pipe(Layer.provide(NodeCrypto.layerDigest))),
    Layer.provide(layerClientProtocol),
    Layer.provide([config(options), RpcSerialization.layerSchemaBinary({})])
  )
}

/** Waits until this runner has its share of the work. */
export const isReady = Effect.gen(function* () {
  const sharding = yield* Sharding.Sharding
  const shards = Array.from({ length: ShardingConfig.defaults.shardsPerGroup }, (_, index) =>
    ShardId.make("default", index + 1)
  )
  while (!shards.some((shard) => sharding.hasShardId(shard))) yield* Effect.sleep("50 millis")
})
