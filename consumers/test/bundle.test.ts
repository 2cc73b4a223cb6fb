/**
 * What a program carries along when it is bundled, from `dist` as it is published. Sizes are of minified code; a budget
 * is what was measured and a tenth more.
 */
import { build } from "esbuild"
import { readdir, readFile } from "node:fs/promises"
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "vitest"

/** Bundles a program, with `effect` inside or without. */
const bundle = async (program: string, options: { readonly effect?: "inside" | "outside" } = {}) => {
  const { metafile, outputFiles } = await build({
    stdin: { contents: program, resolveDir: import.meta.dirname, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node22",
    external: options.effect === "outside" ? ["effect", "effect/*"] : [],
    metafile: true,
    write: false,
    logLevel: "silent",
    outdir: "out"
  })
  const code = outputFiles[0]?.text ?? ""
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  const modules = inputs.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? path : []))
  const packages = new Set(inputs.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? packageOf(path) : [])))
  return {
    code,
    size: code.length,
    gzipped: gzipSync(code, { level: 9 }).length,
    packages: [...packages].sort(),
    modules
  }
}

const packageOf = (path: string): ReadonlyArray<string> => {
  const ours = /(?:^|\/)packages\/([\w-]+)\/dist\//.exec(path)?.[1]
  if (ours !== undefined) return [`@longshore/${ours}`]
  return /.*node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//.exec(path)?.slice(1) ?? []
}

const program = (sink: string, layer: string) => `
  import { Exports, ExportRun, HttpSource, Journal, Transfer } from "@longshore/core"
  import { ${sink} } from "@longshore/sink-${sink === "FsSink" ? "fs" : "stdout"}"
  import { Effect, Layer, Redacted } from "effect"
  import { FetchHttpClient } from "effect/http"

  const live = Transfer.layer().pipe(
    Layer.provide(HttpSource.layer),
    Layer.merge(${layer}),
    Layer.merge(
      Exports.layer({
        platformAddress: "https://api.mews.com",
        clientToken: Redacted.make("client"),
        accessToken: Redacted.make("access")
      })
    ),
    Layer.provide(FetchHttpClient.layer),
    Layer.merge(Journal.layerMemory)
  )
  await Effect.runPromise(ExportRun.run({ request: { entityType: "Reservation" } }).pipe(Effect.provide(live)))`

const intoFolder = program("FsSink", `FsSink.layer({ directory: "./data" })`)
const intoPipe = program("StdoutSink", "StdoutSink.layer")

describe("a bundle", () => {
  it("has nothing of packages that are imported and not used", async () => {
    const names = [
      "core",
      "disk",
      "journal-file",
      "network",
      "simulator",
      "sink-fs",
      "sink-s3",
      "sink-stdout",
      "source-node",
      "workflow"
    ]
    const { code } = await bundle(names.map((name) => `import "@longshore/${name}"`).join("\n"))
    assert.strictEqual(code, "")
  })

  // KiB: all of it, and what is not Effect's.
  it.each([
    { name: "core and sink-fs", program: intoFolder, whole: 100, own: 29.5 },
    { name: "core and sink-stdout", program: intoPipe, whole: 95, own: 25 }
  ])("of $name has $whole KiB at most, gzipped, and $own without Effect", async ({ name, own, program, whole }) => {
    const all = await bundle(program)
    const ours = await bundle(program, { effect: "outside" })
    const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`
    console.log(`${name}: ${kib(all.gzipped)} gzipped, ${kib(ours.gzipped)} without Effect (${kib(all.size)} as it is)`)
    assert.isBelow(all.gzipped, whole * 1024)
    assert.isBelow(ours.gzipped, own * 1024)
    // It is all there: a bundle that lost something would be small as well.
    for (const text of ["longshore-manifest/1", "exports/getAll", "if-match"]) assert.include(ours.code, text)
  })

  it("of a cluster's client has nothing of the engine, and so has the program but for its runners", async () => {
    const engineIn = async (contents: string) => {
      const { modules } = await bundle(contents)
      return modules.some((path) => /\/effect\/dist\/(cluster|workflow)\//.test(path))
    }
    const client = `
      import { ClusterClient, ExportTask, RunStatus } from "@longshore/workflow"
      console.log(ClusterClient.make, ExportTask.ExportTask, RunStatus.RunStatus)`
    assert.isFalse(await engineIn(client))
    assert.isTrue(await engineIn(`export { ExportCluster } from "@longshore/workflow"`))

    const engineInProgram = async (folder: string) => {
      const directory = new URL(`../../apps/longshore/dist/${folder}`, import.meta.url)
      const scripts = (await readdir(directory)).filter((name) => name.endsWith(".js"))
      const texts = await Promise.all(scripts.map((name) => readFile(new URL(name, directory), "utf8")))
      return texts.some((text) => text.includes("effect/workflow/WorkflowEngine"))
    }
    assert.isFalse(await engineInProgram(""))
    assert.isTrue(await engineInProgram("cluster/"))
  })

  it("has only the packages and modules that a program uses", async () => {
    const { code, packages } = await bundle(intoFolder)
    assert.deepStrictEqual(packages, ["@longshore/core", "@longshore/disk", "@longshore/sink-fs", "effect"])
    for (const [module, mark] of [
      ["Verification", "Verification.verify"],
      ["StreamSink", "a stream takes nothing back"]
    ] as const) {
      const { code: its } = await bundle(`export { ${module} } from "@longshore/core"`, { effect: "outside" })
      assert.include(its, mark)
      assert.notInclude(code, mark)
    }
  })
})
