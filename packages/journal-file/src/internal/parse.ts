/** Reads the lines of a journal: what is whole counts, a torn end is dropped, the rest is refused. */
import { JournalError } from "@longshore/core/ExportError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

const Header = Schema.Struct({
  format: Schema.Literal("longshore-journal/1"),
  createdUtc: Schema.String,
  identity: Schema.Json,
  context: Schema.optionalKey(Schema.Json)
})
const Line = Schema.Struct({ at: Schema.String, step: Schema.String, value: Schema.Json })

const json = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
const header = Schema.decodeUnknownOption(Header)
const line = Schema.decodeUnknownOption(Line)

export interface Parsed {
  readonly createdUtc: string
  readonly identity: Schema.Json
  readonly context: Schema.Json | undefined
  readonly steps: ReadonlyMap<string, { readonly at: string; readonly value: unknown }>
  readonly torn: boolean
  /** Bytes of the first line. */
  readonly firstLength: number
  /** Bytes of the lines that are whole. */
  readonly length: number
}

/** `undefined` when there is not even a first line. */
export const parse = Effect.fnUntraced(function* (
  path: string,
  bytes: Uint8Array
): Effect.fn.Return<Parsed | undefined, JournalError> {
  const refuse = (reason: JournalError["reason"], problem: string) =>
    new JournalError({ reason, location: path, problem })
  const text = new TextDecoder().decode(bytes)
  // What follows the last newline was never finished. A crash may also leave a tail of zeros.
  const whole = text.split("\n").slice(0, -1)
  const [first, ...rest] = whole
  if (first === undefined) {
    // A first line that was cut short is a prefix of ours. Anything else is somebody's file.
    const ours = '{"format":"longshore-journal/'
    const start = text.replace(/\0+$/, "")
    if (start === "" || start.startsWith(ours) || ours.startsWith(start)) return undefined
    return yield* refuse("Broken", "it is not a journal of Longshore")
  }
  const found = json(first)
  const format = Option.isSome(found) && Predicate.hasProperty(found.value, "format") ? found.value.format : undefined
  if (typeof format === "string" && /^longshore-journal\/\d+$/.test(format) && format !== "longshore-journal/1") {
    return yield* refuse("NewerVersion", `it has the format ${format}, and this version knows longshore-journal/1`)
  }
  const head = Option.flatMap(found, header)
  if (Option.isNone(head)) return yield* refuse("Broken", "line 1 is not the first line of a journal of Longshore")

  const steps = new Map<string, { readonly at: string; readonly value: unknown }>()
  const firstLength = Buffer.byteLength(first) + 1
  let length = firstLength
  for (const [index, text] of rest.entries()) {
    const step = Option.flatMap(json(text), line)
    if (Option.isNone(step)) {
      // No line of ours has zeros. They stand where a power cut took what was not synced; so nothing after them was.
      if (text.includes("\0")) break
      return yield* refuse("Broken", `line ${index + 2} cannot be read`)
    }
    const { at, step: name, value } = step.value
    if (steps.has(name)) return yield* refuse("Broken", `line ${index + 2} repeats the step "${name}"`)
    steps.set(name, { at, value })
    length += Buffer.byteLength(text) + 1
  }
  const { context, createdUtc, identity } = head.value
  return { context, createdUtc, identity, steps, torn: length < bytes.length, firstLength, length }
})
