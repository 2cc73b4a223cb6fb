// What the scripts that kill runs again and again have in common.
import { spawn } from "node:child_process"
import { createHash, randomInt } from "node:crypto"
import { parseArgs } from "node:util"
import { cli } from "./simulator.mjs"

// However this ends, what was started and made ends with it.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1))

/** The numbers of the command line, with these defaults; `--seed` is another one each time unless it is given. */
export const readOptions = (defaults) => {
  const all = { ...defaults, seed: randomInt(2 ** 31) }
  const options = Object.fromEntries(
    Object.entries(all).map(([name, value]) => [name, { type: "string", default: String(value) }])
  )
  const { values } = parseArgs({ options })
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof all[name] === "number" ? Number(value) : value])
  )
}

/** A generator from a seed, so that a failing run can be tried again (the machine's timing stays its own). */
export const generator = (seed) => {
  let state = createHash("sha256").update(String(seed)).digest().readUInt32LE(0)
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Starts the program. */
export const start = (args, env) => {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "ignore", "pipe"], env })
  let said = ""
  child.stderr.on("data", (chunk) => (said += chunk))
  let code
  // "close" comes after the last of stderr.
  const ended = new Promise((resolve) => child.once("close", (number, signal) => resolve((code = number ?? signal))))
  const isAlive = () => code === undefined
  return {
    ended,
    pid: child.pid,
    isAlive,
    said: () => said,
    /** Kills it at a moment, unless it ends before. Gives how it ended: an exit code, or "SIGKILL". */
    killAt: async (moment) => {
      await Promise.race([ended, moment])
      if (isAlive()) child.kill("SIGKILL")
      return ended
    }
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

export const fileName = (entityType, index) => `${entityType}-${String(index + 1).padStart(5, "0")}.jsonl`
