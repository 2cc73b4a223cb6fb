// Longshore beside other tools: the same bytes from the same origin to the same place, one after the other, round by
// round, so that what else the machine does falls on all of them.
//
//   pnpm bench [--rounds 5] [--only http-1gib,s3] [--write] [--install] [--folder /tmp] [--s3 http://…]
//
// The origin is nginx (origin.mjs), not our simulator. Every result is compared with the origin's bytes. The tables go to
// stdout, progress to stderr; --write keeps them in RESULTS.md. --install asks apt for tools that are missing; a tool can be
// named, too: BENCH_RCLONE=/opt/rclone/rclone. --folder is where everything is written: it chooses the disk. Without
// --s3, which takes the usual AWS variables for its keys, the S3 server is a Ceph of our own.
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { cpus, freemem, loadavg, release, tmpdir, totalmem } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { program } from "./longshore.mjs"
import { endAll, measure } from "./measure.mjs"
import { startOrigin } from "./origin.mjs"
import { findTools, peers } from "./peers.mjs"
import { startS3 } from "./s3.mjs"
import { promises, promiseTable, workTable } from "./table.mjs"
import { works } from "./works.mjs"

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    write: { type: "boolean", default: false },
    install: { type: "boolean", default: false },
    folder: { type: "string", default: tmpdir() },
    s3: { type: "string" }
  }
})
const rounds = Number(options.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds is a number from 1")
if (options.write && rounds < 5) throw new Error("--write wants at least five rounds")
const only = options.only?.split(",")
const asked = ({ id }) => only === undefined || only.some((name) => id === name || id.startsWith(`${name}-`))

const say = (text) => process.stderr.write(`${text}\n`)
const text = (command, ...args) =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", 2] }).trim()

// Two copies of the files, and what a killed run leaves.
const room = 4 * 2 ** 30
const { bavail, bsize } = fs.statfsSync(options.folder)
if (bavail * bsize < room) throw new Error(`${options.folder} has less than 4 GiB free; --folder chooses another one`)
if (!fs.existsSync(program)) throw new Error("Longshore is not built: pnpm bench does it")
// Three objects of 1 GiB and what is around them.
const memoryOfS3 = 6 * 2 ** 30
const tools = findTools(options)

const root = fs.mkdtempSync(join(options.folder, "longshore-bench-"))
process.once("exit", () => {
  endAll()
  fs.rmSync(root, { recursive: true, force: true, maxRetries: 5 })
})
process.once("SIGINT", () => process.exit(130))
process.once("SIGTERM", () => process.exit(143))

const or = (value, attempt) => {
  try {
    return attempt()
  } catch {
    return value
  }
}
const distribution = or("Linux", () => /^PRETTY_NAME="(.*)"$/m.exec(fs.readFileSync("/etc/os-release", "utf8"))[1])
const fileSystem = or("unknown file system", () => text("findmnt", "-n", "-o", "FSTYPE", "-T", root))
const commit = or("", () => text("git", "-C", import.meta.dirname, "describe", "--always", "--dirty"))
const versions = Object.entries(tools)
  .filter(([name]) => !["nginx", "openssl", "time"].includes(name))
  .map(([name, { version }]) => `${name} ${version}`)
const machine = [
  `${new Date().toISOString().slice(0, 10)}, ${rounds} interleaved ${rounds === 1 ? "round" : "rounds"}.`,
  `Longshore ${commit} on Node.js ${process.version.slice(1)}; ${versions.join(", ")}; origin nginx ${tools.nginx.version} on loopback.`,
  `${cpus()[0].model}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${distribution}, Linux ${release()}, ${fileSystem}.`,
  `Load of the machine before: ${loadavg()[0].toFixed(1)}.`
].join("\n")

say("Making the origin's files…")
const origin = await startOrigin(join(root, "origin"), { far: asked({ id: "latency" }) })
const all = works(origin, peers(tools))
const unknown = only?.filter((name) => !all.some(({ id }) => id === name || id.startsWith(`${name}-`))) ?? []
if (unknown.length > 0) throw new Error(`--only: not a work: ${unknown.join(", ")}`)

/** Compares, and brings the first one into the page cache, where it stays. */
const same = (one, other) => {
  const files = [fs.openSync(one, "r"), fs.openSync(other, "r")]
  const buffers = files.map(() => Buffer.allocUnsafe(2 ** 22))
  try {
    for (;;) {
      const [read, also] = files.map((file, index) => fs.readSync(file, buffers[index]))
      if (read !== also || buffers[0].compare(buffers[1], 0, read, 0, read) !== 0) return false
      if (read === 0) return true
    }
  } finally {
    for (const file of files) fs.closeSync(file)
  }
}

const isWhole = async (files, contender, place) => {
  const sources = files.map(({ name }) => join(origin.files, name))
  if (place.s3 !== undefined) {
    const key = contender.key ?? (await place.s3.keys()).find(contender.isKey)
    return place.s3.same(key, sources[0])
  }
  const results = contender.result(place)
  return results.length === sources.length && results.every((result, index) => same(sources[index], result))
}

/** One contender, once. */
const once = async (work, contender, s3) => {
  const place = { work: root, target: join(root, "target"), s3 }
  fs.rmSync(place.target, { recursive: true, force: true })
  fs.mkdirSync(place.target)
  await s3?.empty()
  await contender.prepare?.(place)
  // What is left to be written is not the next one's.
  text("sync")
  const cost = await measure({ ...contender.start(place), work: root })
  if (!(await isWhole(work.files, contender, place)))
    throw new Error(`${contender.name}: other bytes than the origin's`)
  return cost
}

const results = new Map()
const left = []
const failures = []
const leave = (work, why) => {
  left.push(`${work.title}: not measured, ${why}.`)
  say(left.at(-1))
}

/** Nobody can take part, which is nobody's failure. */
class NoServer extends Error {}
const withoutS3 = (error) => {
  throw new NoServer(`no S3 server: ${error.message.split("\n")[0]}`)
}

const runRound = async (work, round, runs) => {
  // Deleted objects stay in Ceph's memory for hours, so each round has one of its own.
  const s3 = work.s3 ? await startS3(options.s3).catch(withoutS3) : undefined
  // Everyone is first once.
  const turn = round % work.contenders.length
  for (const contender of [...work.contenders.slice(turn), ...work.contenders.slice(0, turn)]) {
    // Who has failed once has no figure.
    if (runs.get(contender.name) === undefined) continue
    const label = `${work.id} ${round + 1}/${rounds}: ${contender.name}`
    try {
      const cost = await once(work, contender, s3)
      runs.get(contender.name).push(cost)
      say(`${label}: ${cost.wall.toFixed(2)} s`)
    } catch (error) {
      runs.set(contender.name, undefined)
      failures.push(`${label}: ${error.message}`)
      say(failures.at(-1))
    }
  }
  await s3?.stop()
}

for (const work of all.filter(asked)) {
  if (work.s3 && options.s3 === undefined && freemem() < memoryOfS3) {
    work.impossible = "the S3 server in memory needs 6 GiB, and less is free"
  }
  if (work.impossible !== undefined) {
    leave(work, work.impossible)
    continue
  }
  for (const { name } of work.files) same(join(origin.files, name), join(origin.files, name))
  const runs = new Map(work.contenders.map(({ name }) => [name, []]))
  try {
    for (let round = 0; round < rounds; round++) await runRound(work, round, runs)
  } catch (error) {
    if (!(error instanceof NoServer)) throw error
    leave(work, error.message)
    continue
  }
  results.set(work, runs)
}
await origin.end()

const explained = `"Wall" includes start-up and \`fsync\`: each peer's command is followed by \`sync\` of its files and their folder, as Longshore syncs its own. CPU is that of all processes of the client, RSS that of the largest. Ratios are of medians; MB are 10^6 bytes.`
const measured = [...results]
const markdown = [
  machine,
  explained,
  ...measured.map(([work, runs]) => workTable(work, runs)),
  ...left,
  ...failures.map((failure) => `**Failed**: ${failure.split("\n")[0]}`),
  "### Targets",
  promiseTable(measured.flatMap(([work, runs]) => promises(work, runs)))
].join("\n\n")
process.stdout.write(`${markdown}\n`)

if (options.write) {
  const path = fileURLToPath(new URL("RESULTS.md", import.meta.url))
  const [begin, end] = ["<!-- bench:begin -->", "<!-- bench:end -->"]
  const old = fs.readFileSync(path, "utf8")
  const section = `${begin}\n\n${markdown}\n\n${end}`
  const from = old.indexOf(begin)
  const to = old.indexOf(end)
  const title = "## Against other tools: `pnpm bench`"
  const kept =
    from < 0 || to < from
      ? `${old.trimEnd()}\n\n${title}\n\n${section}\n`
      : old.slice(0, from) + section + old.slice(to + end.length)
  fs.writeFileSync(path, kept)
  // As `pnpm format` would.
  text(fileURLToPath(new URL("../node_modules/.bin/oxfmt", import.meta.url)), path)
}
process.exit(failures.length === 0 ? 0 : 1)
