/** What journals tell about runs, as a table or as JSON. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { StatusFlags } from "../commands/status.ts"
import * as Answer from "../output/Answer.ts"
import * as Redaction from "../output/Redaction.ts"
import * as Report from "../output/Report.ts"
import type * as RunFile from "../runs/RunFile.ts"
import * as Runs from "../runs/Runs.ts"
import * as Settings from "../settings/Settings.ts"

/** What `status --json` and `list --json` print. */
export const StatusJson = Answer.json({ runs: Schema.optionalKey(Schema.Array(Runs.Json)) })

export const handle = Effect.fn("status")(function* (flags: StatusFlags) {
  const work = Effect.gen(function* () {
    const settings = yield* Settings.load({ given: flags, config: Option.getOrUndefined(flags.config) })
    return answer(yield* Runs.find(settings, flags.subject), Runs.table)
  })
  yield* Answer.give(flags, work)
})

/** Journals that cannot be read are told of, and decide the exit code. */
export const answer = (
  entries: ReadonlyArray<Runs.Entry>,
  table: (runs: ReadonlyArray<RunFile.Run>) => string
): Answer.Answer => {
  const redact = Redaction.make()
  const reports = entries.flatMap((entry) => ("error" in entry ? [Report.ofFailure(entry.error)] : []))
  for (const report of reports) process.stderr.write(`${Report.paragraph(report, redact)}\n`)
  const runs = entries.flatMap((entry) => ("run" in entry ? [entry.run] : []))
  return {
    json: { runs: runs.map(Runs.toJson) },
    text: table(runs),
    exitCode: reports[0]?.exitCode ?? 0
  }
}
