import * as Fs from "node:fs"
import * as Path from "node:path"
import { defineConfig } from "vitepress"
import { base, docs, onSite, pageOf, repository, root } from "../links.ts"
import { readIndex } from "../reference/write.ts"
import { declarationLinks } from "./declarationLinks.ts"

const index = readIndex()

const page = (text: string, path: string) => ({ text, link: `/${path}` })

const guides = [
  page("Getting started", "getting-started"),
  page("Pipelines", "pipelines"),
  page("Examples", "examples"),
  page("How resume works", "how-resume-works"),
  page("Writing a sink", "writing-a-sink"),
  page("Writing a journal", "writing-a-journal"),
  page("Errors and exit codes", "errors"),
  page("Guarantees", "guarantees"),
  page("Packages and what they need", "packages")
]
const shell = [
  page("What it looks like", "terminal/"),
  page("All commands and flags", "commands"),
  page("Configuration", "configuration"),
  page("A cluster", "cluster"),
  page("Events", "events"),
  page("Telemetry", "telemetry")
]
const project = [
  page("Architecture", "architecture"),
  page("The fault lab", "fault-lab"),
  ...(Fs.existsSync(Path.join(docs, "newcomer.md")) ? [page("What a newcomer stumbles over", "newcomer")] : [])
]

for (const { link } of [...guides, ...shell, ...project]) {
  const file = Path.join(docs, link.endsWith("/") ? `${link}README.md` : `${link}.md`)
  if (!Fs.existsSync(file)) throw new Error(`${file} is in the sidebar and is not there`)
}
const listed = new Set([...guides, ...shell, ...project].map(({ link }) => link))
for (const name of Fs.readdirSync(docs)) {
  if (name.endsWith(".md") && name !== "index.md" && !listed.has(`/${name.slice(0, -".md".length)}`))
    throw new Error(`docs/${name} is not in the sidebar: site/.vitepress/config.ts`)
}

const matching = (pages: ReadonlyArray<{ readonly link: string }>) => `^(${pages.map(({ link }) => link).join("|")})`
const landing = { sidebar: false, aside: false, titleTemplate: ":title" }

/** Where a page's links start from. */
const sourceOf = new Map([...pageOf].map(([source, page]) => [Path.join(docs, page), source]))
/** Links to files of the repository that are not there. VitePress itself tells of pages. */
const dead = new Set<string>()

export default defineConfig({
  title: "Longshore",
  description: "Bulk exports of the Mews Connector API, whole and verified, into the storage you name",
  lang: "en",
  base,
  srcDir: "../docs",
  outDir: "./dist",
  cacheDir: "./node_modules/.cache/vitepress",
  rewrites: { "terminal/README.md": "terminal/index.md" },
  head: [["link", { rel: "icon", href: `${base}mark.svg`, type: "image/svg+xml" }]],
  // The landing page stands alone; as a file of the repository it has no frontmatter to say so.
  transformPageData: ({ relativePath }) => (relativePath === "index.md" ? { frontmatter: landing } : {}),
  markdown: {
    codeTransformers: [declarationLinks(index)],
    config: (markdown) => {
      markdown.core.ruler.push("links-of-the-repository", ({ env, tokens }) => {
        const path: string = env.realPath ?? env.path
        const file = sourceOf.get(path) ?? Path.relative(root, path)
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.type === "link_open" ? token.attrGet("href") : null
          if (href === null) continue
          try {
            token.attrSet("href", onSite(file, href))
          } catch (cause) {
            dead.add(`${file}: ${cause instanceof Error ? cause.message : href}`)
          }
        }
      })
      markdown.core.ruler.push("widths", ({ tokens }) => {
        for (const [index, token] of tokens.entries()) {
          // `--flag` is not parted after its hyphens.
          for (const child of token.children ?? [])
            if (child.type === "code_inline" && child.content.length <= 24) child.attrJoin("class", "short")
          const said = token.type === "td_open" ? (tokens[index + 1]?.content.length ?? 0) : 0
          if (said > 30) token.attrJoin("class", said > 120 ? "paragraph" : "sentence")
        }
      })
    }
  },
  buildEnd: () => {
    if (dead.size > 0) throw new Error([...dead].join("\n"))
  },
  themeConfig: {
    logo: "/mark.svg",
    search: { provider: "local" },
    outline: { level: [2, 3] },
    socialLinks: [{ icon: "github", link: repository }],
    nav: [
      { text: "Guides", link: "/getting-started", activeMatch: matching(guides) },
      { text: "At the shell", link: "/terminal/", activeMatch: matching(shell) },
      { text: "API", link: "/api/", activeMatch: "^/api/" }
    ],
    sidebar: {
      "/": [
        { text: "Guides", items: guides },
        { text: "At the shell", items: shell },
        { text: "Project", items: project },
        { text: "API reference", link: "/api/" }
      ],
      "/api/": [
        { text: "API reference", link: "/api/" },
        ...index.packages.map(({ folder, modules, name }) => ({
          text: name,
          link: `/api/${folder}/`,
          collapsed: folder !== "core",
          items: modules.map(({ name }) => page(name, `api/${folder}/${name}`))
        }))
      ]
    }
  },
  vite: { publicDir: Path.resolve(import.meta.dirname, "../public") }
})
