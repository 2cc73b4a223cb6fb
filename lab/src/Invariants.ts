/**
 * The invariants, held by code that stands beside the system: it sees calls, files, requests and events, and what the
 * simulator witnessed, and takes nothing from the system on trust.
 */
import { ExportError } from "@longshore/core/ExportError"
import type { ExportEvent } from "@longshore/core/ExportEvent"
import type { ExportRunResult } from "@longshore/core/ExportRun"
import * as RunSummary from "@longshore/core/RunSummary"
import { Disk } from "@longshore/disk/Disk"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import type * as Simulator from "@longshore/simulator/Simulator"
import { CrashingDisk } from "@longshore/testkit"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Path from "node:path"
import { inspect } from "node:util"
import { crc32 } from "node:zlib"
import { type Call, entityType, journalPath, type RunProcess, target, tokens, type WorldOptions } from "./Scene.ts"

/** An invariant that does not hold. */
export class Violation extends Error {
  readonly invariant: string
  constructor(invariant: string, problem: string) {
    super(`${invariant}: ${problem}`)
    this.invariant = invariant
  }
}

export interface Checker {
  /** A call to disk or network has had its effect. */
  readonly saw: (call: Call) => void
  /** Around a request, from its sending to the head of its answer. */
  readonly requesting: <A, E>(
    process: RunProcess,
    kind: string,
    url: URL,
    effect: Effect.Effect<A, E>
  ) => Effect.Effect<A, E>
  /** Around the answer of the file host: from its first byte to its last, or until nobody reads it any more. */
  readonly sending: (answer: Simulator.SimulatorAnswer) => Simulator.SimulatorAnswer
  /** A process, or the machine, has died. */
  readonly crashed: (power: boolean) => void
  readonly ended: (exit: Exit.Exit<ExportRunResult, unknown>) => void
  /** Somebody else changed a file: nothing is promised about it until it is delivered again. */
  readonly tampered: (path: string) => void
  /** The wall clock was moved. */
  readonly clockMoved: () => void
  /** The first that did not hold. */
  readonly violation: () => Violation | undefined
}

interface Observed {
  readonly now: () => number
  readonly simulator: Simulator.Simulator["Service"]
  readonly storage: CrashingDisk.CrashingDisk
  readonly events: ReadonlyArray<ExportEvent>
  readonly options: WorldOptions
}

type Steps = ReadonlyMap<string, { readonly value: unknown }>

export const make = ({ events, now, options, simulator, storage }: Observed): Checker => {
  let found: Violation | undefined
  const broken = (invariant: string, problem: string) => {
    found ??= new Violation(invariant, problem)
  }

  // What the witness knows about files: all contents that each of them ever had, by its path.
  const contents = new Map<string, Map<string, Uint8Array>>()
  const look = () => {
    for (const { files, id } of Effect.runSync(simulator.exports)) {
      for (const [index, file] of files.entries()) {
        const path = `${target}/${entityType}/${id}/${entityType}-${String(index + 1).padStart(5, "0")}.jsonl`
        const known = contents.get(path) ?? new Map<string, Uint8Array>()
        contents.set(path, known)
        if (!known.has(file.etag)) known.set(file.etag, Buffer.concat([...file.read(0, file.size)]))
      }
    }
  }

  const readJournal = (bytes: Uint8Array) => {
    const scratch = CrashingDisk.make({ random: () => 0, now: () => 0 })
    scratch.put("/journal", bytes)
    return Effect.runSync(Effect.result(Effect.provideService(FileJournal.read("/journal"), Disk, scratch.disk)))
  }
  const steps = (files: ReadonlyMap<string, Uint8Array>): Steps => {
    const bytes = files.get(journalPath)
    const read = bytes === undefined ? undefined : readJournal(bytes)
    return read?._tag === "Success" ? read.success.steps : new Map()
  }

  // I1: an export that was accepted is known to the journal, or somebody was told that an answer was lost.
  const accepted: Array<{ readonly id: string; readonly events: number }> = []
  const noteAccepted = () => {
    const exports = Effect.runSync(simulator.exports)
    for (const { id } of exports.slice(accepted.length)) accepted.push({ id, events: events.length })
  }
  const checkAccepted = (journal: Steps) => {
    noteAccepted()
    const count = (base: string) => [...journal.keys()].filter((name) => RunSummary.baseOf(name) === base).length
    const isOpen = count("intent") > count("add")
    const known = new Set(
      [...journal.values()].flatMap(({ value }) => (Predicate.hasProperty(value, "exportId") ? [value.exportId] : []))
    )
    for (const one of accepted) {
      if (known.has(one.id) || isOpen) continue
      const told = events.slice(one.events).some((event) => event._tag === "AnswerLost")
      if (!told) broken("I1", `export ${one.id} was accepted, and nobody knows of it`)
    }
  }

  // I3, I4: under its name there is all of a file, each byte once and in its place, or nothing.
  const has = (bytes: Uint8Array, piece: Uint8Array) =>
    // So many bytes are not the same by chance.
    piece.length > 40 && Buffer.from(bytes).includes(Buffer.from(piece))
  const checkPublished = (path: string, bytes: Uint8Array) => {
    look()
    const known = contents.get(path)
    if (known === undefined || tampered.has(path)) return
    if (![...known.values()].some((content) => Buffer.compare(content, bytes) === 0)) {
      const whole = Buffer.from([...known.values()][0] ?? [])
      const at = whole.findIndex((byte, i) => byte !== bytes[i])
      const isMisplaced =
        bytes.length > whole.length ||
        has(whole, bytes.subarray(at, at + 48)) ||
        has(bytes, whole.subarray(at, at + 48))
      const sizes = `it has ${bytes.length} bytes of ${whole.length}, and differs from byte ${at}`
      broken(isMisplaced ? "I4" : "I3", `${path} is not what its source has: ${sizes}`)
    }
  }
  /** What was published last, as long as nothing took it or the log beside it away. */
  const published = new Map<string, Uint8Array>()
  const checkPublishedOnce = (path: string, bytes: Uint8Array) => {
    const before = published.get(path)
    published.set(path, bytes)
    const name = Path.basename(path, ".jsonl")
    const plan = [...steps(storage.files())].findLast(([step]) => RunSummary.baseOf(step) === `plan ${name}`)?.[1].value
    const isResumable = Predicate.hasProperty(plan, "ranges") && plan.ranges === true
    if (isResumable && before !== undefined && Buffer.compare(before, bytes) === 0) {
      broken("I4", `${path} was there, and all of it was fetched and published again`)
    }
  }

  // I5: what was said to be done is there after a crash: lines of the journal, and the files that they speak of.
  let synced = new Uint8Array(0)
  let durable = synced
  let isNamed = false
  const tampered = new Map<string, number>()
  const deliveries = (journal: Steps, path: string) => {
    const base = `deliver ${Path.basename(path, ".jsonl")}`
    return [...journal].flatMap(([name, { value }]) =>
      RunSummary.baseOf(name) === base && isDelivered(value) && `${target}/${value.stored.key}` === path ? [value] : []
    )
  }
  const checkDurable = (files: ReadonlyMap<string, Uint8Array>) => {
    const journalBytes = files.get(journalPath) ?? new Uint8Array(0)
    if (Buffer.compare(journalBytes.subarray(0, durable.length), durable) !== 0) {
      broken("I5", `the journal lost lines that were synced: it has ${journalBytes.length} of ${durable.length} bytes`)
    }
  }
  const checkDone = (files: ReadonlyMap<string, Uint8Array>, journal: Steps) => {
    for (const [name, { value }] of journal) {
      if (!/^publish\b/.test(RunSummary.baseOf(name)) || !isStored(value)) continue
      if (!files.has(`${target}/${value.key}`)) broken("I5", `${value.key} was published, and is not there`)
    }
    for (const path of contents.keys()) {
      const all = deliveries(journal, path)
      const last = all.at(-1)
      if (last === undefined || tampered.get(path) === all.length) continue
      tampered.delete(path)
      const bytes = files.get(path)
      if (bytes === undefined) broken("I5", `${path} was delivered, and is not there`)
      else if (bytes.length !== last.stored.size || crc32(bytes) !== last.crc32) {
        broken("I5", `${path} was delivered, and is not what was delivered`)
      } else {
        const stat = Effect.runSync(storage.disk.stat(path))
        if (last.stored.version !== `${stat?.mtimeNs}-${stat?.size}`) {
          broken("I5", `${path} was delivered, and its receipt does not tell it any more`)
        }
      }
    }
  }

  // I6: the manifest, which says "complete", is not ahead of the files.
  // Somebody changed files: until a run ends well, the manifest may speak of what was there before.
  let isManifestOld = false
  const checkManifests = (files: ReadonlyMap<string, Uint8Array>) => {
    if (tampered.size > 0 || isManifestOld) return
    for (const [path, bytes] of files) {
      if (!path.endsWith("/manifest.json")) continue
      const manifest = parse(new TextDecoder().decode(bytes))
      if (!isManifest(manifest)) {
        broken("I3", `${path} is not a whole manifest`)
        continue
      }
      for (const file of manifest.files) {
        const there = files.get(Path.join(Path.dirname(path), file.name))
        const sum = there === undefined ? undefined : crc32(there).toString(16).padStart(8, "0")
        if (there?.length !== file.size || sum !== file.crc32) {
          broken("I6", `the manifest names ${file.name}, which is ${there === undefined ? "not there" : "another"}`)
        }
      }
    }
  }

  // I6: nor is the journal ahead of the manifest.
  const checkComplete = (files: ReadonlyMap<string, Uint8Array>, journal: Steps) => {
    if (![...journal.keys()].some((name) => RunSummary.baseOf(name) === "complete")) return
    if ([...files.keys()].some((path) => path.endsWith("/manifest.json"))) return
    broken("I6", "the journal says that the run is complete, and there is no manifest")
  }

  // I7: no secret in anything that is written or told.
  const signatures = new Set<string>()
  const checkSecrets = (what: string, text: string) => {
    for (const secret of [...Object.values(tokens), ...signatures]) {
      if (text.includes(secret)) broken("I7", `${what} has a secret: …${around(text, secret)}…`)
    }
  }
  let told = 0

  // I2, I8: requests to the API.
  const adding = new Set<RunProcess>()
  const asked = new Map<number, { readonly first: number; count: number; slack: number }>()
  const { limit } = options.rateLimit
  const window = Duration.toMillis(Duration.fromInputUnsafe(options.rateLimit.window))
  const checkRate = (pid: number) => {
    const one = asked.get(pid) ?? { first: now(), count: 0, slack: 0 }
    asked.set(pid, one)
    one.count += 1
    // A bucket that was full, what it gained since, and as much again for each time that its clock was moved.
    const most = limit * (1 + one.slack + (now() - one.first) / window) + 1
    if (one.count > most) broken("I8", `${one.count} requests where ${Math.floor(most)} are allowed`)
  }

  // I12: at most so many GETs have bytes on their way.
  const sendings = new Set<object>()
  const most = options.transfer.concurrency ?? 8

  // I13: a journal that was cut anywhere is read up to there, or is known to have no first line.
  const dice = options.dice.fork()
  const checkCuts = (bytes: Uint8Array, whole: Steps) => {
    for (let n = 0; n < 3; n++) {
      const length = dice.between(0, bytes.length + 1)
      const cut = readJournal(bytes.subarray(0, length))
      if (cut._tag === "Failure") {
        if (bytes.subarray(0, length).includes(10)) broken("I13", `cut at ${length}: ${cut.failure.message}`)
        continue
      }
      for (const name of cut.success.steps.keys()) {
        if (!whole.has(name)) broken("I13", `cut at ${length}, the journal has a step that it did not have: ${name}`)
      }
    }
  }

  const checkAll = () => {
    look()
    const files = storage.files()
    const journal = steps(files)
    checkDurable(files)
    const bytes = files.get(journalPath)
    if (bytes !== undefined) {
      // Early, as a journal that cannot be read says nothing of all that the others ask it.
      const read = readJournal(bytes)
      if (read._tag === "Failure" && bytes.includes(10))
        broken("I13", `the journal cannot be read: ${read.failure.message}`)
      checkCuts(bytes, journal)
    }
    checkAccepted(journal)
    for (const [path, bytes] of files) checkPublished(path, bytes)
    checkDone(files, journal)
    checkManifests(files)
    checkComplete(files, journal)
    for (const [path, bytes] of files) checkSecrets(path, Buffer.from(bytes).toString("latin1"))
    for (; told < events.length; told++) checkSecrets("an event", inspect(events[told], { depth: 10 }))
  }

  return {
    saw: ({ name, path }) => {
      if (name === "disk sync" && path === journalPath) synced = Uint8Array.from(storage.files().get(path) ?? [])
      // Another file in its place holds what it holds once that name is on the disk.
      if (name === "disk rename" && path === journalPath) {
        synced = Uint8Array.from(storage.files().get(path) ?? [])
        isNamed = false
      }
      if (name === "disk syncFolder" && path === Path.dirname(journalPath)) isNamed = true
      if (isNamed) durable = synced
      if (name === "disk rename" && path.endsWith(".jsonl")) {
        const bytes = storage.files().get(path)
        if (bytes !== undefined) {
          checkPublished(path, bytes)
          checkPublishedOnce(path, bytes)
        }
      }
      if (name === "disk rename" && path.endsWith("/manifest.json")) checkManifests(storage.files())
    },
    requesting: (process, kind, url, effect) =>
      Effect.suspend(() => {
        // What is left of a process that was killed; the gate does not let it through either.
        if (!process.isAlive()) return effect
        look()
        const signature = url.searchParams.get("sig")
        if (signature !== null) signatures.add(signature)
        if (kind === "file") return effect
        checkRate(process.pid)
        if (kind !== "add") return effect
        for (const other of adding) if (!other.isAlive()) adding.delete(other)
        if (adding.size > 0) broken("I2", "two requests for an export are on their way at the same time")
        adding.add(process)
        return Effect.ensuring(
          effect,
          Effect.sync(() => {
            adding.delete(process)
            noteAccepted()
          })
        )
      }),
    sending: (answer) => ({
      ...answer,
      body: () => {
        sendings.add(answer)
        if (sendings.size > most)
          broken("I12", `the bytes of ${sendings.size} answers are on their way, where ${most} may be`)
        return answer.body()
      },
      sent: (bytes) => {
        sendings.delete(answer)
        return answer.sent(bytes)
      }
    }),
    crashed: (power) => {
      adding.clear()
      sendings.clear()
      if (power) published.clear()
      checkAll()
      if (power) isNamed = storage.files().has(journalPath)
    },
    ended: (exit) => {
      checkAll()
      checkSecrets("how the run ended", `${inspect(exit, { depth: 12 })}\n${exitText(exit)}`)
      const files = storage.files()
      const summary = RunSummary.summarize(
        new Map([...steps(files)].map(([name, step]) => [name, { at: "", ...step }]))
      )
      if (exit._tag === "Failure") {
        const wrong = exit.cause.reasons.find((reason) => !isTold(reason))
        if (wrong !== undefined)
          broken(
            "I11",
            `the run ended with what is no error of ours: ${exitText(exit)} ${inspect(wrong, { depth: 3 })}`
          )
        return
      }
      // Who was told that the run is complete may rely on it.
      isManifestOld = false
      checkManifests(files)
      durable = Uint8Array.from(files.get(journalPath) ?? [])
      const { exportId, files: delivered, manifest } = exit.value
      const written = files.get(`${target}/${entityType}/${exportId}/manifest.json`)
      const same = written !== undefined && JSON.stringify(parse(new TextDecoder().decode(written)))
      if (same !== JSON.stringify(manifest)) broken("I11", "the run says it is complete, and has another manifest")
      if (summary.stage !== "complete") broken("I11", `the run says it is complete, and its journal: ${summary.stage}`)
      const expected = Effect.runSync(simulator.exports).find(({ id }) => id === exportId)?.files.length
      if (delivered.length !== expected) broken("I11", `${delivered.length} files of ${expected} were delivered`)
      for (const { key, size } of delivered) {
        if (files.get(`${target}/${key}`)?.length !== size) broken("I11", `${key} is not there, or not whole`)
      }
    },
    tampered: (path) => {
      published.delete(path)
      isManifestOld = true
      tampered.set(path, deliveries(steps(storage.files()), path).length)
    },
    clockMoved: () => {
      for (const one of asked.values()) one.slack += 1
    },
    violation: () => found
  }
}

const isExportError = Schema.is(ExportError)

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

interface Stored {
  readonly key: string
  readonly size: number
  readonly version: string
}
const isStored = (value: unknown): value is Stored =>
  Predicate.hasProperty(value, "key") && typeof value.key === "string"

const isDelivered = (value: unknown): value is { readonly stored: Stored; readonly crc32: number } =>
  Predicate.isTagged(value, "Delivered")

const isManifest = (
  value: unknown
): value is {
  readonly files: ReadonlyArray<{ readonly name: string; readonly size: number; readonly crc32: string }>
} => Predicate.hasProperty(value, "format") && value.format === "longshore-manifest/1"

/** An error that a user is told (as a defect if it came while its fiber was interrupted), an interruption: no bug. */
const isTold = (reason: Cause.Reason<unknown>): boolean =>
  Cause.isFailReason(reason)
    ? Predicate.hasProperty(reason.error, "_tag") && Predicate.hasProperty(reason.error, "message")
    : Cause.isDieReason(reason)
      ? isExportError(reason.defect)
      : true

export const exitText = (exit: Exit.Exit<unknown, unknown>): string =>
  exit._tag === "Success" ? "success" : Cause.pretty(exit.cause)

const around = (text: string, secret: string): string => {
  const at = text.indexOf(secret)
  return text.slice(Math.max(0, at - 40), at)
}
