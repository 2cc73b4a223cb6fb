/** In declarations of the reference, names of what is exported lead to it. */
import type { MarkdownOptions } from "vitepress"
import { base } from "../links.ts"
import type { Index } from "../reference/write.ts"

type ShikiTransformer = NonNullable<MarkdownOptions["codeTransformers"]>[number]
type Children = Parameters<NonNullable<ShikiTransformer["span"]>>[0]["children"]

export const declarationLinks = ({ packages }: Index): ShikiTransformer => {
  const modules = packages.flatMap(({ folder, modules }) => modules.map((module) => ({ ...module, folder })))
  // The module itself knows best; else a name leads somewhere if only one module has it.
  const find = (name: string, of: string): string | undefined => {
    const having = modules.filter(({ entries }) => entries.includes(name))
    const module =
      having.find(({ folder, name }) => `${folder}/${name}` === of) ?? (having.length === 1 ? having[0] : undefined)
    return module === undefined ? undefined : `${base}api/${module.folder}/${module.name}.html#${name}`
  }
  return {
    name: "declaration-links",
    span(node) {
      const [, of, self] = /(?:^|\s)of=(\S+)#(\w+)/.exec(this.options.meta?.__raw ?? "") ?? []
      const [text] = node.children
      if (of === undefined || text?.type !== "text") return
      if (/^\s*(\/\*|\*)/.test(text.value)) node.properties["class"] = "comment"
      if (/^\s*(\/\*|\*|["'])/.test(text.value)) return
      node.children = text.value.split(/\b([A-Z]\w*)\b/).map((value, index): Children[number] => {
        const href = index % 2 === 1 && value !== self ? find(value, of) : undefined
        return href === undefined
          ? { type: "text", value }
          : { type: "element", tagName: "a", properties: { href }, children: [{ type: "text", value }] }
      })
    }
  }
}
