/** What is supported, in one place, and the projects that try it. */
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"

export interface Projects {
  /** The folder of all of them. */
  readonly home: string
  /** The packages as npm would get them. */
  readonly packed: string
  /** A project with all packages, installed by npm. */
  readonly consumer: string
  /** Node.js, Bun and Deno. */
  readonly runtimes: string
  /** What npm said while it installed the packages. */
  readonly complaints: string
}

export const root = Path.resolve(import.meta.dirname, "../..")
export const programs = Path.join(root, "consumers/programs")
const require = createRequire(import.meta.url)
const manifest: { readonly packageManager: string } = require("../../package.json")
export const packageManager = manifest.packageManager

/** The oldest that is supported, the one between, and the newest: what a consumer compiles with. */
export const typeScripts = ["5.9.3", "6.0.3", "7.0.2"] as const

const platform = `${process.platform}-${process.arch}`
const nodes = { "node-22.19": "22.19.0", "node-24": "24", "node-26": "26" }

/** What a consumer runs on: Node.js from the oldest that `engines` lets in; the portable part also on Bun and Deno. */
export const runtimes = {
  nodes: ["node-22.19", "node-24", "node-26"],
  packages: {
    ...Object.fromEntries(
      Object.entries(nodes).map(([name, version]) => [name, `npm:node-${platform}@${version}`] as const)
    ),
    bun: "1",
    deno: "2"
  }
} as const

/** The command that runs a program, from the folder with the runtimes. */
export const commandOf = (folder: string, runtime: string): ReadonlyArray<string> => {
  if (runtime === "bun") return [Path.join(folder, "node_modules/.bin/bun"), "run"]
  // It may reach the simulator and read its modules, and nothing else.
  if (runtime === "deno")
    return [Path.join(folder, "node_modules/.bin/deno"), "run", "--quiet", "--allow-net=127.0.0.1"]
  return [Path.join(folder, "node_modules", runtime, "bin/node"), "--no-warnings"]
}

export interface Packed {
  readonly name: string
  readonly file: string
  /** The names of its public modules, beside its barrel. The program has none. */
  readonly modules: ReadonlyArray<string>
}

/** The packages, by what was packed. */
export const packages = (packed: string): ReadonlyArray<Packed> =>
  Fs.readdirSync(packed)
    .sort()
    .map((file) => {
      const folder = /^longshore-([a-z].*)-\d/.exec(file)?.[1]
      if (folder === undefined) return { name: "longshore", file: Path.join(packed, file), modules: [] }
      const modules = Fs.readdirSync(Path.join(root, "packages", folder, "src"))
        .flatMap((module) => (/^([A-Z]\w+)\.ts$/.exec(module) ?? []).slice(1))
        .sort()
      return { name: `@longshore/${folder}`, file: Path.join(packed, file), modules }
    })

/** The ranges that the READMEs tell to install beside the packages. */
const beside = { effect: "~4.1.0", "@effect/platform-node": "~4.1.0" }
const besideForTests = { "@types/node": "^22.19.0", "@effect/vitest": "^4.0.5", vitest: "^5.0.0" }

/** A module that imports every module of the packages, by barrel and by path, and holds the two against each other. */
const everyImport = (all: ReadonlyArray<Packed>): string => {
  const libraries = all.filter(({ modules }) => modules.length > 0)
  const as = (name: string) => name.replaceAll(/\W/g, "_")
  return [
    `import event from "@longshore/core/schemas/event.json" with { type: "json" }`,
    `import manifest from "@longshore/core/schemas/manifest.json" with { type: "json" }`,
    ...libraries.flatMap(({ modules, name }) => [
      `import * as ${as(name)} from "${name}"`,
      `import ${as(name)}_package from "${name}/package.json" with { type: "json" }`,
      ...modules.map((module) => `import * as ${as(name)}_${module} from "${name}/${module}"`)
    ]),
    `type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? unknown : never`,
    `const same = <A extends object, B extends object>(name: string, barrel: A & Same<A, B>, path: B): void => {`,
    `  const [left, right] = [barrel, path].map((module) => Object.entries(module).sort(([a], [b]) => (a < b ? -1 : 1)))`,
    `  if (left === undefined || right === undefined || left.length !== right.length) throw new Error(name)`,
    `  for (const [index, [key, value]] of left.entries()) {`,
    `    if (right[index]?.[0] !== key || right[index]?.[1] !== value) throw new Error(\`\${name}: \${key} is there twice\`)`,
    `  }`,
    `}`,
    ...libraries.flatMap(({ modules, name }) => [
      `if (Object.keys(${as(name)}).sort().join() !== "${modules.join()}") throw new Error("the barrel of ${name}")`,
      ...modules.map((module) => `same("${name}/${module}", ${as(name)}.${module}, ${as(name)}_${module})`)
    ]),
    `if (event.title === "" || manifest.title === "") throw new Error("a schema has no title")`,
    `console.log([${libraries.map(({ name }) => `${as(name)}_package.name`).join(", ")}].join(" "))`,
    ""
  ].join("\n")
}

/** The suites of the testkit are modules of Vitest: they are loaded by it, and by nothing else. */
export const runnable = (all: ReadonlyArray<Packed>): ReadonlyArray<Packed> =>
  all.filter(({ name }) => name !== "@longshore/testkit")

/** A project with the programs that depends on all packages, and on what they need beside them. */
export const writeProject = (
  folder: string,
  options: { readonly packed: string; readonly devDependencies: Readonly<Record<string, string>> }
): void => {
  Fs.mkdirSync(folder, { recursive: true })
  const packed = packages(options.packed)
  const all = packed.map(({ file, name }) => [name, `file:${file}`] as const)
  Fs.writeFileSync(
    Path.join(folder, "package.json"),
    JSON.stringify({
      name: "consumer",
      private: true,
      type: "module",
      dependencies: { ...Object.fromEntries(all), ...beside },
      devDependencies: { ...besideForTests, ...options.devDependencies }
    })
  )
  Fs.cpSync(programs, Path.join(folder, "programs"), { recursive: true })
  // One to compile, and one to run.
  Fs.writeFileSync(Path.join(folder, "programs/imports.ts"), everyImport(packed))
  Fs.writeFileSync(Path.join(folder, "imports.mts"), everyImport(runnable(packed)))
}
