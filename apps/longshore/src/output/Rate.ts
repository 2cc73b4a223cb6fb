/** How fast bytes come, and when they will all be there: smoothed, so that neither figure jumps. */

/** What is older than this counts for about a third. */
const memory = 8_000

/** The time of arrival follows its estimate the more slowly the farther off it is. */
const inertia = (left: number) => Math.min(Math.max(left / 20, 2_000), 30_000)

/** Samples are not shorter than this: the bytes of a few milliseconds say nothing. */
const shortest = 200

/** Before that nobody knows. */
const warmUp = 2_000

/** An exponentially weighted mean over time. Times are milliseconds. */
export class Rate {
  readonly #began: number
  #last: number
  #pending = 0
  #mean = 0
  #lastByte: number
  #arrival: { at: number; readonly since: number } | undefined

  constructor(now: number) {
    this.#began = now
    this.#last = now
    this.#lastByte = now
  }

  add(bytes: number, at: number): void {
    this.#pending += bytes
    this.#lastByte = at
  }

  /** Brings the means up to now. `missing`: bytes that are still to come. */
  advance(now: number, missing: number): void {
    const span = now - this.#last
    if (span < shortest) return
    const weight = 1 - Math.exp(-span / memory)
    this.#mean += ((1000 * this.#pending) / span - this.#mean) * weight
    this.#pending = 0
    this.#last = now
    if (now - this.#began < warmUp || this.perSecond < 1) {
      this.#arrival = undefined
      return
    }
    const left = (1000 * missing) / this.perSecond
    this.#arrival ??= { at: now + left, since: now - span }
    // The first estimates count alike, or the very first would be believed for long.
    const pull = Math.max(1 - Math.exp(-span / inertia(left)), span / (now - this.#arrival.since))
    this.#arrival.at += (now + left - this.#arrival.at) * pull
  }

  /** Bytes in a second. The mean began at nothing, and what that pulls it down is given back. */
  get perSecond(): number {
    return this.#last === this.#began ? 0 : this.#mean / (1 - Math.exp((this.#began - this.#last) / memory))
  }

  /** Milliseconds until all is there, once that can be said. */
  left(now: number): number | undefined {
    return this.#arrival === undefined ? undefined : Math.max(0, this.#arrival.at - now)
  }

  /** Milliseconds since the last byte. */
  silence(now: number): number {
    return now - this.#lastByte
  }
}
