/** Events of a made-up run, for what shows them. */
import { ExportId } from "@longshore/core/Export"
import type { ExportEvent } from "@longshore/core/ExportEvent"

export const exportId = ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")

const key = (number: number, entityType = "Bill") =>
  `${entityType}/x/${entityType}-${String(number).padStart(5, "0")}.jsonl`

/** What happens to one entity type. Times are milliseconds. */
export const eventsOf = (entityType = "Bill") => {
  const on = (at: number) => ({ entityType, at })
  return {
    requested: (at: number): ExportEvent => ({ _tag: "ExportRequested", ...on(at), exportId }),
    addRetried: (at: number, attempt: number, retryIn: number): ExportEvent => ({
      _tag: "AddRetried",
      ...on(at),
      attempt,
      problem: "exports/add could not be reached: nobody listens at that address (ECONNREFUSED).",
      retryIn
    }),
    polled: (at: number, status = "Processing", nextIn = 2_000): ExportEvent => ({
      _tag: "ExportPolled",
      ...on(at),
      exportId,
      status,
      attempt: 0,
      nextIn
    }),
    ready: (at: number, files: number, bytes: number): ExportEvent => ({
      _tag: "ExportReady",
      ...on(at),
      exportId,
      files,
      bytes,
      expiresUtc: new Date(at + 6 * 86_400_000 + 4 * 3_600_000).toISOString(),
      linksUntil: at + 492_000
    }),
    started: (at: number, number: number, size: number, stored = 0): ExportEvent => ({
      _tag: "FileStarted",
      ...on(at),
      key: key(number, entityType),
      size,
      stored
    }),
    received: (at: number, number: number, bytes: number): ExportEvent => ({
      _tag: "BytesReceived",
      ...on(at),
      key: key(number, entityType),
      bytes
    }),
    lost: (at: number, number: number, bytes: number): ExportEvent => ({
      _tag: "BytesLost",
      ...on(at),
      key: key(number, entityType),
      bytes
    }),
    retried: (at: number, number: number): ExportEvent => ({
      _tag: "PartRetried",
      ...on(at),
      key: key(number, entityType),
      part: 3,
      attempt: 2,
      problem: "answered HTTP 503",
      retryIn: 4_000
    }),
    delivered: (at: number, number: number, size: number): ExportEvent => ({
      _tag: "FileDelivered",
      ...on(at),
      key: key(number, entityType),
      size,
      crc32: "00000000",
      location: ""
    }),
    completed: (at: number, files: number, bytes: number): ExportEvent => ({
      _tag: "RunCompleted",
      ...on(at),
      exportId,
      files,
      bytes,
      location: "",
      completedUtc: new Date(at).toISOString(),
      earlier: false
    })
  }
}
