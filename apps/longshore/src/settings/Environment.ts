/** What the operating system says about whoever runs the program. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Os from "node:os"
import * as Path from "node:path"

/** A variable, through Effect's `ConfigProvider`. Empty means unset, as in shells. */
export const get = (name: string): Effect.Effect<string | undefined> =>
  Config.String(name).pipe(
    Effect.option,
    Effect.map((value) => Option.getOrUndefined(Option.filter(value, (text) => text.trim() !== "")))
  )

/** The user's folder. One without a name and without `HOME`, as in some containers, gets what Docker gives it. */
export const home: Effect.Effect<string> = Effect.try({ try: () => Os.homedir(), catch: () => "none" }).pipe(
  Effect.orElseSucceed(() => "/")
)

/** Where a kind of the user's files is, as the XDG base directories have it: a relative path counts as unset. */
export const folder = (variable: string, ...otherwise: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.gen(function* () {
    const named = yield* get(variable)
    const base = named !== undefined && Path.isAbsolute(named) ? named : Path.join(yield* home, ...otherwise)
    return Path.join(base, "longshore")
  })
