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

const { harms, long, short } = Torture
const [longer, shorter] = [await Torture.run(long, new Map()), await Torture.run(short, new Map())]
const tasks: Array<Task> = []
for (let call = 1; call <= longer.calls; call++) {
  for (const harm of harms) tasks.push({ scenario: long, harmed: new Map([[call, harm]]) })
}
const singles = tasks.length
// The second call is counted on from the first, whichever process makes it. Each pair of places gets one pair of harms.
for (let first = 1; first <= shorter.calls; first++) {
  for (let second = first + 1; second <= first + shorter.calls; second++) {
    const harm = (n: number) => harms[n % harms.length]!
    const both = [
      [first, harm(first * 3 + second)],
      [second, harm(first + second * 5)]
    ] as const
    tasks.push({ scenario: short, harmed: new Map(both) })
  }
}

const count = { passed: 0, failed: 0, reached: 0 }
const [from, end] =
  values.only === undefined ? [0, tasks.length] : [wholeNumber("only", values.only), wholeNumber("only", values.only) + 1]
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
  console.log(`${longer.calls} calls of a run, each harmed in ${harms.length} ways: ${singles}`)
  console.log(`every two of ${shorter.calls} calls of a short run: ${tasks.length - singles}`)
  console.log(`all harms were reached in ${count.reached}`)
  console.log(`${count.passed} passed, ${end - from - count.passed} failed`)
  process.exitCode = count.passed === end - from ? 0 : 1
}
