// The operator's worst day with a bucket, for real: files from the simulator into Ceph, `kill -9` ten times at random
// moments, the same command again each time. Then rclone, which knows nothing of Longshore, says what is in the bucket.
//
//   node scripts/s3-kill-test.mjs [--kills 10] [--files 20] [--file-size 100MB] [--concurrency 8] [--seed N]
import { spawn, spawnSync } from "node:child_process"
import { createHash, randomInt } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { is, startProxy } from "../packages/sink-s3/test/proxy.ts"
import { startCeph } from "./ceph.mjs"
import { cli, startSimulator } from "./simulator.mjs"

const { values: options } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    files: { type: "string", default: "20" },
    "file-size": { type: "string", default: "100MB" },
    concurrency: { type: "string", default: "8" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) }
  }
})
const kills = Number(options.kills)
const concurrency = Number(options.concurrency)

let state = Number(options.seed) >>> 0
const random = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return state / 2 ** 32
}

const ceph = await startCeph()
if (spawnSync("rclone", ["version"]).error !== undefined) {
  const apt = (...args) => spawnSync("/usr/bin/apt-get", args, { stdio: "ignore" })
  apt("update", "-qq")
  apt("install", "-y", "-qq", "--no-install-recommends", "rclone")
}
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

const simulator = await startSimulator(
  ..."--seed 7 --pending 200ms --processing 300ms --bandwidth 20MB".split(" "),
  "--files",
  options.files,
  "--file-size",
  options["file-size"]
)
const stateFolder = mkdtempSync(join(tmpdir(), "longshore-s3-kill-"))
process.on("exit", () => rmSync(stateFolder, { recursive: true, force: true }))

console.log(
  `seed ${options.seed}: ${options.files} files of ${options["file-size"]}, ${kills} kills, Ceph at ${ceph.endpoint}`
)
const target = ["--to", `s3://${bucket}/mews`, "--endpoint", proxy.endpoint, "--state", stateFolder]
const args = ["export", "Reservation", ...target, "--concurrency", options.concurrency, "--poll", "200ms"]
const env = {
  ...simulator.env,
  AWS_ACCESS_KEY_ID: ceph.accessKeyId,
  AWS_SECRET_ACCESS_KEY: ceph.secretAccessKey,
  AWS_REGION: "us-east-1"
}
let killed = 0
for (let attempt = 1; ; attempt++) {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "ignore", "pipe"], env })
  let errors = ""
  child.stderr.on("data", (chunk) => (errors = (errors + chunk).slice(-2000)))
  const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)))
  const after = 700 + random() * 1_500
  const code = await (killed < kills ? Promise.race([ended, sleep(after).then(() => "alive")]) : ended)
  if (code === "alive") {
    child.kill("SIGKILL")
    await ended
    killed += 1
    console.log(`  kill ${killed} after ${Math.round(after)} ms`)
    continue
  }
  if (code !== 0) throw new Error(`run ${attempt} failed with ${code}: ${errors}`)
  break
}

let passed = 0
let failed = 0
const check = (name, right, detail) => {
  if (right) passed += 1
  else failed += 1
  console.log(`  ${right ? "ok  " : "FAIL"} ${name}${detail === undefined ? "" : `: ${detail}`}`)
}

check("the process was killed as often as asked", killed === kills, `${killed}`)
const [{ files, id }] = await simulator.exports()
let equal = 0
for (const [index, { sha256 }] of files.entries()) {
  const name = `Reservation-${String(index + 1).padStart(5, "0")}.jsonl`
  const hash = createHash("sha256")
  const reader = spawn("rclone", ["cat", `ceph:${bucket}/mews/Reservation/${id}/${name}`], { env: rcloneEnv })
  await pipeline(reader.stdout, hash)
  if (hash.digest("hex") === sha256) equal += 1
}
check("every object equals the simulator's digest", equal === files.length, `${equal} of ${files.length}`)

const names = JSON.parse(rclone("lsjson", "-R", "--files-only", `ceph:${bucket}`)).map(({ Path }) => Path)
check("nothing but the files and the manifest", names.length === files.length + 1, `${names.length}`)
const uploads = JSON.parse(rclone("backend", "list-multipart-uploads", `ceph:${bucket}`))[bucket] ?? []
check("no upload is left over", uploads.length === 0, `${uploads.length}`)

const times = new Map()
for (const { path, query, status } of proxy.seen.filter((seen) => is.uploadPart(seen) && seen.status === 200)) {
  const part = `${path} ${query.get("partNumber")} ${status}`
  times.set(part, (times.get(part) ?? 0) + 1)
}
const repeated = [...times.values()].reduce((sum, count) => sum + count - 1, 0)
check(
  "at most the parts in flight at each kill were uploaded twice",
  repeated <= kills * concurrency,
  `${repeated} of ${times.size}, bound ${kills * concurrency}`
)

await ceph.stop()
simulator.stop()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
