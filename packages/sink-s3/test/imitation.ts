/**
 * An imitation of S3 in memory, for machines without a real server: what the sink uses, and the strict things that not
 * every real one does: checksums in trailers, conditional writes, short pages. It proves that the sink and this page
 * agree, no more; the same tests run against Ceph (`node scripts/ceph.mjs pnpm test`).
 */
import { createHash } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createSecureServer } from "node:https"
import type { AddressInfo } from "node:net"
import { crc32 } from "node:zlib"

interface Stored {
  readonly bytes: Buffer
  readonly etag: string
  readonly meta: Record<string, string>
}
interface Part {
  readonly bytes: Buffer
  readonly etag: string
  readonly crc: string
}
interface Upload {
  readonly key: string
  readonly meta: Record<string, string>
  readonly crc: boolean
  readonly parts: Map<number, Part>
}
class Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

const pageSize = 2
const xml = (root: string, content: string) => `<?xml version="1.0" encoding="UTF-8"?><${root}>${content}</${root}>`
const el = (name: string, value: string | number | boolean) =>
  `<${name}>${String(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</${name}>`
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest()
const crcOf = (bytes: Uint8Array) => {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString("base64")
}

/** Takes S3's chunks apart, and refuses what is not exactly as it should be. */
const dechunk = (body: Buffer, request: IncomingMessage): Buffer => {
  const pieces: Array<Buffer> = []
  let at = 0
  const line = () => {
    const end = body.indexOf("\r\n", at)
    if (end < 0) throw new Refusal(400, "IncompleteBody")
    const text = body.toString("latin1", at, end)
    at = end + 2
    return text
  }
  for (let size = Number.parseInt(line(), 16); size > 0; size = Number.parseInt(line(), 16)) {
    pieces.push(body.subarray(at, at + size))
    at += size
    if (line() !== "") throw new Refusal(400, "IncompleteBody")
  }
  const bytes = Buffer.concat(pieces)
  if (pieces.slice(0, -1).some((piece) => piece.length < 8192)) throw new Refusal(403, "InvalidChunkSizeError")
  if (bytes.length !== Number(request.headers["x-amz-decoded-content-length"])) throw new Refusal(400, "IncompleteBody")
  if (line() !== `x-amz-checksum-crc32:${crcOf(bytes)}`) throw new Refusal(400, "BadDigest")
  if (line() !== "" || at !== body.length) throw new Refusal(400, "IncompleteBody")
  return bytes
}

/** Over HTTPS with a certificate (PEM), which decides what name it has. */
export const startImitation = async (tls?: { readonly cert: string; readonly key: string }) => {
  const buckets = new Map<string, Map<string, Stored>>()
  const uploads = new Map<string, Upload>()
  let ids = 0

  const meta = ({ headers }: IncomingMessage) =>
    Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        name.startsWith("x-amz-meta-") && typeof value === "string" ? [[name, value]] : []
      )
    )
  const conditions = ({ headers }: IncomingMessage, found: Stored | undefined) => {
    const match = headers["if-match"]
    if (headers["if-none-match"] === "*" && found !== undefined) throw new Refusal(412, "PreconditionFailed")
    if (match !== undefined && found === undefined) throw new Refusal(404, "NoSuchKey")
    if (match !== undefined && found?.etag !== match) throw new Refusal(412, "PreconditionFailed")
  }

  const answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => {
    const url = new URL(request.url ?? "", "http://s3")
    const [bucketName = "", ...rest] = decodeURIComponent(url.pathname).slice(1).split("/")
    const [key, query, method] = [rest.join("/"), url.searchParams, request.method]
    const send = (status: number, text = "", headers: Record<string, string | number> = {}) =>
      response.writeHead(status, { "content-type": "application/xml", ...headers }).end(text)
    if (method === "PUT" && key === "") {
      buckets.set(bucketName, new Map())
      return send(200)
    }
    const bucket = buckets.get(bucketName)
    if (bucket === undefined) throw new Refusal(404, "NoSuchBucket")
    const id = query.get("uploadId")
    const upload = uploads.get(id ?? "")
    if (id !== null && upload?.key !== key) throw new Refusal(404, "NoSuchUpload")

    if (method === "GET" && query.has("list-type")) {
      const keys = [...bucket.keys()].filter((name) => name.startsWith(query.get("prefix") ?? "")).sort()
      const from = Number(query.get("continuation-token") ?? 0)
      const page = keys.slice(from, from + pageSize)
      const more = from + pageSize < keys.length
      const next = more ? el("NextContinuationToken", from + pageSize) : ""
      const contents = page
        .map((name) => `<Contents>${el("Key", name)}${el("Size", bucket.get(name)?.bytes.length ?? 0)}</Contents>`)
        .join("")
      return send(200, xml("ListBucketResult", contents + el("IsTruncated", more) + next))
    }
    if (method === "GET" && query.has("uploads")) {
      const all = [...uploads].filter(([, { key }]) => key.startsWith(query.get("prefix") ?? ""))
      const from = all.findIndex(([one]) => one === query.get("upload-id-marker")) + 1
      const page = all.slice(from, from + pageSize)
      const [last] = page.at(-1) ?? [""]
      const list = page.map(([one, { key }]) => `<Upload>${el("Key", key)}${el("UploadId", one)}</Upload>`).join("")
      const more = from + pageSize < all.length
      const next = el("NextKeyMarker", uploads.get(last)?.key ?? "") + el("NextUploadIdMarker", last)
      return send(200, xml("ListMultipartUploadsResult", list + el("IsTruncated", more) + next))
    }
    if (method === "POST" && query.has("uploads")) {
      const crc = request.headers["x-amz-checksum-algorithm"] === "CRC32"
      const made = `upload+${++ids}/=`
      uploads.set(made, { key, meta: meta(request), crc, parts: new Map() })
      const headers = crc ? { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" } : {}
      return send(200, xml("InitiateMultipartUploadResult", el("UploadId", made)), headers)
    }
    if (upload !== undefined && id !== null) {
      if (method === "DELETE") {
        uploads.delete(id)
        return send(204)
      }
      if (method === "PUT") {
        const trailer = request.headers["x-amz-trailer"] !== undefined
        if (upload.crc && !trailer) throw new Refusal(400, "InvalidRequest")
        const bytes = trailer ? dechunk(body, request) : body
        const part = { bytes, etag: `"${md5(bytes).toString("hex")}"`, crc: crcOf(bytes) }
        upload.parts.set(Number(query.get("partNumber")), part)
        return send(200, "", { etag: part.etag, ...(upload.crc ? { "x-amz-checksum-crc32": part.crc } : {}) })
      }
      const parts = [...upload.parts].sort(([a], [b]) => a - b)
      if (method === "GET") {
        const after = parts.filter(([number]) => number > Number(query.get("part-number-marker") ?? 0))
        const page = after.slice(0, pageSize)
        const list = page.map(
          ([number, { bytes, crc, etag }]) =>
            `<Part>${el("PartNumber", number)}${el("ETag", etag)}${el("Size", bytes.length)}${upload.crc ? el("ChecksumCRC32", crc) : ""}</Part>`
        )
        const kind = upload.crc ? el("ChecksumAlgorithm", "CRC32") + el("ChecksumType", "FULL_OBJECT") : ""
        const next = el("NextPartNumberMarker", page.at(-1)?.[0] ?? 0)
        return send(
          200,
          xml("ListPartsResult", list.join("") + el("IsTruncated", after.length > pageSize) + next + kind)
        )
      }
      conditions(request, bucket.get(key))
      const asked = [...body.toString().matchAll(/<Part>.*?<\/Part>/gs)].map(([text]) => ({
        number: Number(/<PartNumber>(\d+)/.exec(text)?.[1]),
        etag: /<ETag>(.*?)<\/ETag>/.exec(text)?.[1]?.replaceAll("&quot;", '"')
      }))
      const chosen = asked.map(({ etag, number }) => {
        const part = upload.parts.get(number)
        if (part === undefined || part.etag !== etag) throw new Refusal(400, "InvalidPart")
        return part
      })
      if (chosen.slice(0, -1).some(({ bytes }) => bytes.length < 5 * 2 ** 20)) throw new Refusal(400, "EntityTooSmall")
      const bytes = Buffer.concat(chosen.map((part) => part.bytes))
      const whole = request.headers["x-amz-checksum-crc32"]
      if (whole !== undefined && whole !== crcOf(bytes)) throw new Refusal(400, "BadDigest")
      const etag = `"${md5(Buffer.concat(chosen.map((part) => md5(part.bytes)))).toString("hex")}-${chosen.length}"`
      bucket.set(key, { bytes, etag, meta: upload.meta })
      uploads.delete(id)
      return send(200, xml("CompleteMultipartUploadResult", el("ETag", etag)))
    }
    const found = bucket.get(key)
    if (method === "PUT") {
      conditions(request, found)
      const claimed = request.headers["x-amz-content-sha256"]
      if (claimed !== "UNSIGNED-PAYLOAD" && claimed !== createHash("sha256").update(body).digest("hex")) {
        throw new Refusal(400, "XAmzContentSHA256Mismatch")
      }
      const etag = `"${md5(body).toString("hex")}"`
      bucket.set(key, { bytes: body, etag, meta: meta(request) })
      return send(200, "", { etag })
    }
    if (method === "DELETE") {
      bucket.delete(key)
      return send(204)
    }
    if (found === undefined) throw new Refusal(404, method === "HEAD" ? "" : "NoSuchKey")
    const [, from = "0", to = ""] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? []
    const bytes = found.bytes.subarray(Number(from), to === "" ? undefined : Number(to) + 1)
    response.writeHead(to === "" ? 200 : 206, { ...found.meta, etag: found.etag, "content-length": bytes.length })
    response.end(method === "HEAD" ? undefined : bytes)
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      try {
        answer(request, response, Buffer.concat(chunks))
      } catch (error) {
        const { code, status } = error instanceof Refusal ? error : new Refusal(500, "InternalError")
        response.writeHead(status, { "content-type": "application/xml" })
        response.end(request.method === "HEAD" ? undefined : xml("Error", el("Code", code) + el("Message", code)))
      }
    })
  }
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  server.unref()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`
}
