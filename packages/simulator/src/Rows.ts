/**
 * The content of exported files: JSON lines that look like the real entities, the same for the same seed, at any place
 * of a file without what comes before, for files of any size.
 *
 * A file repeats one block of about a megabyte whose rows get other ids in every repetition; its last row has spaces after it, so
 * that the file has exactly the size it was asked for. (A file too small for any row has less than one.)
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"
import { enums, objects } from "./internal/entities.ts"

/**
 * What decides the content of a file.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileSeed {
  /** Of the simulator: `SimulatorOptions.seed`. */
  readonly seed: number
  /** Which fields the rows have. An unknown type has those of a `Reservation`. */
  readonly entityType: string
  /** Which export of the simulator, from 1. */
  readonly sequence: number
  /** Which file of the export, from 1. */
  readonly file: number
  /** Goes up when the content changes under the same name. */
  readonly revision: number
}

/**
 * The content of one file, at any place without what comes before.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rows {
  /** Bytes. */
  readonly size: number
  /** The bytes from `offset`, up to `length` of them (less at the end), in arrays of about a megabyte at most. */
  readonly read: (offset: number, length: number) => Generator<Uint8Array, void, void>
}

/**
 * Bytes that are given, whatever they are.
 *
 * @example
 * ```ts
 * import { Rows } from "@longshore/simulator"
 *
 * const rows = Rows.fromBytes(Buffer.from('{"Id":1}\n{"Id":2}\n'))
 * Buffer.concat([...rows.read(9, 8)]).toString() // => '{"Id":2}'
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromBytes = (bytes: Uint8Array): Rows => ({
  size: bytes.length,
  read: function* (offset, length) {
    const piece = bytes.subarray(offset, offset + length)
    if (piece.length > 0) yield piece
  }
})

const blockSize = 1024 * 1024

/** `{"Id":"` comes before the eight digits that differ from one repetition to the next. */
const idAt = 7

/**
 * Rows that are made up, `size` bytes of them: as cheap for ten gigabytes as for ten lines. They look like those of the real
 * entity, and are invented.
 *
 * @example
 * ```ts
 * import { Rows } from "@longshore/simulator"
 *
 * const seed = { seed: 7, entityType: "Customer", sequence: 1, file: 1, revision: 0 }
 * const rows = Rows.make(seed, 10_000)
 *
 * const text = Buffer.concat([...rows.read(0, rows.size)]).toString()
 * text.length <= 10_000 // => true
 * const customers = text.trimEnd().split("\n").map((line) => JSON.parse(line))
 * typeof customers[0].Id // => "string"
 *
 * // The same at any place, for whoever asks.
 * const middle = Buffer.concat([...Rows.make(seed, 10_000).read(5_000, 100)])
 * middle.equals(Buffer.from(text).subarray(5_000, 5_100)) // => true
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (seed: FileSeed, size: number): Rows => {
  const next = generator(seed)
  const lines: Array<Uint8Array> = []
  const starts: Array<number> = []
  let length = 0
  const wanted = Math.min(blockSize, size)
  while (length < wanted || lines.length === 0) {
    const line = Buffer.from(`${JSON.stringify(row(seed.entityType, next))}\n`)
    starts.push(length)
    lines.push(line)
    length += line.length
  }
  const block = Buffer.concat(lines)

  // The rows that fit before the last one.
  const last = Buffer.from(JSON.stringify(row(seed.entityType, next)))
  const least = Math.min(last.length + 1, size)
  const repetitions = Math.floor((size - least) / block.length)
  const within = size - least - repetitions * block.length
  const start = starts.findLast((at) => at <= within) ?? 0
  const bodyLength = repetitions * block.length + start
  const tail = lastRow(size - bodyLength, last, next)

  const repetition = (n: number): Uint8Array => {
    if (n === 0) return block
    const copy = Buffer.from(block)
    for (const at of starts) {
      const id = (Number.parseInt(copy.toString("latin1", at + idAt, at + idAt + 8), 16) + n * 0x9e3779b1) >>> 0
      copy.write(id.toString(16).padStart(8, "0"), at + idAt, "latin1")
    }
    return copy
  }

  return {
    size,
    read: function* (offset, length) {
      const end = Math.min(size, offset + length)
      let at = offset
      while (at < Math.min(end, bodyLength)) {
        const n = Math.floor(at / block.length)
        const from = at - n * block.length
        const to = Math.min(block.length, Math.min(end, bodyLength) - n * block.length)
        yield repetition(n).subarray(from, to)
        at += to - from
      }
      if (at < end) yield tail.subarray(at - bodyLength, end - bodyLength)
    }
  }
}

/** A row of exactly `length` bytes, newline included. White space after it is JSON, too. */
const lastRow = (length: number, row: Buffer, next: () => number): Uint8Array => {
  if (length === 0) return new Uint8Array()
  if (length > row.length) return Buffer.concat([row, Buffer.from(`${" ".repeat(length - row.length - 1)}\n`)])
  const frame = `{"Id":"${uuid(next)}","Notes":""}\n`
  if (length >= frame.length) return Buffer.from(frame.replace('""}', `"${".".repeat(length - frame.length)}"}`))
  // Too short for a row: a number is JSON as well, and so is an empty line to most readers.
  return Buffer.from(`${"1".repeat(length - 1)}\n`)
}

/** Mulberry32, seeded by a digest of what the file is. */
const generator = (seed: FileSeed): (() => number) => {
  const text = `${seed.seed}/${seed.entityType}/${seed.sequence}/${seed.file}/${seed.revision}`
  let state = createHash("sha256").update(text).digest().readUInt32LE(0)
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const int = (next: () => number, bound: number): number => Math.floor(next() * bound)
const pick = <A>(next: () => number, all: ReadonlyArray<A>): A | undefined => all[int(next, all.length)]
const hex = (next: () => number, digits: number): string => {
  let text = ""
  while (text.length < digits) text += "0123456789abcdef"[int(next, 16)]
  return text
}
const uuid = (next: () => number): string =>
  `${hex(next, 8)}-${hex(next, 4)}-4${hex(next, 3)}-${pick(next, ["8", "9", "a", "b"])}${hex(next, 3)}-${hex(next, 12)}`

const texts: ReadonlyArray<readonly [RegExp, ReadonlyArray<string>]> = [
  [/FirstName/, ["Anna", "Jos\u00E9", "\u5C0F\u660E", "Zo\u00EB", "Mohamed", "Ingrid"]],
  [/LastName/, ["M\u00FCller", "O'Brien", "Nov\u00E1kov\u00E1", "Garc\u00EDa", "Smith", "\u5C71\u7530"]],
  [/Email/, ["guest@example.com", "front.desk@example.org"]],
  [/Phone|Telephone/, ["+420 555 010 199", "+49 30 5550 123"]],
  [/City/, ["Praha", "Amsterdam", "Lisboa", "K\u00F6ln"]],
  [/CountryCode|NationalityCode|IssuingCountryCode/, ["CZ", "NL", "PT", "DE"]],
  [/Subdivision/, ["CZ-10", "NL-NH", "DE-NW"]],
  [/Currency/, ["EUR", "CZK", "GBP"]],
  [/Language/, ["en-US", "de-DE", "cs-CZ"]],
  [/Line1/, ["Dlouh\u00E1 12", "Keizersgracht 8", "Rua Augusta 100"]],
  [/Line2/, ["2nd floor", "Apt. 7"]],
  [/PostalCode/, ["110 00", "1015 CN", "1100-053"]],
  [/TaxRateCode|^Code$/, ["CZ-2024-L", "NL-2019-R", "DE-S"]],
  [/Notes/, ['Late arrival. Says "please call".', "Allergic to nuts;\nneeds a quiet room", "VIP"]],
  [/Name/, ["Standard double", "Breakfast", "City tax", "Conference 2026"]],
  [/Url/, ["https://example.com/"]]
]

type Make = (next: () => number, depth: number) => unknown

/** What makes the values of a field. Of the names and types of fields nothing is looked at twice. */
const makeOf = (name: string, type: string): Make => {
  const list = /^array<(.+)>$/.exec(type)?.[1]
  if (list !== undefined) {
    const element = makeOf(name, list)
    return (next, depth) => (depth > 3 ? [] : Array.from({ length: int(next, 3) }, () => element(next, depth + 1)))
  }
  const one = type.split("|")[0] ?? type
  const choices = enums[one]?.split(" ")
  if (choices !== undefined) return (next) => pick(next, choices)
  if (one in objects) return (next, depth) => (depth > 4 ? null : object(one, next, depth + 1))
  const simple = simpleOf(name, one)
  return (next) => simple(next, 20_000 + int(next, 600))
}

const simpleOf = (name: string, type: string): ((next: () => number, days: number) => unknown) => {
  switch (type) {
    case "uuid":
      return uuid
    case "instant":
      return (next, days) => `${new Date(days * 86_400_000 + int(next, 86_400) * 1000).toISOString().slice(0, 19)}Z`
    case "date":
      return (_, days) => new Date(days * 86_400_000).toISOString().slice(0, 10)
    case "number":
      return (next) => int(next, 50_000) / 100
    case "int32":
    case "int64":
      return (next) => int(next, 100_000)
    case "boolean":
      return (next) => next() < 0.5
    case "map<string>":
      return (next) => ({ TaxIdentifier: `CZ${int(next, 99_999_999)}` })
    case "unknown":
      return () => ({})
    default: {
      const samples = texts.find(([pattern]) => pattern.test(name))?.[1] ?? []
      return (next) => pick(next, samples) ?? `${name} ${int(next, 10_000)}`
    }
  }
}

interface Field {
  readonly name: string
  readonly isNullable: boolean
  readonly make: Make
}

const fields = new Map<string, ReadonlyArray<Field>>()

const fieldsOf = (type: string): ReadonlyArray<Field> => {
  const known = fields.get(type)
  if (known !== undefined) return known
  const read = (objects[type] ?? "").split(" ").map((field): Field => {
    const [name = "", typed = "string"] = field.split(":")
    const isNullable = typed.endsWith("?")
    return { name, isNullable, make: makeOf(name, isNullable ? typed.slice(0, -1) : typed) }
  })
  fields.set(type, read)
  return read
}

const object = (type: string, next: () => number, depth: number): Record<string, unknown> => {
  const made: Record<string, unknown> = {}
  for (const { isNullable, make, name } of fieldsOf(type)) {
    made[name] = isNullable && next() < 0.4 ? null : make(next, depth)
  }
  return made
}

const row = (entityType: string, next: () => number): Record<string, unknown> => ({
  Id: uuid(next),
  ...Object.fromEntries(Object.entries(object(entityType in objects ? entityType : "Reservation", next, 0)).slice(1))
})
