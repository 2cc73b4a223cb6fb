// Loaded into the program by `NODE_OPTIONS=--import=…/clock.mjs?shift=…`: a wall clock that is wrong by so many
// milliseconds (`shift`), from a moment on (`after`), or time that passes so many times as fast (`speed`).
const query = new URL(import.meta.url).searchParams
const number = (name, otherwise) => Number(query.get(name) ?? otherwise)
const [shift, after, speed] = [number("shift", 0), number("after", 0), number("speed", 1)]

const { Date: RealDate, setTimeout: realSetTimeout } = globalThis
const realNow = performance.now.bind(performance)
const [wall, began] = [RealDate.now(), realNow()]

performance.now = () => began + (realNow() - began) * speed
const now = () => Math.round(wall + (performance.now() - began) + (realNow() - began < after ? 0 : shift))
globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(now())
    else super(...given)
  }
  static now() {
    return now()
  }
}
globalThis.setTimeout = (run, millis, ...rest) => realSetTimeout(run, millis / speed, ...rest)
