/** How failures look: one paragraph that says what happened and what to do next. Never a stack trace. */
import * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"
import * as ExitCode from "./ExitCode.ts"
import type { Redaction } from "./Redaction.ts"

/** A failure in the words of `--json`. */
export const Report = Schema.Struct({
  tag: Schema.String.annotate({ description: "Which failure: docs/errors.md lists them" }),
  message: Schema.String.annotate({ description: "What happened, for people" }),
  nextStep: Schema.String.annotate({ description: "What to do now, for people" }),
  requestId: Schema.optionalKey(Schema.String.annotate({ description: "Under which Mews finds the request" })),
  exitCode: Schema.Int.annotate({ description: "What the process would end with if this were all" })
})

export type Report = typeof Report.Type

/** By what they have in common: a schema of each would load what few commands need. */
const isFailure = (thrown: unknown): thrown is ExitCode.Failure =>
  thrown instanceof Error && "nextStep" in thrown && "_tag" in thrown && ExitCode.isKnown(String(thrown._tag))

export const ofFailure = (failure: ExitCode.Failure): Report => ({
  tag: failure._tag,
  message: failure.message,
  nextStep: failure.nextStep,
  ...("requestId" in failure && failure.requestId !== undefined ? { requestId: failure.requestId } : {}),
  exitCode: ExitCode.of(failure)
})

/** Failures and defects alike. A journal that breaks is a defect of a run, but no bug. */
export const ofCause = (cause: Cause.Cause<unknown>): Report => {
  const thrown = Cause.squash(cause)
  if (isFailure(thrown)) return ofFailure(thrown)
  return {
    tag: "Bug",
    message: `Something happened that should be impossible: ${summary(thrown)}.`,
    nextStep:
      "This is a bug in Longshore: please report it with this text and the command. What is done is kept, so the same command may be run again.",
    exitCode: ExitCode.error
  }
}

const summary = (defect: unknown): string => {
  const text = defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect)
  return (text.split("\n")[0] ?? "").slice(0, 200).replace(/[.\s]+$/, "")
}

/** The paragraph for people. `about` names the run when there are several. */
export const paragraph = (report: Report, redact: Redaction, about?: string): string => {
  const id = report.requestId === undefined ? "" : ` (RequestId ${report.requestId})`
  const message = id === "" ? report.message : `${report.message.replace(/\.$/, "")}${id}.`
  const text = `longshore: ${about === undefined ? "" : `${about}: `}${message} Next: ${report.nextStep}`
  return redact(text.replace(/\s*\n\s*/g, " "))
}
