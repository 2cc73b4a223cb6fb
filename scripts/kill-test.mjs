// `kill -9` on running exports, as often as asked: one small export after another from the simulator (a process of its
// own, real HTTP) into a folder, each killed again and again, the same command again each time until it ends well. Then
// the simulator is the witness. Several lanes do so side by side.
//
// Some kills fall at any time of a run's life, most right after a step in its journal, so that the short steps at its end
// get their share. Some exports are killed while the answer of `add` is on its way, of some it is lost.
//
//   pnpm kill-test [--kills 50] [--lanes 3] [--seed N]
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { check, fileName, finish, generator, readOptions, repetitions, start } from "./killing.mjs"
import { moved, startSimulator } from "./simulator.mjs"

const { kills, lanes, seed } = readOptions({ kills: 50, lanes: 3 })
const concurrency = 4
const partSize = 64 * 1024
const fileCount = 4
/** Of a run that nobody disturbs: intent, add, ready, two for each file, manifest, publish, complete. */
const stepCount = 6 + 2 * fileCount
/** Milliseconds that no run needs, however busy the machine is. */
const patience = 120_000

/** What happens to `add` of these types; to the others nothing. */
const stories = { Customer: "held", ResourceBlock: "held", Bill: "lost" }
const entityTypes = [
  ..."Reservation Customer OrderItem Payment Bill Company ResourceBlock".split(" "),
  ..."AvailabilityAdjustment AvailabilityBlock".split(" ")
]
const flags = [
  ...`--pending 60ms --processing 60ms --rate-limit 1000000/1s --bandwidth 3MB --files ${fileCount}`.split(" "),
  ..."--file-size 1MB --fault lose-add-answer@Bill=1".split(" "),
  ..."--fault hold-add-answer@Customer=60s --fault hold-add-answer@ResourceBlock=60s".split(" ")
]

const root = mkdtempSync(join(tmpdir(), "longshore-kill-"))
process.on("exit", () => rmSync(root, { recursive: true, force: true }))

/** Nothing to compile when a process starts: more kills in the same time. */
const environment = (simulator) => ({ ...simulator.env, NODE_COMPILE_CACHE: join(root, "cache") })
const numbers = ["--poll", "100ms", "--part-size", `${partSize}`, "--concurrency", `${concurrency}`]
const commandTo = (entityType, target) => ["export", entityType, "--to", target, ...numbers]

/** Names in a folder; none if there is no such folder. */
const list = (folder) => (existsSync(folder) ? readdirSync(folder) : [])

/** The names of the steps in a run's journal, after its first line. */
const readSteps = (target) => {
  const name = list(join(target, ".longshore")).find((name) => name.endsWith(".jsonl"))
  const lines = name === undefined ? [] : readFileSync(join(target, ".longshore", name), "utf8").split("\n")
  return lines.slice(1, -1).map((line) => JSON.parse(line).step)
}

/** Files under their final names. */
const published = (target, entityType) =>
  list(join(target, entityType)).flatMap((id) =>
    list(join(target, entityType, id))
      .filter((name) => /^\w+-\d{5}\.jsonl$/.test(name))
      .map((name) => ({ id, name, path: join(target, entityType, id, name) }))
  )

/** What a killed run was at, by what it left. */
const phaseOf = (run, target, entityType) => {
  const steps = readSteps(target)
  if (steps.includes("complete")) return "end"
  // Its lock is what a run puts up first.
  if (!list(join(target, ".longshore")).some((name) => name.includes(`.lock.${run.pid}-`))) return "start-up"
  const named = (word) => steps.filter((step) => step.startsWith(word)).length
  if (named("intent") === 0 || named("intent") > named("add")) return "add"
  if (named("ready") === 0) return "waiting"
  if (named("plan") < fileCount) return "plan"
  if (named("deliver") < published(target, entityType).length) return "rename"
  if (named("deliver") < fileCount) return "transfer"
  if (named("publish") === 0) return "manifest"
  return "end"
}

/** A moment to kill a run that has begun. */
const aMoment = async (random, run, target, life) => {
  const steps = readSteps(target).length
  if (random() < 0.25 || steps >= stepCount) return sleep(random() * life)
  const step = steps + 1 + Math.floor(random() * (stepCount - steps))
  const after = random() * 15
  while (run.isAlive() && readSteps(target).length < step) await sleep(1)
  await sleep(after)
}

/** A moment in which the API has accepted an export and has not answered. */
const accepted = async (exports, run, random) => {
  while (run.isAlive() && (await exports()).length === 0) await sleep(5)
  await sleep(random() * 100)
}

const phases = {}
const totals = { killsLeft: kills, exports: 0, adds: 0, told: 0, bytes: 0, twice: 0 }

/** One export, killed until it is done or no kill is left, and then looked at from all sides. */
const exportKilled = async (simulator, entityType, name, life) => {
  const random = generator(`${seed} ${name}`)
  const target = join(root, name)
  const env = environment(simulator)
  const command = commandTo(entityType, target)
  const exports = async () => (await simulator.exports()).filter((found) => found.entityType === entityType)
  const requests = async () => (await simulator.requests()).filter((seen) => seen.entityType === entityType)
  const wrong = []
  /** Whatever is under a final name is whole, at any time. */
  const compare = async () => {
    const truth = new Map(
      (await exports()).flatMap(({ files, id }) =>
        files.map(({ sha256 }, index) => [`${id} ${fileName(entityType, index)}`, sha256])
      )
    )
    const there = published(target, entityType)
    for (const { id, name, path } of there) {
      const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex")
      if (truth.get(`${id} ${name}`) !== sha256) wrong.push(`${path} is not what was sent`)
    }
    return there
  }

  const here = {}
  let killed = 0
  let told = 0
  for (;;) {
    const mayKill = totals.killsLeft > 0 && !readSteps(target).includes("complete")
    if (mayKill) totals.killsLeft -= 1
    const run = start(command, env)
    const held = stories[entityType] === "held" && killed === 0
    const moment = held ? accepted(exports, run, random) : aMoment(random, run, target, life)
    const code = await Promise.race([
      mayKill ? run.killAt(moment) : run.ended,
      sleep(patience, "no end", { ref: false })
    ])
    if (/an export was asked for and the answer was lost/.test(run.said())) told += 1
    if (code === "SIGKILL") {
      killed += 1
      const phase = phaseOf(run, target, entityType)
      here[phase] = (here[phase] ?? 0) + 1
      phases[phase] = (phases[phase] ?? 0) + 1
      await compare()
      continue
    }
    if (mayKill) totals.killsLeft += 1
    if (code === 0) break
    await run.killAt()
    wrong.push(`a run ended with ${code}: ${run.said().slice(-1000)}`)
    break
  }

  const there = await compare()
  const all = await exports()
  const id = there[0]?.id
  const delivered = all.find((found) => found.id === id)
  if (there.length !== fileCount || there.some((file) => file.id !== id) || delivered === undefined) {
    wrong.push(`there are ${there.length} files of ${fileCount}`)
  }
  if (all.length > 1 + told) wrong.push(`${all.length} exports were accepted, ${told} times a run told of one`)
  const seen = await requests()
  const files = seen.filter(({ exportId, kind }) => kind === "file" && exportId === id)
  const probes = files.filter(({ range }) => range === "bytes=0-0").length
  const size = delivered?.files.reduce((sum, file) => sum + file.size, 0) ?? 0
  const twice = moved(seen) - probes - size
  // Nothing is on its way in a run that starts, waits or has all files.
  const inFlight = concurrency * ["plan", "transfer", "rename"].reduce((sum, phase) => sum + (here[phase] ?? 0), 0)
  if (twice > inFlight * partSize) wrong.push(`${twice} bytes were fetched twice, ${inFlight} parts were on their way`)
  // Whole parts, counted: a part that was delivered in full twice was in flight when its process died.
  const parts = files
    .filter(({ range }) => range !== "bytes=0-0")
    .filter(({ bytes, range }) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
      return Number(to) - Number(from) + 1 === bytes
    })
  const { repeated } = repetitions(parts.map(({ file, range }) => `${file} ${range}`))
  if (repeated > inFlight) wrong.push(`${repeated} whole parts were fetched twice, ${inFlight} were on their way`)

  // A run more has nothing to do. It takes away what a minute ago was to become a lock.
  for (const name of list(join(target, ".longshore")).filter((name) => /\.lock\..*\.tmp$/.test(name))) {
    utimesSync(join(target, ".longshore", name), Date.now() / 1000 - 120, Date.now() / 1000 - 120)
  }
  const again = await start(command, env).ended
  if (again !== 0) wrong.push(`the same command again ended with ${again}`)
  if ((await requests()).length !== seen.length) wrong.push("the same command again sent requests")
  const names = readdirSync(target, { recursive: true }).filter((name) => statSync(join(target, name)).isFile())
  const expected = names.filter((name) => /^\.longshore\/[^/]+\.jsonl$|^\w+\/[^/]+\/[^/]+\.(jsonl|json)$/.test(name))
  if (expected.length !== names.length) wrong.push(`left over: ${names.filter((name) => !expected.includes(name))}`)
  if (expected.length !== fileCount + 2) wrong.push(`there are ${expected.length} files, journal and manifest included`)

  totals.exports += 1
  totals.adds += all.length
  totals.told += told
  totals.bytes += size
  totals.twice += twice
  const where = Object.entries(here)
    .map(([phase, times]) => `${phase} ${times}`)
    .join(", ")
  const detail = [
    `${killed} kills${where === "" ? "" : ` (${where})`}`,
    `${all.length} accepted, ${told} told of`,
    `${(twice / 1024).toFixed(0)} KiB twice`
  ]
  check(`${name} ${stories[entityType] ?? ""}`.trim(), wrong.length === 0, [...detail, ...wrong].join("; "))
  rmSync(target, { recursive: true, force: true })
}

/** How long a run takes that nobody disturbs, in milliseconds. Fills the cache of compiled code, too. */
const measure = async () => {
  const simulator = await startSimulator(...flags)
  const target = join(root, "measured")
  const began = performance.now()
  const run = start(commandTo("Reservation", target), environment(simulator))
  if ((await run.ended) !== 0) throw new Error(run.said())
  simulator.stop()
  return performance.now() - began
}

const lane = async (number, life) => {
  for (let round = 1; totals.killsLeft > 0; round++) {
    const simulator = await startSimulator(...flags, "--seed", String(round))
    for (const entityType of entityTypes) {
      if (totals.killsLeft > 0) await exportKilled(simulator, entityType, `${number}.${round} ${entityType}`, life)
    }
    simulator.stop()
  }
}

const repeat = `pnpm kill-test --kills ${kills} --lanes ${lanes} --seed ${seed}`
const began = performance.now()
const life = await measure()
console.log(`${repeat}\n  a run that nobody disturbs takes ${Math.round(life)} ms`)
await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index + 1, life)))

const killed = Object.values(phases).reduce((sum, times) => sum + times, 0)
check("the runs were killed as often as asked", killed === kills, `${killed}`)
const order = ["start-up", "add", "waiting", "plan", "transfer", "rename", "manifest", "end"]
console.log(`killed at: ${order.map((phase) => `${phase} ${phases[phase] ?? 0}`).join(", ")}`)
console.log(
  `${totals.exports} exports delivered, ${totals.adds} accepted, ${totals.told} times one was told of, ` +
    `${(totals.bytes / 1e6).toFixed(0)} MB, ${(totals.twice / 1e6).toFixed(1)} MB twice, ` +
    `in ${((performance.now() - began) / 1000).toFixed(0)} s`
)
console.log(`again: ${repeat}`)
finish()
