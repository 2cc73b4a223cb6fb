/**
 * Where the journals of this user's runs are, wherever their targets: one small file for each, in the user's state
 * folder. It serves `list` and `resume`; a run needs none of it, so what cannot be written is left out.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import type { RunContext } from "./RunContext.ts"
import * as StateLocation from "./StateLocation.ts"

const Entry = Schema.Struct({
  version: Schema.Literal(1),
  /** Path of the journal. */
  journal: Schema.String,
  invocation: Schema.String,
  startedUtc: Schema.String
})

type Entry = typeof Entry.Type

const folder = Effect.map(StateLocation.ofUser, (state) => Path.join(state, "runs"))

/** Says that a command works on this journal now. */
export const remember = Effect.fnUntraced(function* (
  journal: string,
  { invocation, startedUtc }: RunContext
): Effect.fn.Return<void> {
  const entry: Entry = { version: 1, journal, invocation, startedUtc }
  const path = Path.join(yield* folder, `${createHash("sha256").update(journal).digest("hex").slice(0, 16)}.json`)
  yield* Effect.ignore(
    Effect.tryPromise(async () => {
      await Fs.mkdir(Path.dirname(path), { recursive: true, mode: 0o700 })
      // A reader sees the old one or the new one.
      await Fs.writeFile(`${path}.${process.pid}`, `${JSON.stringify(entry)}\n`, { mode: 0o600 })
      await Fs.rename(`${path}.${process.pid}`, path)
    })
  )
})

/** The journals that are still there, the latest first. */
export const list = Effect.gen(function* () {
  const path = yield* folder
  const entries = yield* Effect.promise(async () => {
    const names = await Fs.readdir(path).catch(() => [])
    const texts = await Promise.all(
      names
        .filter((name) => name.endsWith(".json"))
        .map((name) => Fs.readFile(Path.join(path, name), "utf8").catch(() => ""))
    )
    const found = texts.flatMap((text) => Option.toArray(decode(text)))
    const there = await Promise.all(
      found.map(({ journal }) =>
        Fs.access(journal).then(
          () => true,
          () => false
        )
      )
    )
    return found.filter((_, index) => there[index])
  })
  return entries.sort((a, b) => (a.startedUtc < b.startedUtc ? 1 : -1))
})

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Entry))
