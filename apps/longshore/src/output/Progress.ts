/** What is known about the runs that go on, gathered from their events; and how figures look in words. */
import type { ExportEvent } from "@longshore/core/ExportEvent"
import { Rate } from "./Rate.ts"

type Stage = "asking" | "waiting" | "transferring" | "publishing" | "complete" | "failed"

/** A file that has begun and is not delivered. */
export interface FileProgress {
  readonly size: number
  /** Bytes that are durable in the sink. */
  stored: number
  /** Bytes received since, which may still be lost to a failed attempt. */
  underway: number
  /** Whether it had its turn: bytes of it came. */
  moves: boolean
}

export interface RunProgress {
  readonly entityType: string
  exportId: string | undefined
  stage: Stage
  /** When the run and its stage began: milliseconds since 1970. */
  readonly began: number
  since: number
  /** Why it waits, such as the export's status. */
  detail: string
  /** When the API is asked again. */
  nextAt: number | undefined
  totalFiles: number
  totalBytes: number
  doneFiles: number
  doneBytes: number
  /** In the order in which they began. */
  readonly open: Map<string, FileProgress>
  rate: Rate
  linksUntil: number | undefined
  exportUntil: number | undefined
}

export class Progress {
  readonly #runs: Map<string, RunProgress>

  constructor(entityTypes: ReadonlyArray<string>, now: number) {
    this.#runs = new Map(
      entityTypes.map((entityType) => [
        entityType,
        {
          entityType,
          exportId: undefined,
          stage: "asking",
          began: now,
          since: now,
          detail: "",
          nextAt: undefined,
          totalFiles: 0,
          totalBytes: 0,
          doneFiles: 0,
          doneBytes: 0,
          open: new Map(),
          rate: new Rate(now),
          linksUntil: undefined,
          exportUntil: undefined
        }
      ])
    )
  }

  get runs(): ReadonlyArray<RunProgress> {
    return [...this.#runs.values()]
  }

  /** Brings rates up to now. */
  advance(now: number): void {
    for (const run of this.#runs.values()) {
      if (run.stage === "transferring") run.rate.advance(now, run.totalBytes - bytesOf(run))
    }
  }

  /** The run of this type ended without success. */
  fail(entityType: string, now: number): void {
    const run = this.#runs.get(entityType)
    if (run !== undefined) enter(run, "failed", now)
  }

  apply(event: ExportEvent): void {
    const run = this.#runs.get(event.entityType)
    if (run === undefined) return
    const { at } = event
    switch (event._tag) {
      case "ExportRequested":
      case "ExportAdopted":
        run.exportId = event.exportId
        return enter(run, "waiting", at)
      case "AnswerLost":
        return enter(run, "asking", at, "an answer was lost")
      case "SlotBusy":
        return enter(run, "asking", at, "the slot is busy", event.retryIn)
      case "AddRetried":
        return enter(run, "asking", at, `attempt ${event.attempt} failed`, event.retryIn)
      case "ExportPolled":
        run.exportId = event.exportId
        return enter(run, "waiting", at, event.status, event.nextIn)
      case "LookFailed":
        run.exportId = event.exportId
        return enter(run, "waiting", at, "no answer", event.nextIn)
      case "ExportReady":
        enter(run, "transferring", at)
        run.exportId = event.exportId
        run.totalFiles = event.files
        run.totalBytes = event.bytes
        run.rate = new Rate(at)
        run.linksUntil = event.linksUntil
        run.exportUntil = event.expiresUtc === undefined ? undefined : Date.parse(event.expiresUtc)
        return
      case "ExportRenewed":
        enter(run, "asking", at, "another export")
        run.open.clear()
        run.doneFiles = 0
        run.doneBytes = 0
        run.linksUntil = undefined
        run.exportUntil = undefined
        return
      case "LinksRenewed":
        run.linksUntil = event.linksUntil
        return
      case "FileStarted":
        run.open.set(event.key, { size: event.size, stored: event.stored, underway: 0, moves: false })
        return
      case "BytesReceived": {
        run.rate.add(event.bytes, at)
        const file = run.open.get(event.key)
        if (file === undefined) return
        file.underway += event.bytes
        file.moves = true
        return
      }
      case "BytesLost": {
        const file = run.open.get(event.key)
        if (file !== undefined) file.underway = Math.max(0, file.underway - event.bytes)
        return
      }
      case "PartStored": {
        const file = run.open.get(event.key)
        if (file === undefined) return
        file.stored += event.bytes
        file.underway = Math.max(0, file.underway - event.bytes)
        return
      }
      case "PartLost": {
        const file = run.open.get(event.key)
        if (file !== undefined) file.stored -= event.bytes
        return
      }
      case "FileRestarted":
        run.open.delete(event.key)
        return
      case "FileDelivered":
      case "FileConfirmed":
        run.open.delete(event.key)
        run.doneFiles += 1
        run.doneBytes += event.size
        if (run.doneFiles === run.totalFiles) enter(run, "publishing", at)
        return
      case "RunCompleted":
        run.exportId = event.exportId
        run.totalFiles = event.files
        run.totalBytes = event.bytes
        return enter(run, "complete", at)
      case "PartRetried":
        return
    }
  }
}

const enter = (run: RunProgress, stage: Stage, at: number, detail = "", nextIn?: number): void => {
  if (run.stage !== stage) run.since = at
  run.stage = stage
  run.detail = detail
  run.nextAt = nextIn === undefined ? undefined : at + nextIn
}

/** Of a file, no more than it has: an attempt that failed may have brought some of it twice. */
export const bytesOfFile = ({ size, stored, underway }: FileProgress): number => Math.min(size, stored + underway)

/** Bytes of the whole run that are there or on their way. */
export const bytesOf = (run: RunProgress): number => {
  let bytes = run.doneBytes
  for (const file of run.open.values()) bytes += bytesOfFile(file)
  return Math.min(bytes, run.totalBytes)
}

export const isOver = ({ stage }: RunProgress): boolean => stage === "complete" || stage === "failed"

/** The last word of a key. */
export const name = (key: string): string => key.slice(key.lastIndexOf("/") + 1)

export const files = (count: number): string => `${count} ${count === 1 ? "file" : "files"}`

/** Decimal units, as file systems and networks use them. */
export const size = (bytes: number): string => {
  let value = bytes
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 999.95 || (unit === "B" && value < 1000))
      return `${unit === "B" ? Math.round(value) : value.toFixed(1)} ${unit}`
    value /= 1000
  }
  return `${value.toFixed(1)} TB`
}

/** `0:08`, `12:30`, `2:05:00`, `6d 4h`. */
export const duration = (millis: number): string => {
  const seconds = Math.max(0, Math.ceil(millis / 1000))
  const two = (value: number) => String(value).padStart(2, "0")
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  if (hours >= 24) return `${Math.floor(hours / 24)}d ${hours % 24}h`
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}
