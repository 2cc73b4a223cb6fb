/**
 * Torture at a shell: every call of a run goes wrong in every way, and every two calls of a short one.
 *
 *     pnpm torture
 *     pnpm torture --only 1234     one of them
 */
import { parseArgs } from "node:util"
import { isMainThread } from "node:worker_threads"
import { crew, wholeNumber } from "../src/crew.ts"
import * as Torture from "../src/Torture.ts"

const { values } = parseArgs({ options: { only: { type: "string" } } })

interface Task {
  readonly scenario: Torture.Scenario
  readonly harmed: ReadonlyMap<number, Torture.Harm>
}

const { harms } = Torture
const tasks: Array<Task> = []
const callsOf = async (scenario: Torture.Scenario) => (await Torture.run(scenario, new Map())).calls

const calls = await callsOf(Torture.long)
for (let call = 1; call <= calls; call++) {
  for (const harm of harms) tasks.push({ scenario: Torture.long, harmed: new Map([[call, harm]]) })
}
const singles = tasks.length

/** Every two calls. The second is counted on from the first, whichever process makes it. */
const pairs = async (
  scenario: Torture.Scenario,
  harm: (first: number, second: number) => readonly [Torture.Harm, Torture.Harm]
) => {
  const calls = await callsOf(scenario)
  for (let first = 1; first <= calls; first++) {
    for (let second = first + 1; second <= first + calls; second++) {
      const [one, other] = harm(first, second)
      const harmed = new Map([
        [first, one],
        [second, other]
      ])
      tasks.push({ scenario, harmed })
    }
  }
}
// Each pair of places gets one pair of harms: all of them come up, many times.
await pairs(Torture.short, (first, second) => [
  harms[(first * 3 + second) % harms.length]!,
  harms[(first + second * 5) % harms.length]!
])
// What a killed process did not sync, and the next one relied on, goes with the power.
await pairs(Torture.parts, () => ["is cut off after it", "loses power after it"])

const count = { passed: 0, failed: 0, reached: 0 }
const [from, end] =
  values.only === undefined
    ? [0, tasks.length]
    : [wholeNumber("only", values.only), wholeNumber("only", values.only) + 1]
await crew({
  module: import.meta.url,
  from,
  end,
  task: async (n) => {
    const { harmed, scenario } = tasks[n]!
    const outcome = await Torture.run(scenario, harmed)
    return { n, reached: outcome.harmed, violation: outcome.violation?.message.split("\n")[0] }
  },
  done: ({ n, reached, violation }) => {
    if (reached) count.reached += 1
    if (violation === undefined) {
      count.passed += 1
      return
    }
    count.failed += 1
    const what = [...tasks[n]!.harmed].map(([call, harm]) => `call ${call} ${harm}`).join(", ")
    console.log(`${what}: ${violation}\n  pnpm torture --only ${n}`)
  }
})
if (isMainThread) {
  console.log(`${calls} calls of a run, each harmed in ${harms.length} ways: ${singles}`)
  console.log(`every two calls of a short run: ${tasks.length - singles}`)
  console.log(`all harms were reached in ${count.reached}`)
  console.log(`${count.passed} passed, ${end - from - count.passed} failed`)
  process.exitCode = count.passed === end - from ? 0 : 1
}
