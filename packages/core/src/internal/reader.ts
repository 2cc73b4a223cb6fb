import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Cause from "effect/Cause"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/**
 * Cuts one stream into consecutive ones: `take(n)` streams the next `n` bytes, `take(0)` runs to the end. A stream that
 * was not run to its end leaves its bytes to the next. A source that ends early ends the piece early.
 */
export const reader = <E>(
  bytes: Stream.Stream<Uint8Array, E>
): Effect.Effect<(length: number) => Stream.Stream<Uint8Array, E>, never, Scope.Scope> =>
  Effect.map(Stream.toPull(bytes), (pull) => {
    let rest: ReadonlyArray<Uint8Array> = []
    const next = Effect.suspend(() => {
      const chunks = rest
      rest = []
      return chunks.length > 0
        ? Effect.succeedSome(chunks)
        : Pull.catchDone(Effect.asSome(pull), () => Effect.succeedNone)
    })
    return (length) =>
      Stream.fromPull(
        Effect.sync(() => {
          let left = length
          return Effect.gen(function* () {
            if (length > 0 && left === 0) return yield* Cause.done()
            const found = yield* next
            if (Option.isNone(found)) return yield* Cause.done()
            const taken: Array<Uint8Array> = []
            const chunks = found.value
            for (const [i, chunk] of chunks.entries()) {
              if (length === 0 || chunk.length <= left) {
                taken.push(chunk)
                left -= chunk.length
                continue
              }
              if (left > 0) taken.push(chunk.subarray(0, left))
              rest = [chunk.subarray(left), ...chunks.slice(i + 1)]
              left = 0
              break
            }
            const [first, ...others] = taken
            return first === undefined ? yield* Cause.done() : ([first, ...others] as const)
          })
        })
      )
  })
