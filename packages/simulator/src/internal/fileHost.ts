/** The host of the files, which behaves as Azure Blob Storage does. */
import type { FaultName } from "../Fault.ts"
import type { SimulatorAnswer, SimulatorRequest } from "../Simulator.ts"
import { answer, digestOf, type State, statusOf } from "./state.ts"

const refusals: ReadonlyArray<readonly [name: FaultName, status: number, code: string, message: string]> = [
  ["file-400", 400, "InvalidQueryParameterValue", "Value for one of the query parameters is invalid."],
  ["file-404", 404, "BlobNotFound", "The specified blob does not exist."],
  ["file-410", 410, "Gone", "The resource is gone."],
  ["file-503", 503, "ServerBusy", "The server is busy."]
]

export const handleFile = (state: State, request: SimulatorRequest, now: number): SimulatorAnswer => {
  const url = new URL(request.path, "http://files.invalid")
  const match = /^\/files\/(?:moved\/)?([0-9a-f-]{36})-(\d+)\.jsonl$/.exec(url.pathname)
  const found = state.exports.find((one) => one.id === match?.[1])
  const number = Number(match?.[2] ?? 0)
  const file = found?.files[number - 1]
  const entityType = found?.entityType ?? null
  const range = request.headers["range"] ?? null
  const account = found === undefined ? null : digestOf(found.token)
  const what = { kind: "file", account, entityType, exportId: found?.id ?? null, file: number || null, range } as const
  const requestId = state.requestId()
  const common = { "x-ms-request-id": requestId, "x-ms-version": "2024-11-04", server: "Windows-Azure-Blob/1.0" }
  const has = (name: FaultName) => state.fault(name, entityType ?? "") !== undefined

  const refuse = (status: number, code: string, message: string, detail = "") =>
    answer(
      state,
      what,
      status,
      { ...common, "content-type": "application/xml", "x-ms-error-code": code },
      `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}\nRequestId:${requestId}\nTime:${new Date(now).toISOString()}</Message>${detail}</Error>`
    )
  const denied = (detail: string) =>
    refuse(
      403,
      "AuthenticationFailed",
      "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
      `<AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail>`
    )

  for (const [name, status, code, message] of refusals) if (has(name)) return refuse(status, code, message)
  if (request.method !== "GET")
    return refuse(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
  const se = url.searchParams.get("se")
  const signed = state.profile === "seed" ? url.pathname : `${url.pathname} ${se}`
  if (url.searchParams.get("sig") !== state.sign(signed)) return denied("Signature did not match.")
  if (state.profile === "current" && !(Number(se) > now)) {
    return denied(`Signature not valid in the specified time frame: Expiry [${se}] - Current [${now}]`)
  }
  if (has("deny-link")) return denied("Signature did not match.")
  if (found === undefined || file === undefined || statusOf(state, found, now) !== "Success") {
    return refuse(404, "BlobNotFound", "The specified blob does not exist.")
  }
  if (has("change-content")) file.change()

  const rows = file.rows()
  const etag = file.etag()
  const ifMatch = request.headers["if-match"]
  if (ifMatch !== undefined && ifMatch !== "*" && ifMatch !== etag) {
    return refuse(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
  }
  const asked = has("ignore-range") ? null : parseRange(range, rows.size)
  if (asked === "unsatisfiable") {
    return refuse(416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
  }
  const { end, start } = asked ?? { start: 0, end: rows.size - 1 }
  const length = Math.max(0, end - start + 1)

  const broken = has("reset-file") ? "cut" : has("stall-file") ? "stall" : undefined
  const truncated = has("truncate-file")
  const send = broken !== undefined || truncated ? Math.floor(length / 2) : length
  const flip = has("flip-byte")
  const shift = asked !== null && has("wrong-range") ? 1 : 0
  const headers: Record<string, string> = {
    ...common,
    "content-type": "application/octet-stream",
    "accept-ranges": "bytes",
    "x-ms-blob-type": "BlockBlob",
    "last-modified": new Date(found.createdAt + state.pending + state.processing).toUTCString()
  }
  if (!has("no-etag")) headers["etag"] = etag
  // An end that comes early and cleanly is only possible without a length.
  if (!truncated) headers["content-length"] = String(length)
  if (asked !== null) headers["content-range"] = `bytes ${start + shift}-${end + shift}/${rows.size}`
  if (has("gzip-file")) headers["content-encoding"] = "gzip"
  return answer(
    state,
    what,
    asked === null ? 200 : 206,
    headers,
    function* () {
      let first = true
      for (const chunk of rows.read(start, send)) {
        if (flip && first && chunk.length > 0) {
          const copy = Uint8Array.from(chunk)
          copy[0] = (copy[0] ?? 0) ^ 1
          yield copy
        } else yield chunk
        first = false
      }
    },
    { ending: broken ?? "complete", bandwidth: state.options.bandwidth ?? Infinity }
  )
}

/** One range of bytes, as RFC 9110 section 14.1.2 and the storage have it; `null` for the whole. */
const parseRange = (header: string | null, size: number) => {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? "")
  if (match === null) return null
  const start = Number(match[1])
  const last = match[2] === "" ? size - 1 : Number(match[2])
  if (match[2] !== "" && last < start) return null
  return start >= size ? "unsatisfiable" : { start, end: Math.min(last, size - 1) }
}
