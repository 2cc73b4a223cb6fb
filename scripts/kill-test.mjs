// The operator's worst day, for real: 2 GB in 20 files from the simulator (a process of its own, real HTTP) into a
// folder, `kill -9` ten times at random moments, the same command again each time. Then the simulator is the witness.
//
//   pnpm kill-test [--kills 10] [--files 20] [--file-size 100MB] [--concurrency 8] [--seed N]
import { createHash } from "node:crypto"
import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import {
  check,
  concurrency,
  described,
  exportKilled,
  fileName,
  finish,
  kills,
  repetitions,
  startSlowSimulator
} from "./killing.mjs"
import { moved } from "./simulator.mjs"

const partSize = 8 * 1024 * 1024

const target = mkdtempSync(join(tmpdir(), "longshore-kill-"))
process.on("exit", () => rmSync(target, { recursive: true, force: true }))
const simulator = await startSlowSimulator()

console.log(`${described}, target ${target}`)
const killed = await exportKilled(["--to", target], simulator.env)

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
  await pipeline(createReadStream(join(folder, fileName(index))), hash)
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
const wholeParts = seen.flatMap((request) => {
  if (request.kind !== "file" || request.status !== 206 || request.range === "bytes=0-0") return []
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.range) ?? []
  return Number(to) - Number(from) + 1 === request.bytes ? [`${request.file} ${request.range}`] : []
})
const { different, repeated } = repetitions(wholeParts)
check("whole parts fetched again", repeated <= kills * concurrency, `${repeated} of ${different}`)

const names = readdirSync(target, { recursive: true, encoding: "utf8" })
const left = names.filter((name) => /\.(partial|parts|tmp)$|\.lock\./.test(name))
check("nothing partial is left over", left.length === 0, left.join(" ") || undefined)
const expected = files.length + 1
const delivered = names.filter((name) => name.startsWith("Reservation") && statSync(join(target, name)).isFile()).length
check("nothing but the files and the manifest", delivered === expected, `${delivered}`)

finish()
