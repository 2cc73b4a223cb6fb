/** Environment variables, through Effect's `ConfigProvider`. Empty means unset, as in shells. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export const get = (name: string): Effect.Effect<string | undefined> =>
  Config.String(name).pipe(
    Effect.option,
    Effect.map((value) => Option.getOrUndefined(Option.filter(value, (text) => text.trim() !== "")))
  )
