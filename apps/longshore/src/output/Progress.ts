/** What is known about the runs that go on, gathered from their events, and how it looks in words. */
import type { ExportEvent } from "@longshore/core/ExportEvent"

type Stage = "asking" | "waiting" | "transferring" | "done" | "failed"

interface FileProgress {
  readonly size: number
  /** Bytes that are durable in the sink. */
  stored: number
  /** Bytes received since, which may still be lost to a failed attempt. */
  underway: number
}

interface RunProgress {
  readonly entityType: string
  stage: Stage
  detail: string
  totalFiles: number
  totalBytes: number
  doneFiles: number
  readonly files: Map<string, FileProgress>
  /** When bytes came, lately: milliseconds, and bytes of the whole run so far. */
  samples: Array<{ readonly at: number; readonly received: number }>
  received: number
}

/** The rate is that of the last few seconds. */
const rateWindow = 8_000

export class Progress {
  readonly #runs: Map<string, RunProgress>

  constructor(entityTypes: ReadonlyArray<string>) {
    this.#runs = new Map(
      entityTypes.map((entityType) => [
        entityType,
        {
          entityType,
          stage: "asking",
          detail: "asking for an export",
          totalFiles: 0,
          totalBytes: 0,
          doneFiles: 0,
          files: new Map(),
          samples: [],
          received: 0
        }
      ])
    )
  }

  /** Takes an event in. Answers with a line that is worth keeping, if it is. */
  apply(event: ExportEvent): string | undefined {
    const run = this.#runs.get(event.entityType)
    if (run === undefined) return undefined
    const line = (text: string) => `${event.entityType}: ${text}`
    switch (event._tag) {
      case "ExportRequested":
        enter(run, "waiting", "Pending")
        return line(`export ${event.exportId} was accepted`)
      case "ExportAdopted":
        enter(run, "waiting", "")
        return line(`taking up export ${event.exportId}`)
      case "AnswerLost":
        run.detail = "an answer was lost; asking again"
        return line(
          `an export was asked for and the answer was lost (${event.problem}). It may run at Mews under an id that nobody knows; asking again as soon as the API accepts a new one`
        )
      case "SlotBusy": {
        const first = !run.detail.startsWith("slot busy")
        run.detail = `slot busy, asking again in ${duration(event.retryIn)}`
        return first
          ? line(`the API accepts no other export of this type for now (${event.problem}); waiting for it`)
          : undefined
      }
      case "ExportPolled": {
        const changed = run.stage !== "waiting" || !run.detail.startsWith(event.status)
        enter(run, "waiting", `${event.status}, next look in ${duration(event.nextIn)}`)
        return changed ? line(`export ${event.exportId} is ${event.status}`) : undefined
      }
      case "LookFailed":
        enter(run, "waiting", `no answer, next look in ${duration(event.nextIn)}`)
        return line(`${event.problem} The wait goes on`)
      case "ExportReady":
        enter(run, "transferring", "")
        run.totalFiles = event.files
        run.totalBytes = event.bytes
        return line(`ready: ${files(event.files)}, ${size(event.bytes)}`)
      case "ExportRenewed":
        enter(run, "asking", "asking for another export")
        run.files.clear()
        run.doneFiles = 0
        return line(`${event.reason} Asking for another one`)
      case "FileStarted":
        run.files.set(event.key, { size: event.size, stored: event.stored, underway: 0 })
        return event.stored > 0 && event.stored < event.size
          ? line(`${name(event.key)} goes on after ${size(event.stored)}`)
          : undefined
      case "BytesReceived": {
        const file = run.files.get(event.key)
        if (file !== undefined) file.underway += event.bytes
        run.received += event.bytes
        run.samples.push({ at: event.at, received: run.received })
        while ((run.samples[0]?.at ?? event.at) < event.at - rateWindow) run.samples.shift()
        return undefined
      }
      case "PartStored": {
        const file = run.files.get(event.key)
        if (file !== undefined) {
          file.stored += event.bytes
          file.underway = Math.max(0, file.underway - event.bytes)
        }
        return undefined
      }
      case "PartLost": {
        const file = run.files.get(event.key)
        if (file !== undefined) file.stored -= event.bytes
        return line(`part ${event.part} of ${name(event.key)} is no longer what was stored; it is fetched again`)
      }
      case "FileRestarted":
        run.files.delete(event.key)
        return line(`${name(event.key)} ${event.problem}; it is delivered again`)
      case "FileDelivered":
      case "FileConfirmed":
        run.files.set(event.key, { size: event.size, stored: event.size, underway: 0 })
        run.doneFiles += 1
        return undefined
      case "RunCompleted":
        enter(run, "done", "")
        return undefined
      default:
        return undefined
    }
  }

  /** The run of this type ended without success. */
  fail(entityType: string): void {
    const run = this.#runs.get(entityType)
    if (run !== undefined) enter(run, "failed", "")
  }

  /** One row for each run, not wider than `width`. */
  rows(now: number, width: number): ReadonlyArray<string> {
    const column = Math.max(...[...this.#runs.keys()].map((entityType) => entityType.length))
    return [...this.#runs.values()].map((run) =>
      truncate(`${run.entityType.padEnd(column)}  ${describe(run, now)}`, width)
    )
  }

  /** Everything in one line. */
  line(now: number): string {
    return [...this.#runs.values()].map((run) => `${run.entityType} ${describe(run, now)}`).join(" | ")
  }
}

const enter = (run: RunProgress, stage: Stage, detail: string): void => {
  run.stage = stage
  run.detail = detail
}

const describe = (run: RunProgress, now: number): string => {
  switch (run.stage) {
    case "asking":
      return run.detail
    case "waiting":
      return run.detail === "" ? "waiting for the export" : `waiting for the export: ${run.detail}`
    case "transferring":
      return transferring(run, now)
    case "done":
      return `done: ${files(run.totalFiles)}, ${size(run.totalBytes)}`
    case "failed":
      return "failed"
  }
}

const transferring = (run: RunProgress, now: number): string => {
  let bytes = 0
  for (const file of run.files.values()) bytes += Math.min(file.size, file.stored + file.underway)
  const percent = run.totalBytes === 0 ? 100 : Math.floor((100 * bytes) / run.totalBytes)
  const text = `${String(percent).padStart(3)} %  ${size(bytes)} of ${size(run.totalBytes)}  ${run.doneFiles}/${files(run.totalFiles)}`
  const rate = rateOf(run, now)
  return rate < 1 ? text : `${text}  ${size(rate)}/s  ${duration((1000 * (run.totalBytes - bytes)) / rate)} left`
}

/** Bytes in a second. */
const rateOf = ({ received, samples }: RunProgress, now: number): number => {
  const first = samples.find((sample) => sample.at >= now - rateWindow)
  return first === undefined || now - first.at < 500 ? 0 : (1000 * (received - first.received)) / (now - first.at)
}

const truncate = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`

const name = (key: string): string => key.slice(key.lastIndexOf("/") + 1)

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

/** `0:08`, `12:30`, `2:05:00`. */
export const duration = (millis: number): string => {
  const seconds = Math.max(0, Math.ceil(millis / 1000))
  const two = (value: number) => String(value).padStart(2, "0")
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}
