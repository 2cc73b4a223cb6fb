// The release, tried as a whole: all that the workflow does, against a registry of our own, and then what a stranger does
// who has nothing but Node.js and npm. What is left out is what only npm's registry and GitHub have: trusted publishing and the
// signature of the provenance (`publishConfig.provenance` asks for it, and pnpm passes it over where no OIDC token is to be had).
//
//   pnpm release:dry-run
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePorts } from "../ports.mjs"
import { lint, publish, rehearse, run } from "./rehearse.mjs"
import { checkTarballs } from "./tarballs.mjs"

const started = performance.now()
const count = { passed: 0, failed: 0 }
const check = (title, holds) => {
  count[holds ? "passed" : "failed"] += 1
  console.log(`${holds ? "ok    " : "WRONG "} ${title}`)
}
const part = (title) => console.log(`\n${title} (${((performance.now() - started) / 1000).toFixed(0)} s)`)
const refused = (attempt, words) => {
  try {
    attempt()
    return false
  } catch (error) {
    return words.test(error.message)
  }
}

const folder = mkdtempSync(join(tmpdir(), "longshore-release-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

/** Each is planted into a package, which must then be found to be wrong, in these words. */
const plants = {
  "package.json has workspace: left": [
    "workspace:^",
    (at) => edit(at, (manifest) => (manifest.dependencies = { "@longshore/core": "workspace:^" }))
  ],
  "package.json has catalog: left": [
    "catalog:peer",
    (at) => edit(at, (manifest) => (manifest.peerDependencies = { effect: "catalog:peer" }))
  ],
  "a dependency is of another release": [
    "not ^",
    (at) => edit(at, (manifest) => (manifest.dependencies = { "@longshore/core": "^0.0.1" }))
  ],
  "provenance is not asked for": [
    "provenance",
    (at) => edit(at, (manifest) => delete manifest.publishConfig.provenance)
  ],
  "repository.url is a fork's": [
    "repository.url",
    (at) => edit(at, (manifest) => (manifest.repository.url = "git+https://github.com/someone/longshore.git"))
  ],
  "repository.directory is another's": [
    "repository.directory",
    (at) => edit(at, (manifest) => (manifest.repository.directory = "packages/core"))
  ],
  "it runs a script where it is installed": [
    "postinstall",
    (at) => edit(at, (manifest) => (manifest.scripts = { postinstall: "node dist/index.js" }))
  ],
  "LICENSE is missing": ["LICENSE is missing", (at) => rmSync(join(at, "LICENSE"))],
  "LICENSE is another": ["LICENSE is not", (at) => writeFileSync(join(at, "LICENSE"), "GPL")],
  "README.md is missing": ["README.md is missing", (at) => rmSync(join(at, "README.md"))],
  "CHANGELOG.md is missing": ["CHANGELOG.md is missing", (at) => rmSync(join(at, "CHANGELOG.md"))],
  "it was not built": ["not built", (at) => rmSync(join(at, "dist"), { recursive: true })],
  "a test is in it": ["does not belong", (at) => writeFileSync(join(at, "src", "Disk.test.ts"), "")],
  "a file of settings is in it": ["does not belong", (at) => writeFileSync(join(at, ".env"), "")],
  "sources of its maps are not in it": ["which is not in it", (at) => rmSync(join(at, "src"), { recursive: true })],
  "a token of npm is in it": [
    "token of npm",
    (at) => writeFileSync(join(at, "dist", "x.js"), `npm_${"a1B2".repeat(9)}`)
  ],
  "a token of Mews is in it": [
    "token of Mews",
    (at) => writeFileSync(join(at, "dist", "x.js"), `"${"0A1B2C3D".repeat(4)}-${"0A1B2C3D".repeat(4).slice(1)}"`)
  ],
  "a signed link is in it": [
    "signed link",
    (at) => writeFileSync(join(at, "dist", "x.js"), `https://files.test/a?sig=${"aB3%2F".repeat(6)}`)
  ],
  "a path of this machine is in it": [
    "path of the machine",
    (at, clone) => writeFileSync(join(at, "dist", "x.js"), join(clone, "packages"))
  ]
}
const edit = (at, change) => {
  const file = join(at, "package.json")
  const manifest = JSON.parse(readFileSync(file, "utf8"))
  change(manifest)
  writeFileSync(file, JSON.stringify(manifest))
}

const main = async () => {
  part("A release, up to a registry")
  const { clone, names, packed, registry, tarballs, version } = await rehearse(folder, check)

  part("The packages")
  await lint(clone, tarballs, check)

  part("The checks of packages find what is planted")
  const healthy = tarballs.find(({ name }) => name === "@longshore/disk").tarball
  for (const [title, [words, plant]] of Object.entries(plants)) {
    const at = join(folder, "planted")
    mkdirSync(at)
    run("tar", ["-xzf", healthy, "-C", at], { cwd: folder })
    plant(join(at, "package"), clone)
    run("tar", ["-czf", join(at, "planted.tgz"), "package"], { cwd: at })
    const [{ problems }] = checkTarballs(at, clone)
    check(
      title,
      problems.some((problem) => problem.includes(words))
    )
    rmSync(at, { recursive: true })
  }

  part("A second time")
  const integrity = async () =>
    Promise.all(
      names.map(async (name) => {
        const packument = await registry.packument(name)
        return `${name} ${Object.keys(packument.versions).join()} ${packument.versions[version].dist.integrity}`
      })
    )
  const published = (await integrity()).join("\n")
  const again = run("pnpm", ["exec", "changeset", "publish"], {
    cwd: clone,
    env: { ...registry.publisher, CI: "true" }
  })
  check("publishing again finds nothing to do", again.includes("No unpublished projects"))
  check(
    "a published version is not published once more",
    refused(() => publish(clone, packed, registry.publisher), /already present/)
  )
  check(
    "who has no account publishes nothing",
    refused(() => run("npm", ["publish", healthy], { cwd: folder, env: registry.stranger }), /need auth|E401/i)
  )
  check("the registry has what it had", (await integrity()).join("\n") === published)

  part("A stranger takes the program")
  const shell = { cwd: folder, env: { ...registry.stranger, HOME: join(folder, "home") } }
  mkdirSync(shell.env.HOME)
  console.log(`       with Node.js ${run("node", ["--version"], shell).trim().slice(1)}`)
  const prefix = join(folder, "prefix")
  run("npm", ["install", "--global", "--prefix", prefix, "longshore"], shell)
  const program = join(prefix, "bin", "longshore")
  const said = run(program, ["--version"], shell).trim()
  check(`longshore --version says ${said}`, said.split(/\s+/).at(-1).replace(/^v/, "") === version)
  check("it brought nothing else", readdirSync(join(prefix, "lib", "node_modules")).join() === "longshore")

  const [port] = await freePorts(1)
  const simulator = spawn(program, ["simulate", "--port", String(port), "--files", "3", "--file-size", "2MB"], {
    ...shell,
    stdio: "ignore"
  })
  const stop = () => simulator.kill()
  process.on("exit", stop)
  const printed = run(program, ["simulate", "--port", String(port), "--print-env"], shell)
  const variables = [...printed.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [
    name,
    value.replace(/^(['"])(.*)\1$/, "$2")
  ])
  const env = { ...shell.env, ...Object.fromEntries(variables) }
  for (let tries = 0; tries < 100; tries++) {
    const answers = await fetch(`http://127.0.0.1:${port}/_simulator/exports`).then(
      () => true,
      () => false
    )
    if (answers) break
    await sleep(100)
  }
  const data = join(folder, "data")
  run(program, ["export", "Reservation", "--to", data], { cwd: folder, env })
  const files = readdirSync(data, { recursive: true })
  check("an export into a folder arrives", files.filter((file) => file.endsWith(".jsonl")).length >= 3)
  const verified = JSON.parse(run(program, ["verify", data, "--json"], { cwd: folder, env }))
  check("longshore verify finds it whole", verified.ok === true && existsSync(join(data, "Reservation")))

  part("A stranger takes the packages")
  const project = join(folder, "project")
  mkdirSync(project)
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
  writeFileSync(join(project, "program.js"), programOfAStranger)
  const libraries = names.filter((name) => name !== "longshore")
  run("npm", ["install", ...libraries, "effect@~4.1.0", "@effect/platform-node@~4.1.0"], { ...shell, cwd: project })
  const manifest = json(project, "package.json")
  check(
    "npm wrote the version that was published",
    libraries.every((name) => manifest.dependencies[name] === `^${version}`)
  )
  const answer = JSON.parse(run("node", ["program.js"], { cwd: project, env }))
  const [delivered, ...more] = answer.exports
  check(
    "a program that uses them exports into a folder and verifies it",
    more.length === 0 && delivered.files === 3 && delivered.differences.length === 0 && answer.proved === "content"
  )
  stop()
  registry.stop()
}
const json = (...path) => JSON.parse(readFileSync(join(...path), "utf8"))

const programOfAStranger = `
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { ExportRun, Exports, Transfer, Verification } from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { FsSink } from "@longshore/sink-fs"
import { NodeSource } from "@longshore/source-node"
import { Effect, Layer, Redacted } from "effect"

const directory = "./data"
const live = Transfer.layer().pipe(
  Layer.provide(NodeSource.layer()),
  Layer.merge(FsSink.layer({ directory })),
  Layer.merge(
    Exports.layer({
      platformAddress: process.env.LONGSHORE_PLATFORM_ADDRESS,
      clientToken: Redacted.make(process.env.LONGSHORE_CLIENT_TOKEN),
      accessToken: Redacted.make(process.env.LONGSHORE_ACCESS_TOKEN)
    })
  ),
  Layer.provide(NodeHttpClient.layerNodeHttp),
  Layer.merge(FileJournal.layer({ path: "./journal.jsonl", identity: { what: "customers" } }))
)
const program = Effect.gen(function* () {
  yield* ExportRun.run({ request: { entityType: "Customer" } })
  return yield* Verification.verify()
})
console.log(JSON.stringify(await Effect.runPromise(Effect.provide(program, live))))
`

try {
  await main()
} catch (error) {
  console.error(error.message)
  count.failed += 1
}
console.log(`\n${((performance.now() - started) / 1000).toFixed(0)} s\n${count.passed} passed, ${count.failed} failed`)
process.exit(count.failed === 0 ? 0 : 1)
