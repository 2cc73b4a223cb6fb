/** How a command ends that is told to stop by a signal. */
import * as ExitCode from "./ExitCode.ts"

interface Stopping {
  readonly exitCode: (signal: ExitCode.Signal) => number
  /** Is said when it takes more than a second. */
  readonly note: string
}

const ofCommands: Stopping = {
  exitCode: (signal) => ExitCode.signals[signal],
  note: "longshore: Waiting for an answer that must not be lost; once more leaves at once."
}

let stopping = ofCommands

export const current = (): Stopping => stopping

/**
 * For a command that goes on until it is stopped. SIGTERM is how whoever runs services ends them: that it went down in
 * order is no failure, and to systemd and Kubernetes any other code than 0 is one.
 */
export const asService = (note: string): void => {
  stopping = { exitCode: (signal) => (signal === "SIGTERM" ? ExitCode.ok : ExitCode.signals[signal]), note }
}
