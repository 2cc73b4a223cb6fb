/** Writes the reference as pages of Markdown: one for each package, with its README, and one for each module. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Comment, CommentDisplayPart } from "typedoc"
import { onGitHub, onSite, reference as folder, root } from "../links.ts"
import { categoryOf, type Entry, type Module, type Reference, sinceOf } from "./read.ts"

/** What the sidebar, and the links in declarations, are made of. */
export interface Index {
  readonly packages: ReadonlyArray<{
    readonly folder: string
    readonly name: string
    readonly modules: ReadonlyArray<{ readonly name: string; readonly entries: ReadonlyArray<string> }>
  }>
}

export const write = ({ modules, place }: Reference): void => {
  const render = renderer(place)
  const packages = [...Map.groupBy(modules, (module) => module.folder)].sort(
    // What everything is made of comes first.
    ([a], [b]) => Number(b === "core") - Number(a === "core") || a.localeCompare(b)
  )
  Fs.rmSync(folder, { recursive: true, force: true })
  for (const [name, modules] of packages) {
    page(`${name}/index.md`, packagePage(name, modules, render))
    for (const module of modules) page(`${name}/${module.name}.md`, modulePage(module, render))
  }
  page("index.md", indexPage(packages, render))
  const index: Index = {
    packages: packages.map(([folder, modules]) => ({
      folder,
      name: modules[0]!.package,
      modules: modules.map(({ entries, name }) => ({ name, entries: entries.map(({ name }) => name) }))
    }))
  }
  page("index.json", JSON.stringify(index))
}

export const readIndex = (): Index => JSON.parse(Fs.readFileSync(Path.join(folder, "index.json"), "utf8"))

const page = (name: string, text: string) => {
  const path = Path.join(folder, name)
  Fs.mkdirSync(Path.dirname(path), { recursive: true })
  Fs.writeFileSync(path, `${text.trim()}\n`)
}

const indexPage = (packages: ReadonlyArray<[string, ReadonlyArray<Module>]>, render: Render): string =>
  [
    "# API reference",
    "One page for each module, as its docblocks and the compiler tell it. Every example runs as a test.",
    ...packages.flatMap(([name, modules]) => [
      `## [${modules[0]!.package}](/api/${name}/index.md) {#${name}}`,
      modulesTable(modules, render)
    ])
  ].join("\n\n")

const packagePage = (name: string, modules: ReadonlyArray<Module>, render: Render): string => {
  const readme = Fs.readFileSync(Path.join(root, "packages", name, "README.md"), "utf8")
  const linked = readme.replaceAll(
    /(\]\()([^)\s]+)(\))/g,
    (_, open: string, href: string, close: string) => open + onSite(`packages/${name}/README.md`, href) + close
  )
  return [linked, "## Modules", modulesTable(modules, render)].join("\n\n")
}

const modulesTable = (modules: ReadonlyArray<Module>, render: Render): string =>
  [
    "| module | what it is |",
    "| --- | --- |",
    ...modules.map(
      ({ comment, folder, name }) => `| [${name}](/api/${folder}/${name}.md) | ${opening(comment, render)} |`
    )
  ].join("\n")

const modulePage = (module: Module, render: Render): string => {
  const told = module.comment === undefined ? [] : [module.comment]
  const categories = [...Map.groupBy(module.entries, ({ comments }) => categoryOf(comments) ?? "other")]
  return [
    `# ${module.name}`,
    `\`\`\`ts\nimport { ${module.name} } from "${module.package}"\n\`\`\``,
    ...told.map(({ summary }) => render(summary)),
    ...tagsOf(told, render),
    facts(told, module.file, 1),
    ...categories.flatMap(([category, entries]) => [
      // `errors` may also be the name of an export.
      `## ${category.charAt(0).toUpperCase()}${category.slice(1)} {#category-${category.replaceAll(/\W+/g, "-")}}`,
      ...entries.map((entry) => entryOf(module, entry, render))
    ])
  ].join("\n\n")
}

const entryOf = (module: Module, entry: Entry, render: Render): string =>
  [
    `### ${entry.name} {#${entry.name}}`,
    ...entry.comments.map(({ summary }) => render(summary)),
    `\`\`\`ts of=${module.folder}/${module.name}#${entry.name}\n${entry.declaration}\n\`\`\``,
    ...tagsOf(entry.comments, render),
    facts(entry.comments, entry.file, entry.line)
  ].join("\n\n")

const facts = (comments: ReadonlyArray<Comment>, file: string, line: number): string =>
  `<p class="facts">Since ${sinceOf(comments) ?? "?"} · <a href="${onGitHub(file)}#L${line}" target="_blank" rel="noreferrer">source</a></p>`

/** Examples, and what else is said under a tag. */
const tagsOf = (comments: ReadonlyArray<Comment>, render: Render): ReadonlyArray<string> =>
  comments
    .flatMap(({ blockTags }) => blockTags)
    .flatMap(({ content, name, tag }) => {
      if (tag === "@since" || tag === "@category") return []
      if (tag === "@example") return [`**${name ?? "Example"}**`, render(content)]
      const label = tag.charAt(1).toUpperCase() + tag.slice(2)
      return [`**${label}${name === undefined ? "" : ` \`${name}\``}:** ${render(content)}`]
    })

/** The first sentence, for a cell of a table. */
const opening = (comment: Comment | undefined, render: Render): string => {
  const [paragraph = ""] = render(comment?.summary ?? []).split("\n\n")
  const text = paragraph.replaceAll(/\s+/g, " ")
  return (/^.*?[.](?= [A-Z]|$)/.exec(text)?.[0] ?? text).replaceAll("|", "\\|")
}

type Render = (parts: ReadonlyArray<CommentDisplayPart>) => string

const renderer =
  (place: Reference["place"]): Render =>
  (parts) =>
    parts
      .map((part) => {
        // A page is also a template: what looks like a tag is meant as text.
        if (part.kind === "text") return part.text.replaceAll("<", "&lt;").replaceAll("{{", "&#123;&#123;")
        if (part.kind === "code" || part.kind !== "inline-tag") return part.text
        const to = place(part)
        const text = `\`${part.text}\``
        if (to === undefined) return text
        if (typeof to === "string") return `[${text}](${to})`
        const { module, name } = to
        return `[${text}](/api/${module.folder}/${module.name}.md${name === undefined ? "" : `#${name}`})`
      })
      .join("")
      .trim()
