/** One run of a cluster, as far as it is. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Client from "../cluster/Client.ts"
import * as Run from "../cluster/Run.ts"
import type { ClusterStatusFlags } from "../commands/cluster/status.ts"
import * as Answer from "../output/Answer.ts"

export const handle = Effect.fn("cluster status")(function* (flags: ClusterStatusFlags) {
  const work = Effect.gen(function* () {
    const { client } = yield* Client.connect({ given: flags, config: flags.config })
    const run = yield* client.status(flags.run)
    return { json: { runs: [Run.toJson(run)] }, text: Run.detail(run, yield* Clock.currentTimeMillis) }
  })
  yield* Answer.give(flags, Effect.scoped(work))
})
