// The operator's worst day, for real: 2 GB in 20 files from the simulator (a process of its own, real HTTP) into a
// folder, `kill -9` ten times at random moments, the same command again each time. Then the simulator is the witness.
//
//   pnpm kill-test [--kills 10] [--files 20] [--file-size 100MB] [--seed N]
import { spawn } from "node:child_process"
import { createHash, randomInt } from "node:crypto"
import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { cli, moved, startSimulator } from "./simulator.mjs"

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
const partSize = 8 * 1024 * 1024

// A generator with a seed, so that a failing run can be tried again (the machine's timing stays its own).
let state = Number(options.seed) >>> 0
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0
  let t = Math.imul(state ^ (state >>> 15), state | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const target = mkdtempSync(join(tmpdir(), "longshore-kill-"))
process.on("exit", () => rmSync(target, { recursive: true, force: true }))
const simulator = await startSimulator(
  ..."--seed 7 --pending 200ms --processing 300ms --bandwidth 20MB".split(" "),
  "--files",
  options.files,
  "--file-size",
  options["file-size"]
)

console.log(`seed ${options.seed}: ${options.files} files of ${options["file-size"]}, ${kills} kills, target ${target}`)
const args = ["export", "Reservation", "--to", target, "--concurrency", options.concurrency, "--poll", "200ms"]
let killed = 0
for (let attempt = 1; ; attempt++) {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "ignore", "pipe"], env: simulator.env })
  let errors = ""
  child.stderr.on("data", (chunk) => (errors = (errors + chunk).slice(-2000)))
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })))
  if (killed < kills) {
    const after = 500 + random() * 1_300
    const early = await Promise.race([ended, sleep(after).then(() => undefined)])
    if (early === undefined) {
      child.kill("SIGKILL")
      await ended
      killed += 1
      console.log(`  kill ${killed} after ${Math.round(after)} ms`)
      continue
    }
    if (early.code !== 0) throw new Error(`run ${attempt} failed with ${early.code}: ${errors}`)
    break
  }
  const { code } = await ended
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

const exports = await simulator.exports()
const seen = await simulator.requests()
check("the process was killed as often as asked", killed === kills, `${killed}`)
const adds = seen.filter((request) => request.kind === "add" && request.status === 200).length
check("one accepted add", adds === 1 && exports.length === 1, `${adds}`)

const [{ files, id }] = exports
const folder = join(target, "Reservation", id)
let total = 0
let equal = 0
for (const [index, { sha256, size }] of files.entries()) {
  total += size
  const hash = createHash("sha256")
  await pipeline(createReadStream(join(folder, `Reservation-${String(index + 1).padStart(5, "0")}.jsonl`)), hash)
  if (hash.digest("hex") === sha256) equal += 1
}
check("every file equals the simulator's digest", equal === files.length, `${equal} of ${files.length}`)

const probes = seen.filter((request) => request.kind === "file" && request.range === "bytes=0-0").length
const twice = moved(seen) - probes - total
check(
  "at most the parts in flight at each kill were fetched twice",
  twice <= kills * concurrency * partSize,
  `${(twice / 2 ** 20).toFixed(1)} MiB for ${killed} kills, bound ${(kills * concurrency * partSize) / 2 ** 20} MiB`
)
// Whole parts, counted: a part that was delivered in full twice was in flight when its process died.
const times = new Map()
for (const request of seen) {
  if (request.kind !== "file" || request.status !== 206 || request.range === "bytes=0-0") continue
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.range) ?? []
  if (Number(to) - Number(from) + 1 !== request.bytes) continue
  const part = `${request.file} ${request.range}`
  times.set(part, (times.get(part) ?? 0) + 1)
}
const repeated = [...times.values()].reduce((sum, count) => sum + count - 1, 0)
check("whole parts fetched again", repeated <= kills * concurrency, `${repeated} of ${times.size}`)

const names = readdirSync(target, { recursive: true, encoding: "utf8" })
const left = names.filter((name) => /\.(partial|parts|tmp)$|\.lock\./.test(name))
check("nothing partial is left over", left.length === 0, left.join(" ") || undefined)
const expected = files.length + 1
const delivered = names.filter((name) => name.startsWith("Reservation") && statSync(join(target, name)).isFile()).length
check("nothing but the files and the manifest", delivered === expected, `${delivered}`)

console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
