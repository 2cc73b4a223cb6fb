/** The program's edge: signals, pipes that close, what nobody foresaw. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { run } from "./cli.ts"
import * as ExitCode from "./output/ExitCode.ts"
import * as Stderr from "./output/Stderr.ts"
import * as Stdout from "./output/Stdout.ts"
import * as Stopping from "./output/Stopping.ts"

let stoppedBy: ExitCode.Signal | undefined
const fiber = Effect.runFork(Effect.provide(run(process.argv.slice(2)), NodeServices.layer))

const stop = (signal: ExitCode.Signal) => {
  // Everything that counts is durable at any time: leaving at once is safe.
  if (stoppedBy !== undefined) process.exit(ExitCode.signals[signal])
  stoppedBy = signal
  fiber.interruptUnsafe()
  setTimeout(() => {
    Stderr.line(Stopping.current().note)
  }, 1000).unref()
}
process.on("SIGINT", stop)
process.on("SIGTERM", stop)
process.on("SIGHUP", stop)

// While a command runs, the sink that writes there tells.
Stdout.watch(() => fiber.pollUnsafe() === undefined)

// Nobody is left to hear: whoever started this is gone, or its terminal is. What is orphaned would keep its run locked.
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (stoppedBy !== undefined) return
  if (error.code === "EPIPE") stop("SIGPIPE")
  else if (error.code === "EIO") stop("SIGHUP")
})

fiber.addObserver((exit) => {
  if (stoppedBy !== undefined) process.exit(Stopping.current().exitCode(stoppedBy))
  if (Exit.isSuccess(exit)) {
    // Signals have nothing left to interrupt, and would otherwise keep the process from ending by them.
    process.removeAllListeners("SIGINT").removeAllListeners("SIGTERM").removeAllListeners("SIGHUP")
    return
  }
  process.exitCode = ExitCode.error
  void report(exit.cause)
})

// What escapes from a callback of Node.js gets the same paragraph, not a stack trace.
process.once("uncaughtException", (error) => void giveUp(error))

async function giveUp(error: Error) {
  await report(Cause.die(error))
  process.exit(ExitCode.error)
}

async function report(cause: Cause.Cause<unknown>) {
  const [Report, Redaction] = await Promise.all([import("./output/Report.ts"), import("./output/Redaction.ts")])
  process.stderr.write(`${Report.paragraph(Report.ofCause(cause), Redaction.make())}\n`)
}
