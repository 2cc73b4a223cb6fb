/** The runs of a cluster, as a table. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../cluster/Client.ts"
import * as Run from "../cluster/Run.ts"
import type { ClusterListFlags } from "../commands/cluster/list.ts"
import * as Answer from "../output/Answer.ts"

export const handle = Effect.fn("cluster list")(function* (flags: ClusterListFlags) {
  const { account, before, config, limit, state } = flags
  // Here `--state` and `--account` say which runs, and are no settings.
  const given = { ...flags, account: Option.none(), state: Option.none() }
  const work = Effect.gen(function* () {
    const { client } = yield* Client.connect({ given, config })
    const runs = yield* client.list({
      limit,
      ...(Option.isSome(account) ? { account: account.value } : {}),
      ...(Option.isSome(state) ? { state: state.value } : {}),
      ...(Option.isSome(before) ? { before: before.value } : {})
    })
    const last = runs.at(-1)
    const more = last !== undefined && runs.length === limit ? `\nMore: --before ${last.id}` : ""
    const text = last === undefined ? "The cluster has no such run." : `${Run.table(runs)}${more}`
    return { json: { runs: runs.map((run) => Run.toJson(run)) }, text }
  })
  yield* Answer.give(flags, Effect.scoped(work))
})
