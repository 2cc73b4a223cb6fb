/** Where things stand: on the site, or in the repository. */
import * as Fs from "node:fs"
import * as Path from "node:path"

export const repository = "https://github.com/longshore/longshore"
export const root = Path.resolve(import.meta.dirname, "..")
export const docs = Path.join(root, "docs")
/** Made anew by every build. */
export const reference = Path.join(docs, "api")
/** Pages that are made of files from elsewhere, which other files link to. */
export const pageOf: ReadonlyMap<string, string> = new Map([
  ["apps/longshore/README.md", "commands.md"],
  ["examples/README.md", "examples.md"]
])
/** The path of the site on its host, as GitHub Pages serves it. */
export const base = "/longshore/"

/** A file or folder of the repository on GitHub. */
export const onGitHub = (path: string): string => {
  const stat = Fs.statSync(Path.join(root, path), { throwIfNoEntry: false })
  if (stat === undefined) throw new Error(`it links to ${path}, which is not there`)
  return `${repository}/${stat.isDirectory() ? "tree" : "blob"}/main/${path}`
}

/** READMEs of packages are read at the registry too, and so link to files by their addresses on GitHub. */
const addresses = ["blob", "tree"].map((kind) => `${repository}/${kind}/main/`)

/**
 * Files link to each other as they lie in the repository. What is a page of the site stays there; the README of a package
 * is its page in the reference, and an example its place on the page of examples; everything else is on GitHub.
 *
 * @param from the file with the link, from the root of the repository
 */
export const onSite = (from: string, href: string): string => {
  const address = addresses.find((address) => href.startsWith(address)) ?? ""
  const folder = address === "" ? Path.posix.dirname(from) : ""
  const local = href.slice(address.length)
  if (/^([a-z][a-z\d+.-]*:|\/|#|$)/i.test(local)) return href
  const [, path = "", rest = ""] = /^([^?#]*)(.*)$/.exec(local) ?? []
  const target = Path.posix.join(folder, decodeURI(path)).replace(/\/$/, "")
  // The folder of a README is linked to as well.
  const page = pageOf.get(target) ?? pageOf.get(`${target}/README.md`)
  if (page !== undefined) return `/${page}${rest}`
  const [, example] = /^examples\/([^/.]+)\.ts$/.exec(target) ?? []
  if (example !== undefined && Fs.existsSync(Path.join(root, target))) return `/examples.md#${example}`
  const [, name] = /^packages\/([^/]+)(?:\/README\.md)?$/.exec(target) ?? []
  if (target === "packages") return `/api/index.md${rest}`
  if (name !== undefined) return `/api/${name}/index.md${rest}`
  if (/^docs\/(?!schemas\/).*\.md$/.test(target))
    return `/${target.slice("docs/".length).replace(/\bREADME\.md$/, "index.md")}${rest}`
  return onGitHub(target) + rest
}
