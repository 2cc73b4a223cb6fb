/** Sizes and durations as people type them on a command line, and flags that take them. */
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import { dual } from "effect/Function"
import * as Option from "effect/Option"

const sizeUnits: Record<string, number> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  kib: 2 ** 10,
  m: 1e6,
  mb: 1e6,
  mib: 2 ** 20,
  g: 1e9,
  gb: 1e9,
  gib: 2 ** 30,
  t: 1e12,
  tb: 1e12,
  tib: 2 ** 40
}

/** `1500`, `100MB` (powers of 1000), `8MiB` (powers of 1024), `1.5GB`, in any case: whole bytes, or none. */
export const parseSize = (text: string): Option.Option<number> => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = unit === undefined ? undefined : sizeUnits[unit.toLowerCase()]
  if (amount === undefined || factor === undefined) return Option.none()
  const bytes = Math.round(Number(amount) * factor)
  return Number.isSafeInteger(bytes) ? Option.some(bytes) : Option.none()
}

const durationUnits: Record<string, (amount: number) => Duration.Duration> = {
  ms: Duration.millis,
  s: Duration.seconds,
  m: Duration.minutes,
  h: Duration.hours,
  d: Duration.days
}

/** `500ms`, `2s`, `1.5m`, `24h`, `7d`: a unit is required, because `5` alone reads as seconds to one and minutes to another. */
export const parseDuration = (text: string): Option.Option<Duration.Duration> => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/.exec(text.trim()) ?? []
  const make = unit === undefined ? undefined : durationUnits[unit]
  return amount === undefined || make === undefined ? Option.none() : Option.some(make(Number(amount)))
}

/** A flag of text that has to parse: the message names what came and what would be right. */
export const parsed: {
  <A>(parse: (text: string) => Option.Option<A>, expected: string): (flag: Flag.Flag<string>) => Flag.Flag<A>
  <A>(flag: Flag.Flag<string>, parse: (text: string) => Option.Option<A>, expected: string): Flag.Flag<A>
} = dual(3, <A>(flag: Flag.Flag<string>, parse: (text: string) => Option.Option<A>, expected: string) =>
  Flag.filterMap(flag, parse, (text) => `"${text}" is not ${expected}`)
)

/** A flag whose value is a number of bytes. */
export const sizeFlag = (name: string): Flag.Flag<number> =>
  Flag.String(name).pipe(Flag.withMetavar("SIZE"), parsed(parseSize, "a size such as 1500, 100MB or 8MiB"))

/** A flag whose value is a `Duration`. */
export const durationFlag = (name: string): Flag.Flag<Duration.Duration> =>
  Flag.String(name).pipe(
    Flag.withMetavar("DURATION"),
    parsed(parseDuration, "a duration such as 500ms, 2s, 10m, 24h or 7d")
  )
