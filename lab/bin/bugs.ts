/**
 * Whether the lab finds bugs: each patch of `lab/bugs` plants one in a copy of the sources, and the swarm tells stories there
 * until an invariant does not hold.
 *
 *     pnpm planted-bugs             all of them, each first by the seed that the table has, and before that: nothing without one
 *     pnpm planted-bugs --only I05-journal-without-fsync     one of them
 *     pnpm planted-bugs --only I05-… --seed 17               the story that finds it, told in full
 *     pnpm planted-bugs --write                              all of them, and the table of lab/bugs/README.md
 */
import { spawn } from "node:child_process"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { parseArgs, stripVTControlCharacters } from "node:util"
import { wholeNumber } from "../src/crew.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "3000" },
    only: { type: "string" },
    seed: { type: "string" },
    write: { type: "boolean", default: false }
  }
})

const root = join(import.meta.dirname, "..", "..")
const folder = join(root, "lab", "bugs")

/** Seeds that must be clean without a patch, and those that are told before anybody looks whether one was not. */
const clean = 100
const firstChunk = 50

interface Bug {
  readonly name: string
  readonly what: string
  readonly patch: string
  /** The invariants that may be the first to break. */
  readonly invariants: ReadonlyArray<string>
}

interface Found {
  readonly seed: number
  readonly invariant: string
  readonly problem: string
}

/** The words above the patch say what the bug is, and as what else it may be found than its name says. */
const read = (file: string): Bug => {
  const patch = join(folder, file)
  const text = readFileSync(patch, "utf8")
  const [what = "", also] = text.slice(0, text.indexOf("diff --git")).trim().split("\nfound as: ")
  const name = basename(file, ".patch")
  return { name, what, patch, invariants: also?.split(", ") ?? [`I${Number(name.slice(1, 3))}`] }
}

const run = async (cwd: string, command: string, ...args: ReadonlyArray<string>) => {
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 300_000,
    killSignal: "SIGKILL"
  })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text))
  const status = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve)
  )
  return { status, output: stripVTControlCharacters(output) }
}

/** Runs something on a copy of the sources, with the patch, if any, applied. */
const withCopy = async <A>(patch: string | undefined, use: (copy: string) => Promise<A>): Promise<A> => {
  const copy = mkdtempSync(join(tmpdir(), "longshore-bugs-"))
  try {
    const left = new Set(["dist", "test", "bugs", "coverage", ".bin", ".turbo", ".vite", ".vite-temp"])
    // Links between packages are relative, so they lead to the copies.
    for (const name of ["packages", "lab", "package.json"]) {
      cpSync(join(root, name), join(copy, name), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !left.has(basename(path))
      })
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
    if (patch !== undefined) {
      const { output, status } = await run(copy, "git", "apply", patch)
      if (status !== 0) throw new Error(`the patch does not apply any more: ${output.trim()}`)
    }
    return await use(copy)
  } finally {
    rmSync(copy, { recursive: true })
  }
}

const sim = (copy: string, ...args: ReadonlyArray<string>) =>
  run(copy, process.execPath, "--conditions=@longshore/source", "lab/bin/sim.ts", ...args)

/** The first of these seeds whose story breaks an invariant. */
const firstOf = async (copy: string, from: number, count: number): Promise<Found | undefined> => {
  const { output, status } = await sim(copy, "--seeds", String(count), "--from", String(from))
  const found = [...output.matchAll(/^seed (\d+): (I\d+|[^:]+): (.*)$/gm)].map(
    ([, seed, invariant = "", problem = ""]): Found => ({ seed: Number(seed), invariant, problem })
  )
  const [first] = found.sort((a, b) => a.seed - b.seed)
  if (first === undefined && status !== 0) throw new Error(`the simulation did not end well:\n${output}`)
  return first
}

/** Among so many, the first seed whose story breaks an invariant. */
const hunt = async (copy: string, seeds: number): Promise<Found | undefined> => {
  for (let from = 1, size = firstChunk; from <= seeds; from += size, size *= 2) {
    const first = await firstOf(copy, from, Math.min(size, seeds - from + 1))
    if (first !== undefined) return first
  }
  return undefined
}

const readme = join(folder, "README.md")

/** The seeds that the table has. Whoever writes the table anew wants the first ones, and looks for them. */
const noted = new Map(
  values.write
    ? []
    : [...readFileSync(readme, "utf8").matchAll(/--only (\S+) --seed (\d+)/g)].map(([, name = "", seed]) => [
        name,
        Number(seed)
      ])
)

const seeds = wholeNumber("seeds", values.seeds)
const bugs = readdirSync(folder)
  .filter((name) => name.endsWith(".patch"))
  .sort()
  .map(read)
  .filter(({ name }) => values.only === undefined || name === values.only)
if (bugs.length === 0) {
  console.error(`lab/bugs has no ${values.only}.patch`)
  process.exit(2)
}

let passed = 0
let failed = 0
const check = async (name: string, examine: () => Promise<string>) => {
  const began = Date.now()
  const say = (verdict: string, text: string) =>
    console.log(`${verdict} ${name}: ${text} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
  try {
    say("ok    ", await examine())
    passed += 1
  } catch (error) {
    say("FAILED", error instanceof Error ? error.message : String(error))
    failed += 1
  }
}

const rows: Array<ReadonlyArray<string>> = []
const examine = ({ invariants, name, patch, what }: Bug) =>
  check(name, async () => {
    const found = await withCopy(patch, async (copy) => {
      const seed = noted.get(name) ?? Infinity
      return (seed <= seeds ? await firstOf(copy, seed, 1) : undefined) ?? (await hunt(copy, seeds))
    })
    if (found === undefined) throw new Error(`not found in ${seeds} seeds`)
    const { invariant, problem, seed } = found
    const told = `seed ${seed}, ${invariant}: ${problem}`
    if (!invariants.includes(invariant)) throw new Error(`found as another bug than ${invariants.join(", ")}: ${told}`)
    rows.push([`\`${name}\``, what, invariant, String(seed), `\`pnpm planted-bugs --only ${name} --seed ${seed}\``])
    return told
  })

const table = () => {
  const row = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`
  const head = ["bug", "what it is", "breaks", "first seed", "the story, told in full"]
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n")
}

if (values.seed !== undefined) {
  const seed = values.seed
  const [bug] = bugs
  if (values.only === undefined || bug === undefined) {
    console.error("--seed goes with --only")
    process.exit(2)
  }
  const { output } = await withCopy(bug.patch, (copy) => sim(copy, "--seed", seed))
  process.stdout.write(output)
} else {
  await check("without a bug", () =>
    withCopy(undefined, async (copy) => {
      const found = await hunt(copy, clean)
      if (found !== undefined) throw new Error(`seed ${found.seed}, ${found.invariant}: ${found.problem}`)
      return `${clean} seeds are clean`
    })
  )
  for (const bug of bugs) await examine(bug)
  if (values.write && failed === 0 && values.only === undefined) {
    const text = readFileSync(readme, "utf8")
    writeFileSync(readme, `${text.slice(0, text.indexOf("| bug"))}${table()}\n`)
  }
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
