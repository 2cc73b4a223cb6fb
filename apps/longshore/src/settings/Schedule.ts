/**
 * A cluster's exports at fixed times, as a settings file has them.
 *
 * ```toml
 * [schedules.nightly]
 * cron = "0 3 * * *"
 * time-zone = "Europe/Prague"
 * entity-types = ["Reservation", "Customer"]
 * updated-last = "1d"
 * ```
 */
import { type EntityType, type ExportRequest, entityTypes } from "@longshore/core/Export"
import { ObjectKey } from "@longshore/core/ObjectSink"
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { nearest } from "../output/nearest.ts"
import { parseDuration } from "./units.ts"

export interface Schedule {
  readonly name: string
  readonly cron: Cron.Cron
  readonly entityTypes: ReadonlyArray<EntityType>
  /** `undefined`: all. */
  readonly accounts: ReadonlyArray<string> | undefined
  /** Below the runners' base. `undefined`: the account's name. */
  readonly path: string | undefined
  /** How long the window is. `undefined`: everything. */
  readonly updatedLast: Duration.Duration | undefined
  /** The same of the days of posting, for ledger entries. */
  readonly postingLast: Duration.Duration | undefined
  readonly onExpired: "fail" | "renew" | undefined
  readonly maxWait: Duration.Duration | undefined
  /** Who says so, for people. */
  readonly where: string
}

/** What a table says, or what is wrong with it, as in "The schedule … is no table". */
export const parse = (name: string, table: Record<string, unknown>, where: string): Schedule | string => {
  // It stands in tables and in logs.
  if (!/^[A-Za-z0-9_-]{1,50}$/.test(name)) return "has a name that is not made of letters, digits, '_' and '-'"
  const unknown = Object.keys(table).find((key) => !keys.includes(key))
  if (unknown !== undefined) {
    const near = nearest(unknown, keys)
    return `has a key "${unknown}"${near === undefined ? `, and it can have ${keys.join(", ")}` : `: did you mean ${near}`}`
  }
  const {
    accounts,
    cron: when,
    "entity-types": types,
    "max-wait": wait,
    "on-expired": onExpired,
    path,
    "posting-last": posting,
    "time-zone": zone = "UTC",
    "updated-last": updated
  } = table

  if (typeof zone !== "string" || Option.isNone(DateTime.zoneMakeNamed(zone))) {
    return 'has a time-zone that is none, such as "Europe/Prague"'
  }
  const cron = typeof when === "string" ? Result.getOrUndefined(Cron.parse(when, zone)) : undefined
  if (cron === undefined) return 'has a cron that is none, such as "0 3 * * *" for three o\'clock every night'
  if (!comes(cron)) return "has a cron that names a day which never comes"

  if (!isTexts(types) || types.length === 0) return 'has no entity-types, such as ["Reservation", "Customer"]'
  const stranger = types.find((type) => !isKnown(type))
  if (stranger !== undefined) {
    const near = nearest(stranger, entityTypes)
    return `has an entity type "${stranger}"${near === undefined ? ` that is none: there are ${entityTypes.join(", ")}` : `: did you mean ${near}`}`
  }
  if (accounts !== undefined && (!isTexts(accounts) || accounts.length === 0)) {
    return 'has accounts that are no list of names, such as ["lisbon", "porto"]; without any it is for all'
  }
  if (path !== undefined && !isPath(path)) {
    return "has a path that is not made of letters, digits, '.', '_' and '-', in segments joined by '/' that do not begin with a dot"
  }
  const updatedLast = typeof updated === "string" ? Option.getOrUndefined(parseDuration(updated)) : undefined
  if (updated !== undefined && !(updatedLast !== undefined && isWithin(updatedLast, 1_000, 180 * day))) {
    return 'has an updated-last that is not a duration from 1s to 180d, such as "1d"'
  }
  const postingLast = typeof posting === "string" ? Option.getOrUndefined(parseDuration(posting)) : undefined
  if (posting !== undefined && !(postingLast !== undefined && isWithin(postingLast, day, 3_660 * day))) {
    return 'has a posting-last that is not a duration from 1d to 3660d, such as "31d"'
  }
  if (types.includes("LedgerEntry") !== (posting !== undefined)) {
    return posting === undefined
      ? 'has LedgerEntry, which needs a posting-last such as "31d": the API wants days of posting'
      : "has a posting-last, which is for LedgerEntry alone"
  }
  if (onExpired !== undefined && onExpired !== "fail" && onExpired !== "renew") {
    return "has an on-expired that is not one of fail, renew"
  }
  const maxWait = typeof wait === "string" ? Option.getOrUndefined(parseDuration(wait)) : undefined
  if (wait !== undefined && !(maxWait !== undefined && isWithin(maxWait, 1_000, 365 * day))) {
    return 'has a max-wait that is not a duration from 1s to 365d, such as "12h"'
  }
  return {
    name,
    cron,
    entityTypes: [...new Set(types)],
    accounts,
    path,
    updatedLast,
    postingLast,
    onExpired,
    maxWait,
    where
  }
}

/** What it asks for at a time. The API answers for what is at least five minutes ago. */
export const requests = (
  { entityTypes, postingLast, updatedLast }: Schedule,
  scheduled: DateTime.Utc
): ReadonlyArray<ExportRequest> => {
  const endUtc = DateTime.subtract(scheduled, { minutes: 5 })
  return entityTypes.map((entityType) => {
    const filters = {
      ...(updatedLast === undefined
        ? {}
        : { updatedUtc: { startUtc: DateTime.subtractDuration(endUtc, updatedLast), endUtc } }),
      ...(postingLast === undefined || entityType !== "LedgerEntry"
        ? {}
        : {
            ledgerEntryFilters: {
              posting: {
                start: DateTime.formatIsoDate(DateTime.subtractDuration(scheduled, postingLast)),
                end: DateTime.formatIsoDate(scheduled)
              }
            }
          })
    }
    return { entityType, ...(Object.keys(filters).length === 0 ? {} : { filters }) }
  })
}

/** What a table may say. */
export const keys: ReadonlyArray<string> = [
  "cron",
  "time-zone",
  "entity-types",
  "accounts",
  "path",
  "posting-last",
  "updated-last",
  "on-expired",
  "max-wait"
]

const isTexts = Schema.is(Schema.Array(Schema.NonEmptyString))
const isKnown = (text: string): boolean => entityTypes.some((type) => type === text)
const isPath = Schema.is(ObjectKey)

const day = 86_400_000

const isWithin = (duration: Duration.Duration, least: number, most: number): boolean => {
  const millis = Duration.toMillis(duration)
  return millis >= least && millis <= most
}

/** 30 February is a day to the parser. */
const comes = (cron: Cron.Cron): boolean => {
  try {
    Cron.next(cron)
    return true
  } catch {
    return false
  }
}
