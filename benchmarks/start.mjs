// How long the program takes to say something: `--help` of itself and of each command, beside a Node.js that does nothing
// and beside `--version`, for which all of the command tree is loaded.
// Rounds are interleaved; the first of each is thrown away.
//
//   pnpm bench:start [--rounds 10]
import { spawnSync } from "node:child_process"
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
  ["longshore --version", [cli, "--version"]],
  ["longshore --help", [cli, "--help"]],
  ...commands.map((name) => [`longshore ${name} --help`, [cli, name, "--help"]])
]
const times = new Map(lines.map(([name]) => [name, []]))
for (let round = 0; round <= Number(options.rounds); round++) {
  for (const [name, args] of lines) {
    const { seconds } = run(args)
    if (round > 0) times.get(name).push(seconds)
  }
}
const ms = (seconds) => `${(seconds * 1000).toFixed(0)} ms`
const medianOf = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
for (const [name, values] of times) {
  console.log(
    `${name.padEnd(28)} median ${ms(medianOf(values)).padStart(7)}  min ${ms(Math.min(...values)).padStart(7)}  max ${ms(Math.max(...values)).padStart(7)}`
  )
}
const slow = [...times].filter(([name, values]) => name.endsWith("--help") && medianOf(values) > limit)
console.log(
  slow.length === 0
    ? `1 passed, 0 failed`
    : `0 passed, 1 failed: ${slow.map(([name]) => name).join(", ")} take more than ${limit} s`
)
process.exitCode = slow.length === 0 ? 0 : 1
