// How long the program takes to say something: `--help` of itself and of each command, beside a Node.js that does nothing.
// Rounds are interleaved; the first of each is thrown away. A median over the limit is taken anew over twice the rounds, a
// little later, up to three times: what else runs on the machine passes, what the program needs stays.
//
//   pnpm bench:start [--rounds 10]
import { spawnSync } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { cli } from "../scripts/simulator.mjs"

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "10" } } })
/** Seconds that `--help` may take. */
const limit = 0.3

const run = (args) => {
  const started = performance.now()
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" }
  })
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}`)
  return { seconds: (performance.now() - started) / 1000, stdout }
}

const commands = [
  ...run([cli, "--help"])
    .stdout.split("SUBCOMMANDS")[1]
    .matchAll(/^ {2}(\w+)/gm)
].map(([, name]) => name)
const lines = [
  ["node -e ''", ["-e", ""]],
  ["longshore --help", [cli, "--help"]],
  ...commands.map((name) => [`longshore ${name} --help`, [cli, name, "--help"]])
]
const times = new Map()
const medianOf = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const tooSlow = () => lines.filter(([name]) => medianOf(times.get(name)) > limit)
const measure = (lines, rounds) => {
  for (const [name, args] of lines) {
    run(args)
    times.set(name, [])
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, args] of lines) times.get(name).push(run(args).seconds)
  }
}
const rounds = Number(options.rounds)
measure(lines, rounds)
for (let again = 0; again < 3 && tooSlow().length > 0; again++) {
  await sleep(10_000)
  measure(tooSlow(), 2 * rounds)
}

const ms = (seconds) => `${(seconds * 1000).toFixed(0)} ms`
for (const [name, values] of times) {
  console.log(
    `${name.padEnd(28)} median ${ms(medianOf(values)).padStart(7)}  min ${ms(Math.min(...values)).padStart(7)}  max ${ms(Math.max(...values)).padStart(7)}  of ${values.length}`
  )
}
const slow = tooSlow()
console.log(
  slow.length === 0
    ? `1 passed, 0 failed`
    : `0 passed, 1 failed: ${slow.map(([name]) => name).join(", ")} take more than ${limit} s`
)
process.exitCode = slow.length === 0 ? 0 : 1
