// Memory depends on the configuration, never on the size of an export: peak RSS of a run of 4 GB against one of 400 MB,
// interleaved, over real HTTP from a simulator in a process of its own. Linux only (VmHWM of /proc).
//
//   pnpm bench:memory [--rounds 5] [--large 4GB] [--small 400MB]
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { cli, startSimulator } from "../scripts/simulator.mjs"

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    large: { type: "string", default: "4GB" },
    small: { type: "string", default: "400MB" }
  }
})
const files = 4

const bytesOf = (size) => Number.parseFloat(size) * (size.endsWith("GB") ? 1e9 : 1e6)

const measure = async (size) => {
  const simulator = await startSimulator(
    ..."--pending 0s --processing 100ms --files".split(" "),
    String(files),
    "--file-size",
    String(bytesOf(size) / files)
  )
  const target = mkdtempSync(join(tmpdir(), "longshore-memory-"))
  try {
    const started = performance.now()
    const child = spawn(process.execPath, [cli, "export", "Reservation", "--to", target, "--poll", "200ms"], {
      stdio: "ignore",
      env: simulator.env
    })
    let peak = 0
    const ended = new Promise((resolve) => child.once("exit", resolve))
    while (child.exitCode === null && child.signalCode === null) {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, "utf8")
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024)
      } catch {
        break
      }
      await sleep(50)
    }
    const code = await ended
    if (code !== 0) throw new Error(`the run of ${size} ended with ${code}`)
    return { peak, seconds: (performance.now() - started) / 1000 }
  } finally {
    simulator.stop()
    rmSync(target, { recursive: true, force: true })
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const runs = { large: [], small: [] }
for (let round = 0; round < Number(options.rounds); round++) {
  for (const kind of ["small", "large"]) {
    runs[kind].push(await measure(options[kind]))
  }
}
const mib = (bytes) => (bytes / 2 ** 20).toFixed(0)
const row = (kind) => {
  const peaks = runs[kind].map(({ peak }) => peak)
  const seconds = median(runs[kind].map((run) => run.seconds))
  return `| ${options[kind]} | ${mib(median(peaks))} | ${mib(Math.min(...peaks))}–${mib(Math.max(...peaks))} | ${seconds.toFixed(1)} |`
}
const difference = median(runs.large.map(({ peak }) => peak)) - median(runs.small.map(({ peak }) => peak))
console.log(
  `Node ${process.version}, ${cpus().length} cores, ${options.rounds} interleaved rounds, ${files} files each\n`
)
console.log("| export | peak RSS, median MiB | min–max | wall s, median |\n|---|---|---|---|")
console.log(`${row("small")}\n${row("large")}\n`)
console.log(`The larger one needs ${mib(difference)} MiB more.`)
