/** What `verify` found, in words. They say no more than the checksums do. */
import type { Difference, Explanation, ManifestProblem } from "@longshore/core/Verification"
import { files } from "./Progress.ts"

const number = (value: number): string => value.toLocaleString("en-US")
const bytes = (count: number): string => `${number(count)} ${count === 1 ? "byte" : "bytes"}`

/** More than this are counted, not listed. */
const most = 5

/** Of a file; its name stands before. */
export const ofFile = (difference: Difference): string => {
  switch (difference._tag) {
    case "Missing":
      return "is missing"
    case "NotAFile":
      return `is no file: ${difference.problem}`
    case "Unreadable":
      return `cannot be read: ${difference.problem}`
    case "Differs": {
      const { expected, explanation, ranges, size } = difference
      const by = Math.abs(size - expected)
      const what =
        by === 0
          ? "has its size, and other content"
          : `is ${bytes(by)} too ${size < expected ? "short" : "long"} (${number(size)}, delivered were ${number(expected)})`
      if (explanation !== undefined) return `${what}: ${explained(explanation, expected)}`
      return ranges === undefined ? what : `${what}: ${within(ranges, expected)}`
    }
  }
}

const explained = (explanation: Explanation, expected: number): string => {
  switch (explanation._tag) {
    case "ByteChanged":
      return `as if the byte at ${places(explanation.offsets)} alone had changed`
    case "ByteMissing":
      return `as if the byte at ${places(explanation.offsets)} had been taken out`
    case "BytesMissing": {
      const { length, offset } = explanation
      if (offset + length === expected) {
        return offset === 0 ? "it is empty" : `it ends after ${bytes(offset)}, which are right`
      }
      return `${bytes(length)} from offset ${number(offset)} on are missing, and the rest is right`
    }
    case "BytesAdded": {
      const { length, lines, offset } = explanation
      const more =
        lines === undefined
          ? `${number(length)} more ${length === 1 ? "byte" : "bytes"}`
          : lines === 1
            ? `one more line of ${bytes(length)}`
            : `${number(lines)} more lines, ${bytes(length)}`
      return offset === expected
        ? `all that was delivered is there, followed by ${more}`
        : `there is ${more} at offset ${number(offset)}, and the rest is right`
    }
    case "OtherFile":
      return `it has the content of ${explanation.name}`
  }
}

const places = (offsets: ReadonlyArray<number>): string =>
  `offset ${offsets.map(number).join(" or ")}${offsets.length > 1 ? " (the checksum cannot tell which)" : ""}`

const within = (ranges: ReadonlyArray<{ readonly from: number; readonly to: number }>, expected: number): string => {
  const [first] = ranges
  if (first?.from === 0 && first.to === expected) return "where, its checksums cannot tell"
  const listed = ranges.slice(0, most).map(({ from, to }) => `${number(from)} to ${number(to - 1)}`)
  const more = ranges.length > most ? ` and ${ranges.length - most} more places` : ""
  return `all that was delivered is right but for the bytes ${listed.join(", ")}${more}`
}

/** Of a manifest. */
export const ofManifest = (problem: ManifestProblem): string => {
  switch (problem._tag) {
    case "Missing":
      return "the manifest is missing"
    case "NotAFile":
      return `the manifest is no file: ${problem.problem}`
    case "Unreadable":
      return `the manifest cannot be read: ${problem.problem}`
    case "Malformed":
      return `the manifest is damaged: ${problem.problem}`
    case "NewerFormat":
      return `the manifest is of a newer format than this version knows (${problem.format})`
    case "Inconsistent":
      return `the manifest contradicts itself: ${problem.problem}`
  }
}

/** What no manifest names, in one line; nothing if there is nothing. */
export const ofUnnamed = (unnamed: ReadonlyArray<{ readonly key: string; readonly partial: boolean }>): string => {
  if (unnamed.length === 0) return ""
  const listed = unnamed.slice(0, most).map(({ key, partial }) => (partial ? `${key} (partial)` : key))
  const more = unnamed.length > most ? " …" : ""
  return `Not in any manifest, and not looked into: ${files(unnamed.length)}: ${listed.join(", ")}${more}`
}
