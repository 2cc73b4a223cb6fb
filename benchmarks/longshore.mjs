// Longshore's side: what `program.ts` is told, and where its files are.
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { measure, quote } from "./measure.mjs"

export const program = fileURLToPath(new URL("dist/program.js", import.meta.url))

/** `files` have `url` and `size`. Nothing is set: these are the defaults. */
export const longshore = (files, ca, options = {}) => {
  const start = ({ s3, target, work }, more = {}) => {
    const path = join(work, "work.json")
    const journal = join(target, ".longshore", "run.jsonl")
    const into = s3 === undefined ? {} : { s3: { bucket: s3.bucket, endpoint: s3.endpoint, region: s3.region } }
    writeFileSync(path, JSON.stringify({ files, directory: target, journal, ...into, ...more }))
    return {
      command: [process.execPath, program, path].map(quote).join(" "),
      env: { NODE_EXTRA_CA_CERTS: ca, ...s3?.env }
    }
  }
  return {
    name: "Longshore",
    start,
    result: ({ target }) => {
      const folder = join(target, "Reservation")
      const [id] = readdirSync(folder)
      const names = readdirSync(join(folder, id)).filter((name) => name.endsWith(".jsonl"))
      return names.sort().map((name) => join(folder, id, name))
    },
    isKey: (key) => key.endsWith(".jsonl"),
    ...options
  }
}

/** The same run after it was killed at nine tenths. */
export const resumed = (files, ca) => {
  const whole = longshore(files, ca)
  const size = files.reduce((sum, file) => sum + file.size, 0)
  return {
    ...whole,
    name: "Longshore, from 90 %",
    prepare: async (place) => {
      await measure({ ...whole.start(place, { stopAfter: 0.9 * size }), work: place.work, code: 137 })
    }
  }
}
