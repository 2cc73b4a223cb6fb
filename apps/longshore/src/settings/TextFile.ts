/** Small files of text that people write. */
import * as Effect from "effect/Effect"
import { createReadStream } from "node:fs"

/** More than anybody writes by hand. */
const limit = 1_000_000

/** What is wrong with a file, as in "The settings file … is a folder", and whether there is one at all. */
export interface Unreadable {
  readonly isMissing: boolean
  readonly problem: string
}

/** Its text without a byte order mark. A pipe will do: shells make one of `<(…)`. */
export const read = (path: string): Effect.Effect<string, Unreadable> =>
  Effect.tryPromise({
    try: async () => {
      // One byte more than it may have tells that it has too many.
      const chunks: ReadonlyArray<Buffer> = await createReadStream(path, { end: limit }).toArray()
      const bytes = Buffer.concat(chunks)
      if (bytes.length > limit) throw new RangeError()
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
    },
    catch: (cause): Unreadable => {
      if (cause instanceof RangeError) return { isMissing: false, problem: "is larger than 1 MB" }
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"
      return {
        isMissing: code === "ENOENT" || code === "ENOTDIR",
        problem: problems[code] ?? `cannot be read (${code})`
      }
    }
  })

const problems: Readonly<Record<string, string>> = {
  ENOENT: "does not exist (ENOENT)",
  EISDIR: "is a folder (EISDIR)",
  ERR_ENCODING_INVALID_ENCODED_DATA: "is not text in UTF-8"
}
