/**
 * What can go wrong, as values. A fault happens to the next requests it fits, as often as its count says.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"

/**
 * The names of all faults.
 *
 * - At `add`: `lose-add-answer` (accepted, and the connection is cut), `hold-add-answer` (accepted, and the answer comes
 *   after a duration).
 * - At any call of the API, answered instead of it: `api-400`, `-401`, `-403`, `-408`, `-409`, `-429` (with a
 *   `Retry-After` of a duration), `-429-html` (without), `-429-date`, `-500`, `-503-html`, `-not-json` (200), `-204`,
 *   `-empty` (200), `-truncated` (200), `-wrong-shape`; `hold-answer` (silent for a duration, and then cut).
 * - To an export: `fail-export`, `expire-export` (once it is ready).
 * - To one answer about an export: `unknown-status`, `omit-export` (it is not listed). Once it is ready: `status-back`
 *   (it is `Processing`), `no-files`, `drop-file` (the last one), `reorder-files`, `same-links` (those of the answer
 *   before), `move-files` (links of another path), `no-expiry` and `past-expiry` (`ExpiresUtc`), `wrong-size`
 *   (`SizeInBytes` is one too many).
 * - To a file's bytes: `reset-file` (cut in the middle), `stall-file` (silent from the middle), `truncate-file` (ends
 *   early, cleanly), `flip-byte`, `change-content` (before the answer), `gzip-file`, `ignore-range`, `no-etag`,
 *   `wrong-range`, `deny-link` (403 although the link lives), `file-400`, `-404`, `-410`, `-503`.
 *
 * @example
 * ```ts
 * import { Fault } from "@longshore/simulator"
 *
 * Fault.names.filter((name) => name.startsWith("api-50")) // => ["api-500", "api-503-html"]
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const names = [
  "lose-add-answer",
  "hold-add-answer",
  "fail-export",
  "expire-export",
  "unknown-status",
  "omit-export",
  "status-back",
  "no-files",
  "drop-file",
  "reorder-files",
  "same-links",
  "move-files",
  "no-expiry",
  "past-expiry",
  "wrong-size",
  "reset-file",
  "stall-file",
  "truncate-file",
  "flip-byte",
  "change-content",
  "gzip-file",
  "ignore-range",
  "no-etag",
  "wrong-range",
  "deny-link",
  "file-400",
  "file-404",
  "file-410",
  "file-503",
  "hold-answer",
  "api-400",
  "api-401",
  "api-403",
  "api-408",
  "api-409",
  "api-429",
  "api-429-html",
  "api-429-date",
  "api-500",
  "api-503-html",
  "api-not-json",
  "api-204",
  "api-empty",
  "api-truncated",
  "api-wrong-shape"
] as const

/**
 * The name of a fault. {@link names} says what each does.
 *
 * @since 0.1.0
 * @category models
 */
export type FaultName = (typeof names)[number]

/**
 * A fault, and when it happens: to the next requests that it fits, until its count is used up.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fault {
  /** What happens. */
  readonly name: FaultName
  /** How often; `Infinity` for always. Default once. */
  readonly count?: number
  /** Only at this operation (`add`, `getAll`), or only for exports of this entity type (`Reservation`). Default: anywhere. */
  readonly target?: string
  /** For `hold-add-answer` (default one minute), `hold-answer` (one hour) and `api-429` (two seconds). */
  readonly duration?: Duration.Duration
}

/**
 * Reads a fault as a flag writes it: `name`, `name=3`, `name=always`, `name=30s` (also `ms` and `m`), each also as
 * `name@Reservation` or `name@getAll`. Gives the problem as text if it is none of these.
 *
 * @example
 * ```ts
 * import { Fault } from "@longshore/simulator"
 *
 * Fault.parse("reset-file@Bill=3") // => { name: "reset-file", target: "Bill", count: 3 }
 * Fault.parse("api-500=often") // => '"often" is neither a count, nor "always", nor a duration such as 30s'
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (text: string): Fault | string => {
  const match = /^([a-z0-9-]+)(?:@([A-Za-z]+))?(?:=(\w+))?$/.exec(text)
  const name = names.find((known) => known === match?.[1])
  if (match === null || name === undefined) return `"${text}" is not a fault; known are: ${names.join(", ")}`
  const target = match[2] === undefined ? {} : { target: match[2] }
  const amount = match[3]
  if (amount === undefined) return { name, ...target }
  if (amount === "always") return { name, ...target, count: Infinity }
  if (/^\d+$/.test(amount)) return { name, ...target, count: Number(amount) }
  const time = /^(\d+)(ms|s|m)$/.exec(amount)
  if (time === null) return `"${amount}" is neither a count, nor "always", nor a duration such as 30s`
  const unit = { ms: 1, s: 1_000, m: 60_000 }[time[2] ?? "s"] ?? 1_000
  return { name, ...target, duration: Duration.millis(Number(time[1]) * unit) }
}
