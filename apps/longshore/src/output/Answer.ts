/** What a command says at its end: text, or one object of JSON, on stdout; failures on stderr; and the exit code. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ExitCode from "./ExitCode.ts"
import * as Redaction from "./Redaction.ts"
import * as Report from "./Report.ts"

/** What every object of `--json` has. */
const common = {
  version: Schema.Literal(1).annotate({ description: "Of the format of this object" }),
  ok: Schema.Boolean,
  error: Schema.optionalKey(Report.Report.annotate({ description: "What kept the command from its work" })),
  exitCode: Schema.Int.annotate({ description: "What the process ends with" })
}

/** The Schema of a command's `--json`. Its own fields are absent when the command could not begin. */
export const json = <const Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.Struct({ ...common, ...fields })

export interface Answer {
  /** The fields that are the command's own. */
  readonly json: Record<string, unknown>
  /** Lines for people. */
  readonly text: string
  /** What is done to the text once no secret and no control is left in it, such as colours. */
  readonly paint?: (text: string) => string
  readonly exitCode?: number
}

/** Runs a command and says what came of it. */
export const give = Effect.fnUntraced(function* <R>(
  options: { readonly json: boolean },
  work: Effect.Effect<Answer, ExitCode.Failure, R>
) {
  const redact = Redaction.make()
  const answer = yield* Effect.catchCause(work, (cause) =>
    Effect.sync((): Answer & { readonly error: Report.Report } => {
      const error = Report.ofCause(cause)
      process.stderr.write(`${Report.paragraph(error, redact)}\n`)
      return { json: {}, text: "", exitCode: error.exitCode, error }
    })
  )
  const { exitCode = ExitCode.ok } = answer
  if (options.json) {
    const error = "error" in answer ? { error: answer.error } : {}
    const object = { version: 1, ok: exitCode === ExitCode.ok, ...answer.json, ...error, exitCode }
    process.stdout.write(`${Redaction.stringify(redact)(object)}\n`)
  } else if (answer.text !== "") {
    const { paint = (text: string) => text } = answer
    process.stdout.write(`${paint(redact(answer.text.replace(/\n$/, "")))}\n`)
  }
  process.exitCode = exitCode
})

/** Rows under a heading, in columns. */
export const table = (heading: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const all = [heading, ...rows]
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}
