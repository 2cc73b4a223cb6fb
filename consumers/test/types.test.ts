import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, inject, it } from "vitest"
import { typeScripts } from "../src/projects.ts"
import { run } from "../src/shell.ts"

const { consumer } = inject("projects")

/** Compiles what is in a folder, as strictly as it goes. */
const compile = async (
  version: string,
  options: { readonly folder: string; readonly resolution: "nodenext" | "bundler"; readonly skipLibCheck: boolean }
) => {
  const { folder, resolution, skipLibCheck } = options
  const config = Path.join(consumer, `tsconfig.${version}.${folder}.${resolution}.${skipLibCheck}.json`)
  Fs.writeFileSync(
    config,
    JSON.stringify({
      include: [folder],
      compilerOptions: {
        target: "es2023",
        // Nothing of ours needs a browser's types. Effect's own declarations do, where they are looked at.
        lib: skipLibCheck ? ["es2023"] : ["es2023", "dom"],
        types: ["node"],
        module: resolution === "nodenext" ? "nodenext" : "preserve",
        moduleResolution: resolution,
        resolveJsonModule: true,
        verbatimModuleSyntax: true,
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        noEmit: true,
        skipLibCheck
      }
    })
  )
  const tsc = Path.join(consumer, "node_modules", `typescript-${version}`, "bin/tsc")
  return await run(process.execPath, [tsc, "-p", config, "--pretty", "false"], { cwd: consumer })
}

describe.each(typeScripts)("TypeScript %s", (version) => {
  const modes = (["nodenext", "bundler"] as const).flatMap((resolution) =>
    [true, false].map((skipLibCheck) => ({ resolution, skipLibCheck }))
  )
  it.each(modes)("compiles all programs: $resolution, skipLibCheck $skipLibCheck", async (mode) => {
    const { code, stdout } = await compile(version, { folder: "programs", ...mode })
    assert.strictEqual(stdout, "")
    assert.strictEqual(code, 0)
  })

  it("refuses what must not compile for the reason that is named, and nothing else", async () => {
    const text = Fs.readFileSync(Path.join(consumer, "programs/refused.ts"), "utf8")
    const expected = new Map(
      text.split("\n").flatMap((line, index) => {
        const reason = /^ *\/\/ @ts-expect-error (.+)$/.exec(line)?.[1]
        return reason === undefined ? [] : [[index + 2, reason] as const]
      })
    )
    const folder = `refused-${version.replaceAll(".", "-")}`
    Fs.mkdirSync(Path.join(consumer, folder))
    Fs.writeFileSync(Path.join(consumer, folder, "refused.ts"), text.replaceAll("// @ts-expect-error ", "// "))
    const { stdout } = await compile(version, { folder, resolution: "nodenext", skipLibCheck: true })
    const found = new Map<number, string>()
    for (const message of stdout.split(/^(?=\S)/m)) {
      const line = Number(/^\S+\((\d+),\d+\): error TS/.exec(message)?.[1])
      found.set(line, `${found.get(line) ?? ""}${message}`)
    }
    assert.isAbove(expected.size, 25)
    assert.deepStrictEqual([...found.keys()], [...expected.keys()])
    for (const [line, reason] of expected) assert.include(found.get(line), reason, `line ${line}`)
  })
})
