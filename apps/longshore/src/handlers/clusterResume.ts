/** Goes on with a run of a cluster. */
import * as Effect from "effect/Effect"
import * as Client from "../cluster/Client.ts"
import * as Policy from "../cluster/Policy.ts"
import * as Run from "../cluster/Run.ts"
import type { ClusterResumeFlags } from "../commands/cluster/resume.ts"
import * as Answer from "../output/Answer.ts"

export const handle = Effect.fn("cluster resume")(function* (flags: ClusterResumeFlags) {
  const work = Effect.gen(function* () {
    const { client, settings } = yield* Client.connect({ given: flags, config: flags.config })
    const run = yield* client.resume(flags.run, Policy.said(settings))
    return { json: { runs: [Run.toJson(run)] }, text: Run.line(run) }
  })
  yield* Answer.give(flags, Effect.scoped(work))
})
