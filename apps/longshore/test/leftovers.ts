/** What a run that is on its way has stored by now: on the disk, and in a bucket. */
import { readdir, readFile } from "node:fs/promises"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { startImitation } from "../../../packages/sink-s3/test/imitation.ts"

const until = async (enough: () => Promise<boolean>): Promise<void> => {
  while (!(await enough())) await sleep(20)
}

/** Part logs below the target tell of this many parts. */
export const storedInFolder = (target: string, parts: number): Promise<void> =>
  until(async () => {
    const names = (await readdir(target, { recursive: true }).catch(() => [])).filter((name) => name.endsWith(".parts"))
    // One that is gone by now has become a file.
    const logs = await Promise.all(names.map((name) => readFile(Path.join(target, name), "utf8").catch(() => "")))
    return (logs.join("").match(/"part":/g)?.length ?? 0) >= parts
  })

/** An S3 server with a bucket `exports`, how an AWS user would point a program at it, and what is in it. */
export const bucket = async () => {
  const endpoint = await startImitation()
  const url = `${endpoint}/exports`
  await fetch(url, { method: "PUT" })
  const get = async (path: string) => await (await fetch(`${url}${path}`)).text()
  const all = (text: string, element: string) =>
    [...text.matchAll(new RegExp(`<${element}>([^<]+)`, "g"))].map(([, value = ""]) => value)
  const uploads = async () => all(await get("?uploads"), "Key").toSorted()
  return {
    endpoint,
    url,
    env: { AWS_ACCESS_KEY_ID: "imitation", AWS_SECRET_ACCESS_KEY: "SECRET0ACCESS0KEY", AWS_ENDPOINT_URL: endpoint },
    get,
    /** Keys of uploads in progress. */
    uploads,
    notes: async () => all(await get("?list-type=2&prefix=mews/.longshore/"), "Key").length,
    /** The only upload has this many parts. */
    stored: (parts: number) =>
      until(async () => {
        const text = await get("?uploads")
        const [[key], [id]] = [all(text, "Key"), all(text, "UploadId")]
        if (key === undefined || id === undefined) return false
        return all(await get(`/${key}?uploadId=${encodeURIComponent(id)}`), "PartNumber").length >= parts
      })
  }
}
