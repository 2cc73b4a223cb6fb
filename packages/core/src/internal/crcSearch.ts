/**
 * Where one change would explain a wrong CRC-32. The register of a CRC can be run backwards, so from the end of the bytes
 * two of them are: the one that these bytes led to, and the one that was wanted. Where the two can be joined by one change,
 * that change explains the difference. Chance joins them, too: at one place in 2^24 for a byte that is not known. So what
 * is found are explanations, and only worth telling where they are few.
 */
import { tables } from "./crcTables.ts"

const [table] = tables

const inverse = (() => {
  const inverse = new Uint8Array(256)
  for (let n = 0; n < 256; n++) inverse[table[n]! >>> 24] = n
  return inverse
})()

/** The register before this byte. */
const undo = (register: number, byte: number): number => {
  const n = inverse[register >>> 24]!
  return (((register ^ table[n]!) << 8) | (n ^ byte)) >>> 0
}

/** Whether there is a byte that leads from one register to the other. */
const joins = (from: number, to: number): boolean => (to ^ table[inverse[to >>> 24]!]!) >>> 0 === from >>> 8

/** As many places are worth telling. */
export const most = 4

/**
 * Where one other byte would explain that `length` bytes have one checksum and not the other: all places, or the first few of
 * more than `most`.
 */
export const changedByte = (actual: number, wanted: number, length: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  // Equal bytes cancel out: what is left is the change alone, followed by nothing.
  let difference = (actual ^ wanted) >>> 0
  for (let place = length - 1; place >= 0 && found.length <= most; place--) {
    difference = undo(difference, 0)
    if (difference > 0 && difference < 256) found.push(place)
  }
  return found.reverse()
}

/** Takes bytes piece by piece, from the last to the first. */
export interface Backwards {
  readonly take: (piece: Uint8Array) => void
  /** After the last piece. Neighbours that explain the same are one: its first place, from the first byte on. */
  readonly found: () => ReadonlyArray<number>
}

/** Where one more byte would explain it; `actual` is the checksum of the `length` bytes that are taken. */
export const missingByte = (actual: number, wanted: number, length: number): Backwards => {
  const places = makePlaces()
  let [is, should, at] = [~actual >>> 0, ~wanted >>> 0, length]
  if (joins(is, should)) places.add(at)
  return {
    take: (piece) => {
      for (let i = piece.length - 1; i >= 0; i--) {
        is = undo(is, piece[i]!)
        should = undo(should, piece[i]!)
        at -= 1
        if (joins(is, should)) places.add(at)
      }
    },
    found: places.found
  }
}

/**
 * Where `extra` bytes that should not be there would explain it. Of places that explain the same, the one that begins a line
 * is preferred.
 */
export const addedBytes = (actual: number, wanted: number, length: number, extra: number): Backwards => {
  const places = makePlaces()
  // What should be in front of the last bytes, in a ring: those before them may be the ones that were added.
  const ring = new Uint32Array(extra)
  let [is, should, at] = [~actual >>> 0, ~wanted >>> 0, length]
  return {
    take: (piece) => {
      for (let i = piece.length - 1; i >= 0; i--) {
        const byte = piece[i]!
        ring[at % extra] = should
        is = undo(is, byte)
        should = undo(should, byte)
        if (byte === lineFeed) places.prefer(at)
        at -= 1
        if (at + extra <= length && is === ring[at % extra]) places.add(at)
        if (at === 0) places.prefer(at)
      }
    },
    found: places.found
  }
}

const lineFeed = 10

/** Rows of neighbouring places, found from behind. */
const makePlaces = () => {
  const rows: Array<{ last: number; told: number; preferred: boolean }> = []
  return {
    add: (place: number) => {
      const row = rows.at(-1)
      if (row?.last !== place + 1) rows.push({ last: place, told: place, preferred: false })
      else {
        row.last = place
        if (!row.preferred) row.told = place
      }
    },
    prefer: (place: number) => {
      const row = rows.at(-1)
      if (row?.last === place) Object.assign(row, { told: place, preferred: true })
    },
    found: () => rows.map(({ told }) => told).sort((a, b) => a - b)
  }
}
