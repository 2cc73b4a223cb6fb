/** Asks a person for a secret on the terminal, without showing it. On stderr, as stdout is for data. */
import * as Effect from "effect/Effect"
import { createInterface } from "node:readline"
import { Writable } from "node:stream"

/** Whether there is somebody to ask. */
export const possible: Effect.Effect<boolean> = Effect.sync(() => process.stdin.isTTY && process.stderr.isTTY)

export const ask = (question: string): Effect.Effect<string> =>
  Effect.callback((resume) => {
    // What is typed is echoed into nothing.
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
    const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 })
    let answer = ""
    process.stderr.write(`${question}: `)
    lines.once("line", (line) => {
      answer = line.trim()
      lines.close()
    })
    // In raw mode the terminal sends no signal: pass it on.
    lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"))
    lines.once("close", () => {
      process.stderr.write("\n")
      resume(Effect.succeed(answer))
    })
    return Effect.sync(() => lines.close())
  })
