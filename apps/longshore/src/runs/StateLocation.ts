/** Where journals are kept. Beside the data, so that a rerun finds them; for a pipe in the user's state folder. */
import * as Effect from "effect/Effect"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Environment from "../settings/Environment.ts"
import type { Target } from "./Target.ts"

/** The setting `state`, else `<target>/.longshore`, else the user's folder. */
export const resolve = Effect.fnUntraced(function* (named: string | undefined, target: Target | undefined) {
  if (named !== undefined) return named
  if (target?._tag === "Folder") return Path.join(target.directory, ".longshore")
  return yield* ofUser
})

/** The user's folder. As the XDG base directories have it, where a relative path counts as unset. */
export const ofUser = Effect.map(Environment.get("XDG_STATE_HOME"), (home) =>
  home !== undefined && Path.isAbsolute(home)
    ? Path.join(home, "longshore")
    : Path.join(Os.homedir(), ".local", "state", "longshore")
)
