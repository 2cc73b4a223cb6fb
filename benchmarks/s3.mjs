// The bucket of the S3 work, and what is done in it around the measurements.
import { createHash, createHmac } from "node:crypto"
import { closeSync, openSync, readSync } from "node:fs"
import { startCeph } from "../scripts/ceph.mjs"

const region = "us-east-1"
const bucket = "longshore-bench"

const hmac = (key, text) => createHmac("sha256", key).update(text).digest()

/** A link that allows one method on one path for an hour: Signature Version 4, with nothing but the host signed. */
const presign = ({ accessKeyId, endpoint, secretAccessKey }, method, path, more) => {
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, "")
  const scope = `${now.slice(0, 8)}/${region}/s3/aws4_request`
  const query = Object.entries({
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${accessKeyId}/${scope}`,
    "X-Amz-Date": now,
    "X-Amz-Expires": "3600",
    "X-Amz-SignedHeaders": "host",
    ...more
  })
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&")
  const request = [method, path, query, `host:${new URL(endpoint).host}\n`, "host", "UNSIGNED-PAYLOAD"].join("\n")
  const digest = createHash("sha256").update(request).digest("hex")
  const key = scope.split("/").reduce(hmac, `AWS4${secretAccessKey}`)
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${now}\n${scope}\n${digest}`).toString("hex")
  return `${endpoint}${path}?${query}&X-Amz-Signature=${signature}`
}

/** A Ceph of our own, or the server at `endpoint` with the keys of the environment. */
export const startS3 = async (endpoint) => {
  const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = process.env
  const server = endpoint === undefined ? await startCeph() : { endpoint, accessKeyId, secretAccessKey, stop: () => {} }
  // The keys that come here need no escapes.
  const send = async (method, key, { body, query } = {}) => {
    const answer = await fetch(presign(server, method, `/${bucket}${key}`, query), { method, body })
    if (!answer.ok) throw new Error(`${method} /${bucket}${key}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  const keys = async () => {
    const list = await (await send("GET", "")).text()
    return [...list.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => key)
  }
  const empty = async () => {
    for (const key of await keys()) await send("DELETE", `/${key}`)
  }
  const same = async (key, path) => {
    const file = openSync(path, "r")
    try {
      for await (const chunk of (await send("GET", `/${key}`)).body) {
        const other = Buffer.allocUnsafe(chunk.length)
        if (readSync(file, other) !== chunk.length || !other.equals(chunk)) return false
      }
      return readSync(file, Buffer.alloc(1)) === 0
    } finally {
      closeSync(file)
    }
  }

  await send("PUT", "")
  // The first object and the first multipart upload of a server find nothing prepared: neither is to be anybody's.
  await send("PUT", "/first", { body: "first" })
  const begun = await (await send("POST", "/second", { query: { uploads: "" } })).text()
  const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(begun)[1]
  const part = await send("PUT", "/second", { body: "second", query: { partNumber: "1", uploadId } })
  const etag = part.headers.get("etag")
  const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`
  await send("POST", "/second", { body: list, query: { uploadId } })

  return {
    bucket,
    region,
    endpoint: server.endpoint,
    env: {
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      AWS_EC2_METADATA_DISABLED: "true",
      // Ceph does not take the trailers that newer versions send unless they are told not to.
      AWS_REQUEST_CHECKSUM_CALCULATION: "WHEN_REQUIRED",
      AWS_RESPONSE_CHECKSUM_VALIDATION: "WHEN_REQUIRED"
    },
    keys,
    empty,
    /** Whether the object holds the bytes of the file. */
    same,
    stop: async () => {
      await empty()
      await server.stop()
    }
  }
}
