/** Stops a run of a cluster. */
import * as Effect from "effect/Effect"
import * as Client from "../cluster/Client.ts"
import * as Run from "../cluster/Run.ts"
import type { ClusterCancelFlags } from "../commands/cluster/cancel.ts"
import * as Answer from "../output/Answer.ts"

export const handle = Effect.fn("cluster cancel")(function* (flags: ClusterCancelFlags) {
  const work = Effect.gen(function* () {
    const { client } = yield* Client.connect({ given: flags, config: flags.config })
    const run = yield* client.cancel(flags.run)
    return { json: { runs: [Run.toJson(run)] }, text: Run.line(run) }
  })
  yield* Answer.give(flags, Effect.scoped(work))
})
