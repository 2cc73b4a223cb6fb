/** Events in words: the lines about a run that stay. */
import type { ExportEvent } from "@longshore/core/ExportEvent"
import { duration, files, name, size } from "./Progress.ts"

/** Tells of events, one after the other. What a run said before is not said again, unless asked for all (`verbose`). */
export const make = (verbose: boolean): ((event: ExportEvent) => string | undefined) => {
  const last = new Map<string, string>()
  return (event) => {
    const said = tell(event, verbose)
    if (said === undefined) return undefined
    const { again = said.text, text } = said
    if (said.repeats === true && !verbose && last.get(event.entityType) === again) return undefined
    if (said.passing !== true) last.set(event.entityType, again)
    return `${event.entityType}: ${text}`
  }
}

interface Said {
  readonly text: string
  /** Not worth a line when the last one said the same. */
  readonly repeats?: boolean
  /** What counts as the same, if not the text. */
  readonly again?: string
  /** Comes in between, and what was said before still holds. */
  readonly passing?: boolean
}

const tell = (event: ExportEvent, verbose: boolean): Said | undefined => {
  const detail = (text: string): Said | undefined => (verbose ? { text, passing: true } : undefined)
  switch (event._tag) {
    case "ExportRequested":
      return { text: `export ${event.exportId} was accepted` }
    case "ExportAdopted":
      return { text: `taking up export ${event.exportId}` }
    case "AnswerLost":
      return {
        text: `an export was asked for and the answer was lost (${event.problem}). It may run at Mews under an id that nobody knows; asking again as soon as the API accepts a new one`
      }
    case "SlotBusy":
      return {
        text: `the API accepts no other export of this type for now (${event.problem}); waiting for it`,
        again: "busy",
        repeats: true
      }
    case "AddRetried":
      return { text: `${event.problem} Asking again`, repeats: true }
    case "ExportPolled":
      return { text: `export ${event.exportId} is ${event.status}`, repeats: true }
    case "LookFailed":
      return { text: `${event.problem} The wait goes on`, again: "no answer", repeats: true }
    case "ExportReady":
      return { text: `ready: ${files(event.files)}, ${size(event.bytes)}` }
    case "ExportRenewed":
      return { text: `${event.reason} Asking for another one` }
    case "LinksRenewed":
      return detail(`fresh links, good for ${duration(event.linksUntil - event.at)}`)
    case "FileStarted":
      return event.stored > 0 && event.stored < event.size
        ? { text: `${name(event.key)} goes on after ${size(event.stored)}` }
        : detail(`${name(event.key)} begins, ${size(event.size)}`)
    case "PartRetried": {
      const what = event.part === 0 ? name(event.key) : `part ${event.part} of ${name(event.key)}`
      return detail(`${what}: attempt ${event.attempt} ${event.problem}; again in ${duration(event.retryIn)}`)
    }
    case "PartLost":
      return { text: `part ${event.part} of ${name(event.key)} is no longer what was stored; it is fetched again` }
    case "FileRestarted":
      return { text: `${name(event.key)} ${event.problem}; it is delivered again` }
    case "FileDelivered":
      return detail(`${name(event.key)} is delivered, ${size(event.size)}, CRC-32 ${event.crc32}`)
    case "FileConfirmed":
      return detail(`${name(event.key)} is there from before, ${size(event.size)}`)
    case "BytesReceived":
    case "BytesLost":
    case "PartStored":
    case "RunCompleted":
      return undefined
  }
}
