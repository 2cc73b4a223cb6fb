import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, inject, it } from "vitest"
import { commandOf, packageManager, packages, programs, runnable, writeProject } from "../src/projects.ts"
import { must, run } from "../src/shell.ts"

const { complaints, consumer, home, packed, runtimes } = inject("projects")
const all = packages(packed)
const [node = ""] = commandOf(runtimes, "node-24")
const loaded = runnable(all).filter(({ modules }) => modules.length > 0)

const folders = (path: string): ReadonlyArray<string> =>
  Fs.readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => !name.includes("node_modules/.cache"))

describe("what is packed", () => {
  it.each(all)("$name has what it needs, and nothing of the workspace", ({ modules, name }) => {
    const folder = Path.join(consumer, "node_modules", name)
    const files = folders(folder)
    for (const file of ["package.json", "README.md", "LICENSE"]) assert.include(files, file)
    assert.isEmpty(files.filter((file) => /(^|\/)(test|fixtures|\.turbo)(\/|$)|tsconfig|tsbuildinfo/.test(file)))
    for (const module of modules) {
      for (const file of [`dist/${module}.js`, `dist/${module}.d.ts`, `src/${module}.ts`]) assert.include(files, file)
    }
    assert.notMatch(Fs.readFileSync(Path.join(folder, "package.json"), "utf8"), /"(workspace|catalog|link):/)
    // Maps lead to the sources that come along.
    for (const file of files.filter((file) => file.endsWith(".map"))) {
      const path = Path.join(folder, file)
      const { sources }: { readonly sources: ReadonlyArray<string> } = JSON.parse(Fs.readFileSync(path, "utf8"))
      for (const source of sources) assert.isTrue(Fs.existsSync(Path.resolve(path, "..", source)), `${file}: ${source}`)
    }
  })
})

describe("installed by npm", () => {
  it("nothing is complained about, and nothing is there twice", async () => {
    assert.notMatch(complaints, /peer|ERESOLVE|EBADENGINE|deprecated|@longshore/)
    const { stdout } = await must("npm", ["ls", "--all", "--parseable"], { cwd: consumer })
    const installed = stdout.split("\n").map((path) => path.slice(path.lastIndexOf("node_modules/") + 13))
    for (const name of ["effect", ...all.map(({ name }) => name)]) {
      assert.lengthOf(
        installed.filter((found) => found === name),
        1,
        name
      )
    }
  })

  it("every module is the same by barrel and by path", async () => {
    const { stdout } = await must(node, ["--no-warnings", "imports.mts"], { cwd: consumer })
    assert.strictEqual(stdout.trim().split(" ").length, loaded.length)
  })

  it("loading a package does nothing: sideEffects is true to its word", async () => {
    // What others do when they are loaded is not ours: Node.js itself loads its fetch along with node:http.
    const others = ["effect", "effect/http", "effect/cluster", "@aws-sdk/client-s3", "node:http", "node:https"]
    const program = `
      await Promise.all(${JSON.stringify(others)}.map((name) => import(name)))
      const state = () => JSON.stringify([
        Reflect.ownKeys(globalThis).map(String),
        process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
        process.getActiveResourcesInfo(),
        process.env
      ])
      const before = state()
      for (const name of ${JSON.stringify(loaded.map(({ name }) => name))}) {
        await import(name)
        if (state() !== before) throw new Error(name + " does something when it is loaded: " + before + state())
      }`
    const { stderr } = await run(node, ["--input-type=module", "--eval", program], { cwd: consumer })
    assert.strictEqual(stderr, "")
  })

  it("what is internal cannot be reached", async () => {
    const inside = loaded.flatMap(({ name }) =>
      folders(Path.join(consumer, "node_modules", name))
        .flatMap((file) => {
          // By its place, and as a name that `exports` might let in.
          const named = /^(?:dist|src)\/(internal\/\w+)\.(?:d\.)?ts$/.exec(file)?.[1]
          return /^(dist|src)\/.+\.(js|ts)$/.test(file) ? [file, ...(named === undefined ? [] : [named])] : []
        })
        .map((path) => `${name}/${path}`)
    )
    assert.isAbove(inside.length, 100)
    const refusals = ["ERR_PACKAGE_PATH_NOT_EXPORTED", "ERR_MODULE_NOT_FOUND"]
    const program = `
      const reached = []
      for (const path of ${JSON.stringify(inside)}) {
        try { await import(path); reached.push(path) }
        catch (error) { if (!${JSON.stringify(refusals)}.includes(error.code)) throw error }
      }
      console.log(JSON.stringify(reached))`
    const { stdout } = await must(node, ["--input-type=module", "--eval", program], { cwd: consumer })
    assert.deepStrictEqual(JSON.parse(stdout), [])
  })

  it("the suites of the testkit run, and find a sink that is not one", async () => {
    const vitest = [Path.join(consumer, "node_modules/vitest/vitest.mjs"), "run", "--reporter=json"]
    const counts = async (file: string): Promise<{ numPassedTests: number; numFailedTests: number }> => {
      const answer = Path.join(home, `${Path.basename(file)}.json`)
      await run(node, [...vitest, `--outputFile=${answer}`, file], { cwd: consumer })
      return JSON.parse(Fs.readFileSync(answer, "utf8"))
    }
    const sound = await counts("programs/sink.test.ts")
    assert.isAbove(sound.numPassedTests, 50)
    assert.strictEqual(sound.numFailedTests, 0)

    // One that calls an object complete whatever is missing.
    const text = Fs.readFileSync(Path.join(programs, "sink.test.ts"), "utf8")
    const broken = text.replace(
      "open: MemorySink.layer(store)",
      `open: Layer.effect(ObjectSink.ObjectSink, Effect.gen(function* () {
        const sink = yield* ObjectSink.ObjectSink
        return { ...sink, open: (object) => Effect.map(sink.open(object), (writer) => ({ ...writer,
          commit: Effect.catch(writer.commit, () => Effect.succeed({ ...object, version: "wrong" })) })) }
      })).pipe(Layer.provide(MemorySink.layer(store)))`
    )
    assert.notStrictEqual(broken, text)
    Fs.writeFileSync(Path.join(consumer, "broken.test.ts"), broken.replace("{ Journal }", "{ Journal, ObjectSink }"))
    assert.isAbove((await counts("broken.test.ts")).numFailedTests, 0)
  })
})

it("installed by pnpm, where only what is declared is found", async () => {
  const strict = Path.join(home, "strict")
  writeProject(strict, { packed, devDependencies: { typescript: "7.0.2" } })
  Fs.writeFileSync(
    Path.join(strict, "pnpm-workspace.yaml"),
    JSON.stringify({
      // Packages that are not published yet come from here, also where they depend on each other.
      overrides: Object.fromEntries(all.map(({ file, name }) => [name, `file:${file}`])),
      hoist: false,
      strictPeerDependencies: true
    })
  )
  const { stderr, stdout } = await must("npx", ["--yes", packageManager, "install"], { cwd: strict })
  assert.notMatch(stdout + stderr, /peer|WARN/i)
  await must(node, ["--no-warnings", "imports.mts"], { cwd: strict })
  const lib = [
    "--lib",
    "es2023,dom",
    "--types",
    "node",
    "--resolveJsonModule",
    "--strict",
    "--noEmit",
    "--ignoreConfig"
  ]
  const tsc = ["node_modules/typescript/bin/tsc", "--module", "nodenext", "--exactOptionalPropertyTypes", ...lib]
  const files = Fs.readdirSync(Path.join(strict, "programs")).map((file) => `programs/${file}`)
  await must(node, [...tsc, ...files], { cwd: strict })
})
