// A release as the workflow does it, in a throw-away clone of HEAD and with a registry of our own in place of npm's:
// `changeset version`, build, pack, checks of the tarballs, publish.
import { execFile, execFileSync, spawnSync } from "node:child_process"
import { readFileSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { startRegistry } from "./registry.mjs"
import { checkTarballs } from "./tarballs.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))
const json = (...path) => JSON.parse(readFileSync(join(...path), "utf8"))
const person = { GIT_AUTHOR_NAME: "release", GIT_AUTHOR_EMAIL: "release@localhost" }
const git = { ...person, GIT_COMMITTER_NAME: "release", GIT_COMMITTER_EMAIL: "release@localhost" }

const sameNames = (some, others) => {
  const known = new Set(others.map(({ name }) => name))
  return some.length === others.length && some.every(({ name }) => known.has(name))
}

/** Ends with an error that tells what the command said. */
export const run = (command, args, { cwd, env = process.env }) => {
  const result = spawnSync(command, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  if (result.status === 0) return result.stdout
  throw new Error(`${command} ${args.join(" ")}: ${result.error?.message ?? `${result.stdout}\n${result.stderr}`}`)
}

/** Publishes, by one account's settings, what a folder of `changeset pack` holds. */
export const publish = (clone, packed, env) =>
  run("pnpm", ["exec", "changeset", "publish", "--from-pack-dir", packed], {
    cwd: clone,
    env: { ...env, ...git, CI: "true" }
  })

/**
 * `check(title, holds)` is told what is looked at. Answers with the registry, which then has every package, their version,
 * the clone and the folder of the tarballs.
 */
export const rehearse = async (folder, check, { port } = {}) => {
  const clone = join(folder, "longshore")
  const pnpm = (...args) => run("pnpm", args, { cwd: clone })
  run("git", ["clone", "--quiet", root, clone], { cwd: folder })
  if (execFileSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" }) !== "") {
    console.log("       HEAD is tried, without what is not committed.")
  }
  pnpm("install", "--frozen-lockfile", "--prefer-offline")

  const pending = () => readdirSync(join(clone, ".changeset")).filter((file) => file.endsWith(".md"))
  const places = ["apps", "packages"].flatMap((group) =>
    readdirSync(join(clone, group)).map((name) => join(clone, group, name))
  )
  const packages = () => places.map((place) => json(place, "package.json")).filter((manifest) => !manifest.private)
  const before = packages()[0].version
  if (pending().length > 0) {
    pnpm("exec", "changeset", "version")
    check("changesets are used up", pending().length === 0)
    check("versions go up", packages()[0].version !== before)
    pnpm("exec", "oxfmt", "--check", ...places.map((place) => join(place, "package.json")))
    check("what was written keeps the format", true)
    // The release pull request is merged.
    run("git", ["add", "--all"], { cwd: clone })
    run("git", ["commit", "--quiet", "--message", "release"], { cwd: clone, env: { ...process.env, ...git } })
  }
  const { version } = packages()[0]
  const names = packages().map((manifest) => manifest.name)
  check(
    `all ${names.length} packages are ${version}`,
    packages().every((manifest) => manifest.version === version)
  )
  pnpm("install", "--frozen-lockfile", "--offline")
  check("the lockfile fits", true)

  pnpm("release:build")
  const registry = await startRegistry(join(folder, "registry"), { port })
  const publisher = { cwd: clone, env: registry.publisher }
  const plan = join(folder, "publish-plan.json")
  const packed = join(folder, "packed")
  const pack = () => {
    run("pnpm", ["exec", "changeset", "publish-plan", "--output", plan], publisher)
    run("pnpm", ["exec", "changeset", "pack", "--from-publish-plan", plan, "--out-dir", packed], publisher)
    return json(packed, "publish-plan.json")
  }
  const whole = pack()
  const tarballs = checkTarballs(packed, clone)
  check("each package has its tarball", sameNames(tarballs, packages()))
  for (const { bytes, name, problems } of tarballs) {
    check(`${name}: ${Math.ceil(bytes / 1000)} kB, ${problems.join("; ") || "in order"}`, problems.length === 0)
  }

  // A release breaks off after its first packages: the next run of the workflow plans, packs and publishes the others.
  const [first, ...rest] = whole.plan
  writeFileSync(join(packed, "publish-plan.json"), JSON.stringify({ ...whole, plan: [first] }))
  publish(clone, packed, registry.publisher)
  const others = pack().plan.flat()
  check(
    `a release that broke off after ${first.length} of ${names.length} packages goes on with the others`,
    sameNames(others, rest.flat())
  )
  publish(clone, packed, registry.publisher)
  return { registry, version, names, clone, packed, tarballs }
}

/** publint and attw on the very tarballs that are published, two at a time. */
export const lint = async (clone, tarballs, check) => {
  const execute = promisify(execFile)
  const todo = tarballs.flatMap(({ name, tarball }) => [
    { name, command: "publint", args: [tarball, "--strict"] },
    // A program has nothing to import.
    ...(name === "longshore" ? [] : [{ name, command: "attw", args: [tarball, "--profile", "esm-only", "--quiet"] }])
  ])
  const worker = async () => {
    for (let job = todo.shift(); job !== undefined; job = todo.shift()) {
      const { args, command, name } = job
      const said = await execute(join(clone, "node_modules", ".bin", command), args, { cwd: clone }).then(
        () => "",
        (error) => `: ${error.stdout}${error.stderr}`
      )
      check(`${command} ${name}${said}`, said === "")
    }
  }
  await Promise.all([worker(), worker()])
}
