// What a cluster costs: one export of 1 GB on a runner over PostgreSQL beside the same in a process of its own, in turn,
// and a thousand exports of twenty accounts that wait on one runner. Linux only (VmRSS of /proc).
//
//   pnpm bench:cluster [--rounds 5] [--size 1GB] [--waiting 1000] [--minutes 4] [--only overhead|waiting]
//
// The simulator and PostgreSQL are processes of their own. V8 takes memory as long as it is given some, so the runner of the
// waiting exports has a heap of 400 MB, and what is alive in it is told after a full collection. "Asked to published" is from the witness's `add` to the
// manifest's time, so that neither the start of a process nor a client's questions are in it; "wall" is what a person waits.
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { freePorts } from "../scripts/ports.mjs"
import { startPostgres } from "../scripts/postgres.mjs"
import { cli, startSimulator } from "../scripts/simulator.mjs"

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    size: { type: "string", default: "1GB" },
    waiting: { type: "string", default: "1000" },
    minutes: { type: "string", default: "4" },
    only: { type: "string" }
  }
})
const root = mkdtempSync(join(tmpdir(), "longshore-cluster-bench-"))
const children = new Set()
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL")
  rmSync(root, { recursive: true, force: true })
})
process.once("SIGINT", () => process.exit(130))
process.once("SIGTERM", () => process.exit(143))

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const mib = (bytes) => (bytes / 2 ** 20).toFixed(0)
const memoryOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024

/** A runner for these accounts, and its front. */
const startRunner = async ({ accounts, database, env, flags = [], to }) => {
  const [port, front] = await freePorts(2)
  const config = join(root, `runner-${port}.toml`)
  const table = (name) =>
    `[accounts.${name}]\nplatform-address = "${env.LONGSHORE_PLATFORM_ADDRESS}"\nclient-token = { env = "LONGSHORE_CLIENT_TOKEN" }\naccess-token = { env = "TOKEN_OF_${name.replace("-", "_")}" }\n`
  writeFileSync(config, accounts.map(table).join("\n"))
  const secret = "a-token-for-the-clients-of-this-benchmark"
  const child = spawn(
    process.execPath,
    [
      ...flags,
      cli,
      "cluster",
      "run",
      "--config",
      config,
      "--to",
      to,
      "--runner-port",
      String(port),
      "--listen",
      `127.0.0.1:${front}`
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...env,
        ...Object.fromEntries(
          accounts.map((name) => [`TOKEN_OF_${name.replace("-", "_")}`, `access-token-of-${name}-0123456789`])
        ),
        LONGSHORE_DATABASE_URL: database,
        LONGSHORE_CLUSTER_TOKEN: secret
      }
    }
  )
  children.add(child)
  let alive = 0
  child.stdout.on("data", (chunk) => {
    for (const [, bytes] of String(chunk).matchAll(/Mark-Compact.*? -> ([\d.]+)/g)) alive = Number(bytes) * 2 ** 20
  })
  let said = ""
  child.stderr.on("data", (chunk) => (said += chunk))
  for (let tries = 0; !said.includes("is ready"); tries++) {
    if (child.exitCode !== null || tries > 300) throw new Error(`the runner did not start:\n${said}`)
    await sleep(100)
  }
  const ask = async (path, init = {}) => {
    const response = await fetch(`http://127.0.0.1:${front}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" }
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  return {
    pid: child.pid,
    /** Bytes, after the last full collection; 0 unless V8 is told to tell. */
    alive: () => alive,
    submit: (submission) => ask("/exports", { method: "POST", body: JSON.stringify(submission) }),
    finished: async (id) => {
      for (;;) {
        const status = await ask(`/exports/${id}/wait?timeout=30`)
        if (status.state !== "running") return status
      }
    },
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve))
      child.kill()
      await ended
      children.delete(child)
    }
  }
}

const manifestOf = (folder) => {
  for (const name of readdirSync(folder, { recursive: true })) {
    if (name.endsWith("manifest.json")) return statSync(join(folder, name)).mtimeMs
  }
  throw new Error(`nothing was published in ${folder}`)
}

const overhead = async (database) => {
  const files = 4
  const bytes = Number.parseFloat(options.size) * (options.size.endsWith("GB") ? 1e9 : 1e6)
  const simulator = await startSimulator(
    ..."--pending 0s --processing 100ms --files".split(" "),
    String(files),
    "--file-size",
    String(bytes / files)
  )
  const to = join(root, "cluster")
  const runner = await startRunner({ accounts: ["lisbon"], database, env: simulator.env, to })
  const runs = { embedded: [], cluster: [] }
  const asked = async () => {
    const add = (await simulator.requests()).findLast(({ kind }) => kind === "add")
    return Date.parse(add.at)
  }
  try {
    // One round that does not count: code that is compiled, folders and tables that are made.
    for (let round = -1; round < Number(options.rounds); round++) {
      for (const kind of round % 2 === 0 ? ["embedded", "cluster"] : ["cluster", "embedded"]) {
        const folder = kind === "cluster" ? to : join(root, "embedded")
        rmSync(folder, { recursive: true, force: true })
        const began = performance.now()
        if (kind === "embedded") {
          const child = spawn(process.execPath, [cli, "export", "Reservation", "--to", folder, "--poll", "200ms"], {
            stdio: "ignore",
            env: simulator.env
          })
          const code = await new Promise((resolve) => child.once("exit", resolve))
          if (code !== 0) throw new Error(`the export ended with ${code}`)
        } else {
          const { id } = await runner.submit({
            account: "lisbon",
            request: { entityType: "Reservation" },
            poll: 200,
            occasion: `round ${round}`
          })
          const { failure, state } = await runner.finished(id)
          if (state !== "complete") throw new Error(`the export is ${state}: ${failure?.message}`)
        }
        const wall = (performance.now() - began) / 1000
        const transfer = (manifestOf(folder) - (await asked())) / 1000
        if (round >= 0) runs[kind].push({ wall, transfer })
      }
    }
  } finally {
    await runner.stop()
    simulator.stop()
  }
  const of = (kind, what) => runs[kind].map((run) => run[what])
  const row = (kind) => {
    const told = ["wall", "transfer"].map((what) => {
      const all = of(kind, what)
      return `${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)})`
    })
    return `| ${kind} | ${told.join(" | ")} |`
  }
  const ratio = (what) => (median(of("cluster", what)) / median(of("embedded", what))).toFixed(2)
  console.log(`### One export of ${options.size}, ${options.rounds} interleaved rounds\n`)
  console.log("|  | wall s, median (min–max) | asked to published s, median (min–max) |\n|---|---|---|")
  console.log(`${row("embedded")}\n${row("cluster")}\n`)
  console.log(`Cluster ÷ embedded: wall ${ratio("wall")}, asked to published ${ratio("transfer")}.\n`)
}

const waiting = async (database) => {
  const accounts = Array.from({ length: 20 }, (_, n) => `hotel-${String(n + 1).padStart(2, "0")}`)
  const types = [
    "OrderItem",
    "Payment",
    "Reservation",
    "Customer",
    "Company",
    "Bill",
    "AvailabilityAdjustment",
    "AvailabilityBlock",
    "ResourceBlock"
  ]
  const simulator = await startSimulator(..."--pending 1s --processing 600m --files 1 --file-size 1KB".split(" "))
  const runner = await startRunner({
    accounts,
    database,
    env: simulator.env,
    to: join(root, "waiting"),
    flags: ["--trace-gc", "--max-old-space-size=400"]
  })
  try {
    await sleep(5_000)
    const before = memoryOf(runner.pid)
    const count = Number(options.waiting)
    const began = performance.now()
    for (let n = 0; n < count; n += 20) {
      await Promise.all(
        accounts.slice(0, count - n).map((account) =>
          runner.submit({
            account,
            request: { entityType: types[(n / 20) % types.length] },
            occasion: `number ${Math.floor(n / 20 / types.length)}`,
            poll: 60_000
          })
        )
      )
    }
    const submitting = (performance.now() - began) / 1000
    // Until all that can be accepted are, and have found their rhythm.
    await sleep(90_000)
    const minutes = Number(options.minutes)
    const from = Date.now()
    let peak = 0
    while (Date.now() - from < minutes * 60_000) {
      await sleep(1_000)
      peak = Math.max(peak, memoryOf(runner.pid))
    }
    const until = Date.now()
    const requests = await simulator.requests()
    const looks = requests.filter(
      ({ at, kind }) => kind === "getAll" && Date.parse(at) >= from && Date.parse(at) < until
    )
    const accepted = (await simulator.exports()).length
    const refused = requests.filter(({ kind, status }) => kind === "add" && status !== 200).length
    console.log(`### ${count} exports of 20 accounts that wait on one runner, looked at once a minute\n`)
    console.log(
      `- ${accepted} accepted by the API, ${count - accepted} in the queues of their slots; ${refused} were refused.`
    )
    console.log(
      `- ${(looks.length / minutes).toFixed(1)} getAll a round, of all accounts together, over ${minutes} rounds; without sharing it were ${accepted}.`
    )
    console.log(
      `- The runner's memory: ${mib(before)} MiB before, ${mib(memoryOf(runner.pid))} MiB with them (peak ${mib(peak)} MiB), of which ${mib(runner.alive())} MiB are alive.`
    )
    console.log(`- Submitted in ${submitting.toFixed(1)} s over HTTP.\n`)
  } finally {
    await runner.stop()
    simulator.stop()
  }
}

const { stop, url } = await startPostgres()
try {
  console.log(`Node ${process.version}, ${cpus().length} cores\n`)
  if (options.only !== "waiting") await overhead(url)
  if (options.only !== "overhead") await waiting(url)
} finally {
  stop()
}
