import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "vitest"
import { root } from "./docExamples.ts"

/** What is to be seen in use. The domain and the wire of core are many small names: their modules have the examples. */
const isShown = (page: string, kind: string) => /const|function|class/.test(kind) && !page.startsWith("packages/core/")

/** Everything that a public module exports, with the docblock above it. */
const documented = (page: string) => {
  const lines = Fs.readFileSync(Path.join(root, page), "utf8").split("\n")
  return lines.flatMap((line, index) => {
    const [, kind, name] = /^export (?:declare )?(const|function|class|interface|type) (\w+)/.exec(line) ?? []
    if (kind === undefined || name === undefined) return []
    const above = lines.slice(0, index)
    const start = above.at(-1)?.trim() === "*/" ? above.findLastIndex((line) => line.startsWith("/**")) : index
    return [{ name: `${page}:${index + 1} ${name}`, isShown: isShown(page, kind), block: above.slice(start) }]
  })
}

/** What its docblock lacks. */
const lacks = ({ block, isShown }: ReturnType<typeof documented>[number]): ReadonlyArray<string> => {
  const text = block.map((line) => line.replace(/^\/?\s*\*+\/? ?/, ""))
  const tags = (tag: string) => text.filter((line) => line.startsWith(`@${tag}`))
  return [
    ...(/^[^@\s]/.test(text.find((line) => line !== "") ?? "") ? [] : ["a sentence that says what it is"]),
    ...(tags("since").length === 1 ? [] : ["one @since"]),
    ...(tags("category").length === 1 ? [] : ["one @category"]),
    ...(!isShown || tags("example").length > 0 ? [] : ["an @example"])
  ]
}

describe("docblocks", () => {
  const modules = Fs.globSync("packages/*/src/*.ts", { cwd: root }).sort()

  for (const page of modules.filter((page) => !page.endsWith("/index.ts"))) {
    it(`${page} says of each export what it is, since when, and what it looks like in use`, () => {
      const exported = documented(page)
      assert.isNotEmpty(exported)
      const found = exported.flatMap((one) => lacks(one).map((what) => `${one.name} lacks ${what}`))
      assert.deepStrictEqual(found, [])
    })
  }
})
