/**
 * The head of an answer, read strictly: what is not plain HTTP/1.1 with a length is left to a full client (RFC 9112).
 */
import type { Head } from "@longshore/core/SourceResponse"

/** Heads of blob stores have about one KiB. */
export const maxHead = 32 * 1024

export interface PlainHead extends Head {
  /** Bytes of the body. */
  readonly length: number
  /** Whether another request may follow on this connection. */
  readonly keepAlive: boolean
}

const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/

/**
 * Reads a head without its empty line. `undefined` for everything that asks for more than this: another version, chunks,
 * no length, two lengths, folded lines, no body, a redirect.
 */
export const parse = (text: string): PlainHead | undefined => {
  const [first = "", ...lines] = text.split("\r\n")
  const status = Number(/^HTTP\/1\.1 ([2-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(first)?.[1])
  if (Number.isNaN(status) || status === 204 || (status >= 300 && status < 400)) return undefined
  const headers: Record<string, string> = Object.create(null)
  for (const line of lines) {
    const [, name, value] = headerLine.exec(line) ?? []
    if (name === undefined || value === undefined) return undefined
    const key = name.toLowerCase()
    const before = headers[key]
    headers[key] = before === undefined ? value : `${before}, ${value}`
  }
  const length = headers["content-length"]
  if (length === undefined || !/^\d{1,15}$/.test(length)) return undefined
  if (headers["transfer-encoding"] !== undefined) return undefined
  const connection = headers["connection"]?.toLowerCase() ?? ""
  return { status, headers, length: Number(length), keepAlive: !/\b(?:close|upgrade)\b/.test(connection) }
}
