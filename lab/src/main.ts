/**
 * The swarm at a shell:
 *
 *     pnpm sim --seeds 10000              stories of seeds 1 to 10000, on all processors
 *     pnpm sim --seeds 500 --from 20001   of the 500 seeds from there
 *     pnpm sim --seed 4711                one story, told in full
 */
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import * as Swarm from "./Swarm.ts"

type Told = Omit<Swarm.Story, "log" | "violation"> & { readonly violation: string | undefined }

const tell = ({ log: _, violation, ...story }: Swarm.Story): Told => ({ ...story, violation: violation?.message })

/** What a worker does: every `jobs`-th seed. */
const work = async ({ from, jobs, seeds }: { from: number; jobs: number; seeds: number }) => {
  for (let seed = from; seed < seeds; seed += jobs) parentPort?.postMessage(tell(await Swarm.run(seed)))
}

const counted = {
  starts: "processes started",
  kills: "killed",
  powerCuts: "power cuts",
  failedCalls: "calls of disk and network that failed",
  lostAnswers: "answers lost",
  simulatorFaults: "faults of the API and the file host",
  clockJumps: "clock jumps",
  secondProcesses: "second processes",
  tamperings: "files deleted, cut or edited",
  calls: "calls in all"
} as const

const swarm = async (seeds: number, from: number) => {
  const jobs = availableParallelism()
  const stories: Array<Told> = []
  const began = Date.now()
  await Promise.all(
    Array.from({ length: jobs }, (_, i) => {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { from: from + i, jobs, seeds: from + seeds },
        execArgv: process.execArgv
      })
      worker.on("message", (story: Told) => {
        stories.push(story)
        if (story.violation !== undefined) {
          console.log(`seed ${story.seed}: ${story.violation.split("\n")[0]}\n  pnpm sim --seed ${story.seed}`)
        }
        if (stories.length % 1000 === 0) console.log(`${stories.length} of ${seeds} seeds`)
      })
      return new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject))
    })
  )
  const sum = (name: keyof typeof counted | "milliseconds") => stories.reduce((sum, story) => sum + story[name], 0)
  const failed = stories.filter((story) => story.violation !== undefined).length
  console.log(`seeds ${from} to ${from + seeds - 1}, in ${Math.round((Date.now() - began) / 1000)} s:`)
  for (const [name, words] of Object.entries(counted)) {
    console.log(`${String(sum(isCounted(name) ? name : "calls")).padStart(12)} ${words}`)
  }
  console.log(`${String(Math.round(sum("milliseconds") / 86_400_000)).padStart(12)} days of virtual time`)
  console.log(`${stories.length - failed} passed, ${failed + seeds - stories.length} failed`)
  process.exitCode = failed === 0 && stories.length === seeds ? 0 : 1
}
const isCounted = (name: string): name is keyof typeof counted => name in counted

const { values } = parseArgs({
  options: { seeds: { type: "string" }, from: { type: "string" }, seed: { type: "string" } },
  allowPositionals: false
})
const number = (text: string | undefined, fallback: number): number => {
  const value = text === undefined ? fallback : Number(text)
  if (!Number.isInteger(value) || value < 0) {
    console.error(`${text} is not a number of seeds, nor a seed: both are whole numbers, as in pnpm sim --seeds 1000`)
    process.exit(2)
  }
  return value
}

if (!isMainThread) await work(workerData)
else if (values.seed === undefined) await swarm(number(values.seeds, 1000), number(values.from, 1))
else {
  const { log, violation } = await Swarm.run(number(values.seed, 1))
  for (const line of log) console.log(line)
  process.exitCode = violation === undefined ? 0 : 1
}
