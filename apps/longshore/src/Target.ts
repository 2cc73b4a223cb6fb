/** Where files go: `--to`, as people write it. A new sink's addresses are taught here. */
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { UsageError } from "./Problem.ts"

/** `text` names the target in a run's identity: the same place has the same text, from wherever the command is run. */
export type Target =
  | { readonly _tag: "Folder"; readonly directory: string; readonly text: string }
  | { readonly _tag: "Stdout"; readonly text: string }

const refused = (problem: string) =>
  Effect.fail(new UsageError({ problem, nextStep: "Name a folder (./data or file:///srv/data), or - for stdout." }))

/** A path, a `file:` URL, or `-` for stdout. */
export const parse = (to: string): Effect.Effect<Target, UsageError> => {
  if (to === "-") return Effect.succeed({ _tag: "Stdout", text: "-" })
  if (to.trim() === "") return refused("--to is empty.")
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(to)?.[1]?.toLowerCase()
  // One letter is a drive of Windows.
  if (scheme === undefined) return Effect.succeed(folder(to))
  if (scheme !== "file") {
    return to.includes("://")
      ? refused(`--to ${scheme}://… is not a target that this version knows.`)
      : Effect.succeed(folder(to))
  }
  return Effect.try({ try: () => folder(fileURLToPath(to)), catch: () => undefined }).pipe(
    Effect.catch(() => refused(`--to ${to} is not a file URL of this machine, such as file:///srv/data.`))
  )
}

const folder = (path: string): Target => {
  const directory = Path.resolve(path)
  return { _tag: "Folder", directory, text: directory }
}
