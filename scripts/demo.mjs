// The main job before your eyes, against the embedded simulator: export three entity types into ./demo-data, kill the
// process half-way, run the same command again, and compare every file with what the simulator says it sent.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { createReadStream, existsSync, readFileSync, rmSync, statSync } from "node:fs"
import { join, relative } from "node:path"
import { pipeline } from "node:stream/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { cli, moved, startSimulator } from "./simulator.mjs"

const target = fileURLToPath(new URL("../demo-data", import.meta.url))
const types = ["Reservation", "Customer", "OrderItem"]
const started = performance.now()

const say = (text) => console.log(`\n\u25B8 ${text}`)
rmSync(target, { recursive: true, force: true })

say("Starting the simulator of the Connector API (its links live 3 seconds here, Mews's live 10 minutes)")
const flags = "--seed 7 --files 4 --file-size 16MB --pending 1s --processing 1s --link-ttl 3s --bandwidth 6MB"
const simulator = await startSimulator(...flags.split(" "))

const args = ["export", ...types, "--to", relative(process.cwd(), target) || target]
const run = () => {
  console.log(`$ longshore ${args.join(" ")}`)
  const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "inherit", "inherit"], env: simulator.env })
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })))
  return { child, ended }
}

say("Exporting three entity types, four files each")
const total = types.length * 4 * 16e6
const first = run()
while (first.child.exitCode === null && first.child.signalCode === null) {
  await sleep(100)
  const bytes = moved(await simulator.requests())
  if (bytes >= total / 2) {
    first.child.kill("SIGKILL")
    break
  }
}
const { signal } = await first.ended
if (signal !== "SIGKILL") throw new Error("The first run ended before it could be killed.")
const before = await simulator.requests()
say("kill -9, half-way. The same command again carries on where it stopped:")
const second = await run().ended
if (second.code !== 0) {
  console.error(`The resumed run failed with exit code ${second.code}.`)
  process.exit(1)
}

say("Comparing every byte with the simulator's digests")
const exports = await simulator.exports()
let files = 0
let bytes = 0
let wrong = 0
for (const { entityType, files: sent, id } of exports) {
  for (const [index, { sha256, size }] of sent.entries()) {
    const path = join(target, entityType, id, `${entityType}-${String(index + 1).padStart(5, "0")}.jsonl`)
    const hash = createHash("sha256")
    if (existsSync(path)) await pipeline(createReadStream(path), hash)
    const right = existsSync(path) && hash.digest("hex") === sha256
    files += 1
    bytes += size
    if (!right) wrong += 1
    console.log(`  ${right ? "equal " : "WRONG "} ${relative(process.cwd(), path)}  ${(size / 1e6).toFixed(1)} MB`)
  }
  const manifest = join(target, entityType, id, "manifest.json")
  if (!existsSync(manifest)) wrong += 1
  console.log(
    `          ${relative(process.cwd(), manifest)}  ${existsSync(manifest) ? `${statSync(manifest).size} B` : "MISSING"}`
  )
}
const after = await simulator.requests()
const sample = exports[0]
const firstFile = join(target, sample.entityType, sample.id, `${sample.entityType}-00001.jsonl`)

say("What arrived")
console.log(`  ${readFileSync(firstFile, { encoding: "utf8" }).slice(0, 160)}…`)
console.log(`  ${files} files, ${(bytes / 1e6).toFixed(0)} MB, ${wrong} wrong`)
console.log(
  `  exports asked for: ${after.filter((request) => request.kind === "add" && request.status === 200).length}` +
    ` · fetched before the kill: ${(moved(before) / 1e6).toFixed(0)} MB, after it: ${((moved(after) - moved(before)) / 1e6).toFixed(0)} MB`
)
console.log(
  `  ${((performance.now() - started) / 1000).toFixed(1)} s in all. The files are in ${relative(process.cwd(), target)}/\n`
)
process.exit(wrong === 0 ? 0 : 1)
