/**
 * The code in documentation. Every fenced block of `ts`, in the docblocks of public modules and in pages of Markdown,
 * becomes a module that is compiled and run. It stands in its module on the lines on which it stands in its source, so
 * that what the compiler says points there.
 */
import { execFile } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { promisify } from "node:util"

export const root = Path.resolve(import.meta.dirname, "../..")
const folder = Path.join(root, "test/.doc-examples")

export interface DocExample {
  /** `packages/core/src/Crc32.ts:12` */
  readonly name: string
  /** The module that was made of it. */
  readonly module: string
  /** Compiled only: it needs what a test does not have. */
  readonly run: boolean
  /** It says by itself what is tested: suites of the testkit. */
  readonly suite: boolean
}

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "docs/**/*.md",
  "packages/*/README.md",
  "apps/*/README.md",
  "examples/README.md",
  "packages/*/src/*.ts"
]

/** Writes the module of each example, and drops those of earlier ones. */
export const extract = (): ReadonlyArray<DocExample> => {
  Fs.rmSync(folder, { recursive: true, force: true })
  Fs.mkdirSync(folder, { recursive: true })
  Fs.writeFileSync(
    Path.join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.base.json",
      include: ["*.ts"],
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false, lib: ["ES2023", "DOM", "DOM.AsyncIterable"] }
    })
  )
  return Fs.globSync(pages, {
    cwd: root,
    exclude: ["docs/api/**", "docs/{commands,examples}.md", "**/node_modules/**"]
  })
    .sort()
    .flatMap((page) => blocks(page, Fs.readFileSync(Path.join(root, page), "utf8")))
}

/** Asks the compiler. Gives its complaints, by the places in the sources. */
export const compile = async (): Promise<string> => {
  const tsc = Path.join(root, "node_modules/.bin/tsc")
  return await promisify(execFile)(tsc, ["-p", folder, "--pretty", "false"], { cwd: root }).then(
    () => "",
    (error: Error & { readonly stdout?: string }) =>
      (error.stdout || error.message).replaceAll(
        /^\S*\.doc-examples\/(\S+?)\.L\d+\.ts\((\d+)/gm,
        (_, name, line) => `${String(name).replaceAll("__", "/")}(${line}`
      )
  )
}

const blocks = (page: string, text: string): ReadonlyArray<DocExample> => {
  const isCode = page.endsWith(".ts")
  const found: Array<DocExample> = []
  // The lines of a block that is open, and the line on which it began.
  let block: { readonly line: number; readonly run: boolean; readonly lines: Array<string> } | undefined
  const lines = text.split("\n")
  for (const [index, raw] of lines.entries()) {
    // In code, only what stands in a docblock.
    const line = isCode ? (/^ *\*(?: (.*))?$/.exec(raw)?.at(1) ?? (/^ *\*$/.test(raw) ? "" : undefined)) : raw
    const fence = line === undefined ? null : /^ *```(\S*) *(.*)$/.exec(line)
    if (block === undefined) {
      if (fence?.[1] === "ts") block = { line: index + 1, run: fence[2]?.trim() !== "no-run", lines: [] }
      else if (fence !== null && fence[1] === "typescript") throw new Error(`${page}:${index + 1}: say \`ts\``)
      continue
    }
    if (fence !== null) {
      found.push(write(page, block))
      block = undefined
    } else if (line === undefined) throw new Error(`${page}:${block.line}: the block does not end`)
    else block.lines.push(line)
  }
  return found
}

const write = (
  page: string,
  block: { readonly line: number; readonly run: boolean; readonly lines: Array<string> }
) => {
  const name = `${page}:${block.line}`
  const module = Path.join(folder, `${page.replaceAll("/", "__")}.L${block.line}.ts`)
  const above = `import * as __assert from "node:assert"; void __assert; export {}` + "\n".repeat(block.line)
  Fs.writeFileSync(module, `${above}${block.lines.map(asserting).join("\n")}\n`)
  return { name, module, run: block.run, suite: block.lines.some((line) => /Suite\.suite\(/.test(line)) }
}

/** `expression // => value` says that they are equal. */
const asserting = (line: string): string => {
  const found = /^(\s*)(.+?);?\s+\/\/ => (.+)$/.exec(line)
  if (found === null) return line
  const [, indent = "", code = "", value = ""] = found
  const equal = (expression: string) => `__assert.deepStrictEqual(${expression}, ${value})`
  const declared = /^(?:const|let) (\w+)(?:: [^=]+)? = /.exec(code)
  if (declared !== null) return `${indent}${code}; ${equal(declared[1] ?? "")}`
  const printed = /^(?:yield\* )?[Cc]onsole\.log\((.+)\)$/.exec(code)
  return `${indent}${equal(printed?.[1] ?? code)}`
}
