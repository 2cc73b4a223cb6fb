/**
 * The swarm at a shell:
 *
 *     pnpm sim --seeds 10000              the stories of seeds 1 to 10000, on all processors
 *     pnpm sim --seeds 500 --from 20001   of the 500 seeds from there
 *     pnpm sim --seed 4711                one story, told in full
 */
import { parseArgs } from "node:util"
import { isMainThread } from "node:worker_threads"
import { crew, wholeNumber } from "../src/crew.ts"
import * as Swarm from "../src/Swarm.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" }
  }
})

const counted: Readonly<Record<keyof Swarm.Counts, string>> = {
  starts: "processes started",
  kills: "killed",
  powerCuts: "power cuts",
  failedCalls: "calls of disk and network that failed",
  lostAnswers: "answers lost",
  simulatorFaults: "faults of the API and the file host",
  clockJumps: "clock jumps",
  secondProcesses: "second processes",
  tamperings: "files deleted, cut or edited",
  calls: "calls in all",
  days: "days of virtual time"
}
const names = Object.keys(counted).filter((name): name is keyof Swarm.Counts => name in counted)

const swarm = async (seeds: number, from: number) => {
  const sums = new Map(names.map((name) => [name, 0]))
  let told = 0
  let failed = 0
  const began = Date.now()
  await crew({
    module: import.meta.url,
    from,
    end: from + seeds,
    task: async (seed) => {
      const { counts, violation } = await Swarm.run(seed)
      return { seed, counts, violation: violation?.message.split("\n")[0] }
    },
    done: ({ counts, seed, violation }) => {
      for (const name of names) sums.set(name, (sums.get(name) ?? 0) + counts[name])
      if (violation !== undefined) {
        failed += 1
        console.log(`seed ${seed}: ${violation}\n  pnpm sim --seed ${seed}`)
      }
      if (++told % 1000 === 0) console.log(`${told} of ${seeds} seeds`)
    }
  })
  if (!isMainThread) return
  console.log(`seeds ${from} to ${from + seeds - 1}, in ${Math.round((Date.now() - began) / 1000)} s:`)
  for (const [name, sum] of sums) console.log(`${String(Math.round(sum)).padStart(12)} ${counted[name]}`)
  console.log(`${told - failed} passed, ${failed + seeds - told} failed`)
  process.exitCode = failed === 0 && told === seeds ? 0 : 1
}

if (values.seed === undefined) await swarm(wholeNumber("seeds", values.seeds), wholeNumber("from", values.from))
else {
  const { log, violation } = await Swarm.run(wholeNumber("seed", values.seed))
  for (const line of log) console.log(line)
  process.exitCode = violation === undefined ? 0 : 1
}
