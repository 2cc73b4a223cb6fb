/** From a wish to a task: the account's address, and a target below the runners' base; what is not said, the settings say. */
import { InvalidRequest } from "@longshore/core/ExportError"
import type { ExportTask } from "@longshore/workflow/ExportTask"
import * as Effect from "effect/Effect"
import type * as Target from "../runs/Target.ts"
import * as Base from "./Base.ts"
import type { ClusterAccount } from "./ClusterAccounts.ts"
import * as Policy from "./Policy.ts"

/** What may be wished for. */
export type Submission = Omit<ExportTask, "platformAddress" | "target"> & { readonly path?: string | undefined }

export type Tasks = (submission: Submission) => Effect.Effect<ExportTask, InvalidRequest>

export const make = (base: Target.Storage, accounts: ReadonlyMap<string, ClusterAccount>): Tasks =>
  Effect.fnUntraced(function* ({ path, ...submission }) {
    const { account } = submission
    const known = accounts.get(account)
    if (known === undefined) {
      return yield* new InvalidRequest({
        parameter: "account",
        problem: `this runner's configuration has no account "${account}"`
      })
    }
    const { text: target } = yield* Base.below(base, { account, path })
    const { platformAddress } = known.options
    return { ...Policy.ofSettings(known.settings), ...submission, platformAddress, target }
  })
