/** Whether a journal and files can be written, in the way that a run writes them and by the same code. */
import { JournalError, SinkError } from "@longshore/core/ExportError"
import { Journal } from "@longshore/core/Journal"
import { ObjectKey, ObjectSink, parts } from "@longshore/core/ObjectSink"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import * as FsSink from "@longshore/sink-fs/FsSink"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import * as Path from "node:path"
import { crc32 } from "node:zlib"
import * as ExitCode from "../output/ExitCode.ts"
import * as Progress from "../output/Progress.ts"
import { version } from "../version.ts"
import * as FileSystem from "./FileSystem.ts"
import * as Finding from "./Finding.ts"
import * as Scratch from "./Scratch.ts"

/** Less than this is too little for most exports. */
const scarce = 1_000_000_000

/** A journal is made, locked, written, synced, renamed and read. */
export const state = (folder: string): Effect.Effect<Finding.Finding> => tried("state", folder, keepJournal)

/** A file is written out of its order, synced, renamed and read. */
export const target = (folder: string): Effect.Effect<Finding.Finding> => tried("target", folder, deliverFile)

/** Does it in a folder of the check's own. */
const tried = (
  check: Finding.Check,
  folder: string,
  work: (scratch: string) => Effect.Effect<void, SinkError | JournalError>
): Effect.Effect<Finding.Finding> =>
  Effect.gen(function* () {
    const scratch = yield* Scratch.make(folder)
    const { kind, room } = yield* FileSystem.look(scratch.within)
    yield* work(scratch.path)
    yield* Scratch.clear(scratch)
    const found = `${folder} ${scratch.within === folder ? "can be written" : "can be made and written"}, ${Progress.size(room)} free`
    if (kind !== undefined) {
      return Finding.warning(
        check,
        `${found}; it is on ${kind.name}: ${kind.caveat}`,
        "Rather choose a local disk that stays."
      )
    }
    return room < scarce ? Finding.warning(check, `${found}, which is little`, "Make room.") : Finding.ok(check, found)
  }).pipe(
    Effect.scoped,
    Effect.catch((error) =>
      Effect.succeed(
        Finding.failed(check, ExitCode.of(error), `${folder} cannot be used: ${error.problem}`, error.nextStep)
      )
    )
  )

const step = { name: "doctor", success: Schema.Boolean, error: Schema.Never, execute: Effect.succeed(true) }

const keepJournal = Effect.fnUntraced(function* (folder: string) {
  const path = Path.join(folder, "doctor.jsonl")
  yield* Effect.flatMap(Journal, (journal) => journal.step(step)).pipe(
    Effect.provide(FileJournal.layer({ path, identity: { doctor: version } })),
    // A line that cannot be written is how a run dies.
    Effect.catchDefect((defect) => (defect instanceof JournalError ? Effect.fail(defect) : Effect.die(defect)))
  )
  const { steps } = yield* FileJournal.read(path)
  if (steps.size !== 1) {
    return yield* new JournalError({ reason: "Broken", location: path, problem: "it is not what was written" })
  }
})

const content = randomBytes(96 * 1024)
const object = { key: ObjectKey.make("doctor"), size: content.length, partSize: 64 * 1024, version: "doctor" }

const deliverFile = Effect.fnUntraced(function* (folder: string) {
  return yield* Effect.gen(function* () {
    const sink = yield* ObjectSink
    const writer = yield* sink.open(object)
    for (const part of [...parts(object)].reverse()) {
      const bytes = content.subarray(part.offset, part.offset + part.length)
      yield* writer.write(part, Stream.succeed(bytes), Effect.succeed(crc32(bytes)))
    }
    yield* writer.commit
    yield* sink.settle(object.key)
    const back = yield* Stream.runCollect(sink.read(object.key, { offset: 0, length: object.size }))
    if (Buffer.concat(back).equals(content)) return
    return yield* new SinkError({
      reason: "Corrupt",
      location: folder,
      problem: "it does not give back what was written"
    })
  }).pipe(Effect.scoped, Effect.provide(FsSink.layer({ directory: folder })))
})
