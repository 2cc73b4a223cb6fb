// The operator's worst day with a bucket, for real: files from the simulator into Ceph, `kill -9` ten times at random
// moments, the same command again each time. Then rclone, which knows nothing of Longshore, says what is in the bucket.
//
//   pnpm s3-kill-test [--kills 10] [--files 20] [--file-size 100MB] [--concurrency 8] [--seed N]
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { is, startProxy } from "../packages/sink-s3/test/proxy.ts"
import { startCeph } from "./ceph.mjs"
import { install } from "./debian.mjs"
import { check, fileName, finish, generator, readOptions, repetitions, start } from "./killing.mjs"
import { startSimulator } from "./simulator.mjs"

const options = readOptions({ kills: 10, files: 20, "file-size": "100MB", concurrency: 8 })
const { concurrency, files: fileCount, kills, seed } = options

const ceph = await startCeph()
if (spawnSync("rclone", ["version"]).error !== undefined) install("rclone")
// Counts what arrives.
const proxy = await startProxy(ceph.endpoint)
const bucket = "kill-test"
const rcloneEnv = {
  PATH: process.env.PATH,
  RCLONE_CONFIG: "/dev/null",
  RCLONE_CONFIG_CEPH_TYPE: "s3",
  RCLONE_CONFIG_CEPH_PROVIDER: "Ceph",
  RCLONE_CONFIG_CEPH_ENDPOINT: ceph.endpoint,
  RCLONE_CONFIG_CEPH_ACCESS_KEY_ID: ceph.accessKeyId,
  RCLONE_CONFIG_CEPH_SECRET_ACCESS_KEY: ceph.secretAccessKey
}
const rclone = (...args) => {
  const { error, status, stderr, stdout } = spawnSync("rclone", args, { env: rcloneEnv, encoding: "utf8" })
  if (status !== 0) throw new Error(`rclone ${args.join(" ")}: ${error?.message ?? stderr}`)
  return stdout
}
rclone("mkdir", `ceph:${bucket}`)

const flags = `--seed 7 --pending 200ms --processing 300ms --bandwidth 20MB --files ${fileCount}`
const simulator = await startSimulator(...flags.split(" "), "--file-size", options["file-size"])
const stateFolder = mkdtempSync(join(tmpdir(), "longshore-s3-kill-"))
process.on("exit", () => rmSync(stateFolder, { recursive: true, force: true }))

console.log(`seed ${seed}: ${fileCount} files of ${options["file-size"]}, ${kills} kills, Ceph at ${ceph.endpoint}`)
const target = ["--to", `s3://${bucket}/mews`, "--endpoint", proxy.endpoint, "--state", stateFolder]
const args = ["export", "Reservation", ...target, "--concurrency", String(concurrency), "--poll", "200ms"]
const env = {
  ...simulator.env,
  AWS_ACCESS_KEY_ID: ceph.accessKeyId,
  AWS_SECRET_ACCESS_KEY: ceph.secretAccessKey,
  AWS_REGION: "us-east-1"
}
const random = generator(seed)
let killed = 0
for (;;) {
  const run = start(args, env)
  const after = 500 + random() * 1_500
  const code = await (killed < kills ? run.killAt(sleep(after)) : run.ended)
  if (code === 0) break
  if (code !== "SIGKILL")
    throw new Error(`after ${killed} kills the run ended with ${code}: ${run.said().slice(-2000)}`)
  killed += 1
  console.log(`  kill ${killed} after ${Math.round(after)} ms`)
}

check("the process was killed as often as asked", killed === kills, `${killed}`)
const [{ files, id }] = await simulator.exports()
let equal = 0
for (const [index, { sha256 }] of files.entries()) {
  const hash = createHash("sha256")
  const reader = spawn("rclone", ["cat", `ceph:${bucket}/mews/Reservation/${id}/${fileName("Reservation", index)}`], {
    env: rcloneEnv
  })
  await pipeline(reader.stdout, hash)
  if (hash.digest("hex") === sha256) equal += 1
}
check("every object equals the simulator's digest", equal === files.length, `${equal} of ${files.length}`)

const names = JSON.parse(rclone("lsjson", "-R", "--files-only", `ceph:${bucket}`)).map(({ Path }) => Path)
check("nothing but the files and the manifest", names.length === files.length + 1, `${names.length}`)
const uploads = JSON.parse(rclone("backend", "list-multipart-uploads", `ceph:${bucket}`))[bucket] ?? []
check("no upload is left over", uploads.length === 0, `${uploads.length}`)

const uploaded = proxy.seen
  .filter((seen) => is.uploadPart(seen) && seen.status === 200)
  .map(({ path, query }) => `${path} ${query.get("partNumber")}`)
const { different, repeated } = repetitions(uploaded)
check(
  "at most the parts in flight at each kill were uploaded twice",
  repeated <= kills * concurrency,
  `${repeated} of ${different}, bound ${kills * concurrency}`
)

await ceph.stop()
simulator.stop()
finish()
