/** All runs of this user, wherever they go. */
import * as Effect from "effect/Effect"
import type { ListFlags } from "../commands/list.ts"
import * as Answer from "../output/Answer.ts"
import * as Runs from "../runs/Runs.ts"
import * as Status from "./status.ts"

export const handle = Effect.fn("list")(function* (flags: ListFlags) {
  const work = Effect.map(Runs.all, (entries) => {
    const wanted = flags.all
      ? entries
      : entries.filter((entry) => !("run" in entry) || entry.run.summary.stage !== "complete")
    const answer = Status.answer(wanted, Runs.tableOfTargets)
    if (wanted.length > 0) return answer
    const none = flags.all ? "No run is known." : "No run is unfinished. longshore list --all shows those that are."
    return { ...answer, text: none }
  })
  yield* Answer.give(flags, work)
})
