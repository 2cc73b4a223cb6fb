/** Writes the help of every command beside the built program: see `src/output/Help.ts`. */
import { writeFileSync } from "node:fs"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliOutput from "effect/cli/CliOutput"
import * as Completions from "effect/cli/Completions"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { longshore, run } from "./src/cli.ts"
import * as Help from "./src/output/Help.ts"

const paths = (command: Completions.CommandDescriptor, path: ReadonlyArray<string>): ReadonlyArray<typeof path> => [
  path,
  ...command.subcommands.flatMap((child) => paths(child, [...path, child.name]))
]

/** What the program prints, where it may colour it. */
const textOf = (path: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const printed: Array<string> = []
    yield* run([...path, "--help"]).pipe(
      Effect.provideService(Console.Console, {
        ...globalThis.console,
        log: (text: string) => printed.push(`${text}\n`)
      })
    )
    return [path.join(" "), printed.join("")] as const
  })

const texts: Help.Texts = await Effect.forEach(paths(Completions.fromCommand(longshore), []), textOf).pipe(
  Effect.map(Object.fromEntries),
  Effect.provide([CliOutput.layer(CliOutput.defaultFormatter({ colors: true })), NodeServices.layer]),
  Effect.runPromise
)
writeFileSync(new URL(`dist/${Help.file}`, import.meta.url), JSON.stringify(texts))
