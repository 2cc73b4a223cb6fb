/** Chance from a seed (mulberry32): the same seed throws the same dice, on every machine. */
export interface Dice {
  /** From 0 to 1. */
  readonly next: () => number
  /** A whole number: `low` is possible, `high` is not. */
  readonly between: (low: number, high: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <A>(choices: ReadonlyArray<A>) => A
  /** Other dice from the same seed, which throw the same whatever these throw. */
  readonly fork: () => Dice
}

export const make = (seed: number): Dice => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low))
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (choices) => choices[between(0, choices.length)]!,
    fork: () => make(between(0, 2 ** 32))
  }
}
