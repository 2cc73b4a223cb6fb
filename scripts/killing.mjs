// What the scripts that kill a run again and again have in common.
import { spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { cli, startSimulator } from "./simulator.mjs"

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    files: { type: "string", default: "20" },
    "file-size": { type: "string", default: "100MB" },
    concurrency: { type: "string", default: "8" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) }
  }
})
export const kills = Number(values.kills)
export const concurrency = Number(values.concurrency)
export const described = `seed ${values.seed}: ${values.files} files of ${values["file-size"]}, ${kills} kills`

// A generator with a seed, so that a failing run can be tried again (the machine's timing stays its own).
let state = Number(values.seed) >>> 0
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0
  let t = Math.imul(state ^ (state >>> 15), state | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** An export slow enough to be killed in the middle. */
export const startSlowSimulator = () =>
  startSimulator(
    ..."--seed 7 --pending 200ms --processing 300ms --bandwidth 20MB".split(" "),
    "--files",
    values.files,
    "--file-size",
    values["file-size"]
  )

/** Exports into the target, killed as often as asked at random moments, then to the end. Gives how often it was killed. */
export const exportKilled = async (target, env) => {
  const args = ["export", "Reservation", ...target, "--concurrency", values.concurrency, "--poll", "200ms"]
  for (let killed = 0; ;) {
    const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "ignore", "pipe"], env })
    let errors = ""
    child.stderr.on("data", (chunk) => (errors = (errors + chunk).slice(-2000)))
    const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code ?? "a signal")))
    const after = 500 + random() * 1_500
    const code = await (killed < kills ? Promise.race([ended, sleep(after).then(() => "alive")]) : ended)
    if (code === 0) return killed
    if (code !== "alive") throw new Error(`after ${killed} kills the run ended with ${code}: ${errors}`)
    child.kill("SIGKILL")
    await ended
    killed += 1
    console.log(`  kill ${killed} after ${Math.round(after)} ms`)
  }
}

const count = { passed: 0, failed: 0 }

export const check = (name, right, detail) => {
  count[right ? "passed" : "failed"] += 1
  console.log(`  ${right ? "ok  " : "FAIL"} ${name}${detail === undefined ? "" : `: ${detail}`}`)
}

/** The last line, and the exit code. */
export const finish = () => {
  console.log(`${count.passed} passed, ${count.failed} failed`)
  process.exit(count.failed === 0 ? 0 : 1)
}

/** How many there are more than once, and how many different ones. */
export const repetitions = (names) => {
  const different = new Set(names).size
  return { repeated: names.length - different, different }
}

export const fileName = (index) => `Reservation-${String(index + 1).padStart(5, "0")}.jsonl`
