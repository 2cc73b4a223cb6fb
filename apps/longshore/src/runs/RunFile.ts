/**
 * Which journal belongs to a run: `<EntityType>-<hash of the identity>.<n>.jsonl`. Asking for the same again after the
 * run is finished and too old, or with `--fresh`, is a new journal, so that each file tells one story.
 */
import { JournalError } from "@longshore/core/ExportError"
import * as RunIdentity from "@longshore/core/RunIdentity"
import * as RunSummary from "@longshore/core/RunSummary"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as RunContext from "./RunContext.ts"

export interface Renewal {
  /** A finished run is done again. One that is not finished is always resumed. */
  readonly fresh: boolean
  /** A run that finished longer ago than this is done again. */
  readonly maxAge: Duration.Duration | undefined
}

export interface RunFile {
  readonly path: string
  /** From 1. */
  readonly number: number
  /** How far it is, if there is such a journal already and it can be read. */
  readonly summary: RunSummary.RunSummary | undefined
  /** A crash left its end unfinished. What is whole counts. */
  readonly torn: boolean
  /** How it was started last. */
  readonly context: RunContext.RunContext | undefined
}

/** A run as its journal describes it, offline. */
export interface Run {
  /** The file's name without its ending: what `status` takes. */
  readonly id: string
  readonly path: string
  readonly createdUtc: string
  readonly identity: RunIdentity.RunIdentity
  readonly summary: RunSummary.RunSummary
  /** Those that were given up for the next one, too. */
  readonly exports: ReadonlyArray<RunSummary.RunExport>
  /** When the last step was written. ISO 8601. */
  readonly updatedUtc: string
  readonly torn: boolean
  /** The folder of its journal. */
  readonly folder: string
  readonly context: RunContext.RunContext | undefined
}

/** A journal by its name. */
export interface Found {
  readonly path: string
  readonly stem: string
  readonly number: number
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

/** A name for an account that tells the token to nobody. */
export const accountOf = (accessToken: string): string => sha256(accessToken).slice(0, 12)

/** What all journals of a run's identity have in front of their number. */
const stem = (identity: RunIdentity.RunIdentity): string =>
  `${identity.request.entityType}-${sha256(RunIdentity.canonical(identity)).slice(0, 16)}`

const pattern = /^(?<stem>[A-Za-z0-9]+-[0-9a-f]{16})\.(?<number>[1-9]\d{0,8})\.jsonl$/

/** The journal to go on with, or the next one. */
export const current = Effect.fn("RunFile.current")(function* (
  folder: string,
  identity: RunIdentity.RunIdentity,
  { fresh, maxAge }: Renewal
): Effect.fn.Return<RunFile, JournalError> {
  const name = stem(identity)
  const numbers = (yield* list(folder)).filter((file) => file.stem === name).map((file) => file.number)
  const at = (number: number, run?: Run): RunFile => ({
    path: Path.join(folder, `${name}.${number}.jsonl`),
    number,
    summary: run?.summary,
    torn: run?.torn ?? false,
    context: run?.context
  })
  if (numbers.length === 0) return at(1)
  const latest = Math.max(...numbers)
  const run = yield* read(at(latest).path).pipe(
    // Whether it can be used is the journal's to say, when it is opened.
    Effect.orElseSucceed(() => undefined)
  )
  const completedUtc = run?.summary.completedUtc
  if (completedUtc === undefined) return at(latest, run)
  const age = (yield* Clock.currentTimeMillis) - Date.parse(completedUtc)
  return fresh || (maxAge !== undefined && age > Duration.toMillis(maxAge)) ? at(latest + 1) : at(latest, run)
})

/** What a journal tells. */
export const read = Effect.fn("RunFile.read")(function* (path: string): Effect.fn.Return<Run, JournalError> {
  const content = yield* FileJournal.read(path)
  const identity = Option.getOrUndefined(Schema.decodeUnknownOption(RunIdentity.RunIdentity)(content.identity))
  if (identity === undefined) {
    return yield* new JournalError({ reason: "Broken", location: path, problem: "it does not say which run it is of" })
  }
  return {
    id: Path.basename(path, ".jsonl"),
    path,
    createdUtc: content.createdUtc,
    identity,
    summary: RunSummary.summarize(content.steps, identity.exportId),
    exports: RunSummary.exportsOf(content.steps, identity.exportId),
    updatedUtc: [...content.steps.values()].reduce((last, { at }) => (at > last ? at : last), content.createdUtc),
    torn: content.torn,
    folder: Path.dirname(path),
    context: RunContext.decode(content.context)
  }
})

/** Which run a journal is of, by its name; `undefined` for any other file. */
export const parse = (path: string): Found | undefined => {
  const groups = pattern.exec(Path.basename(path))?.groups
  return groups?.["stem"] === undefined ? undefined : { path, stem: groups["stem"], number: Number(groups["number"]) }
}

/** The journals in a folder, by name and number; none if there is no such folder. */
export const list = Effect.fn("RunFile.list")(function* (folder: string) {
  const names = yield* Effect.tryPromise({
    try: () => Fs.readdir(folder),
    catch: (cause) => (cause instanceof Error && "code" in cause ? String(cause.code) : "unknown")
  }).pipe(
    Effect.catch((code) =>
      code === "ENOENT"
        ? Effect.succeed<Array<string>>([])
        : Effect.fail(
            new JournalError({
              reason: "Unavailable",
              location: folder,
              problem:
                code === "ENOTDIR"
                  ? "there is a file where its folder should be"
                  : `the folder cannot be read (${code})`
            })
          )
    )
  )
  return names
    .flatMap((name) => parse(Path.join(folder, name)) ?? [])
    .sort((a, b) => (a.stem === b.stem ? a.number - b.number : a.stem < b.stem ? -1 : 1))
})
