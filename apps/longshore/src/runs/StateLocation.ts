/** Where journals are kept. Beside the data, so that a rerun finds them; for a pipe in the user's state folder. */
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import * as Environment from "../settings/Environment.ts"
import type { Target } from "./Target.ts"

/** The setting `state`, else `<target>/.longshore`, else the user's folder. */
export const resolve = Effect.fnUntraced(function* (named: string | undefined, target: Target | undefined) {
  if (named !== undefined) return named
  if (target?._tag === "Folder") return Path.join(target.directory, ".longshore")
  return yield* ofUser
})

/** The user's folder. */
export const ofUser = Environment.folder("XDG_STATE_HOME", ".local", "state")
