/** Where things stand: on the site, or in the repository. */
import * as Fs from "node:fs"
import * as Path from "node:path"

export const repository = "https://github.com/longshore/longshore"
export const root = Path.resolve(import.meta.dirname, "..")
export const docs = Path.join(root, "docs")
/** Made anew by every build. */
export const reference = Path.join(docs, "api")
/** The path of the site on its host, as GitHub Pages serves it. */
export const base = "/longshore/"

/** A file or folder of the repository on GitHub. */
export const onGitHub = (path: string): string => {
  const stat = Fs.statSync(Path.join(root, path), { throwIfNoEntry: false })
  if (stat === undefined) throw new Error(`it links to ${path}, which is not there`)
  return `${repository}/${stat.isDirectory() ? "tree" : "blob"}/main/${path}`
}

/**
 * Files link to each other as they lie in the repository. What is a page of the site stays there; the README of a package
 * is its page in the reference; everything else is on GitHub.
 *
 * @param from the file with the link, from the root of the repository
 */
export const onSite = (from: string, href: string): string => {
  if (/^([a-z][a-z\d+.-]*:|\/|#|$)/i.test(href)) return href
  const [, path = "", rest = ""] = /^([^?#]*)(.*)$/.exec(href) ?? []
  const target = Path.posix.join(Path.posix.dirname(from), decodeURI(path)).replace(/\/$/, "")
  const [, folder] = /^packages\/([^/]+)(?:\/README\.md)?$/.exec(target) ?? []
  if (target === "packages") return `/api/index.md${rest}`
  if (folder !== undefined) return `/api/${folder}/index.md${rest}`
  if (/^docs\/(?!schemas\/).*\.md$/.test(target))
    return `/${target.slice("docs/".length).replace(/\bREADME\.md$/, "index.md")}${rest}`
  return onGitHub(target) + rest
}
