// What must hold of a tarball before it is published, beside what publint and attw look at.
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, normalize, relative, sep } from "node:path"

/** All that may be in a tarball: so tests, settings of tools and whatever else lies about are not. */
const allowed = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|(dist|src)\/.+)$/
const neverIn = /(^|\/)(test|node_modules)\/|\.test\.|\.env|\.tsbuildinfo$/

/** What no text of a package may hold. */
const secrets = [
  ["a token of npm", /\bnpm_[A-Za-z0-9]{36}\b/],
  ["a token of GitHub", /\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})\b/],
  ["a key of AWS", /\b(AKIA|ASIA)(?!IOSFODNN7EXAMPLE)[A-Z0-9]{16}\b/],
  ["a private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/],
  ["a token of Mews", /\b[0-9A-F]{32}-[0-9A-F]{31}\b/],
  ["a signed link", /[?&](sig|X-Amz-Signature)=[A-Za-z0-9%+/]{20}/],
  ["credentials of a registry", /_(authToken|password|auth)\s*=\s*["']?[A-Za-z0-9+/=_-]{16}/]
]

const dependencyFields = ["dependencies", "peerDependencies", "optionalDependencies", "devDependencies"]
const lifecycle = ["preinstall", "install", "postinstall"]
const read = (path) => readFileSync(path, "utf8")
const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))

/** What is wrong with the package in `folder`, unpacked from a tarball that was packed in `repository`. Empty if nothing is. */
const problemsOf = (folder, repository) => {
  const problems = []
  const must = (holds, problem) => {
    if (!holds) problems.push(problem)
  }
  const files = filesBelow(folder)
  for (const file of files) must(allowed.test(file) && !neverIn.test(file), `${file} does not belong in it`)
  for (const file of ["package.json", "README.md", "LICENSE", "CHANGELOG.md"]) {
    must(files.includes(file), `${file} is missing`)
  }
  must(
    files.some((file) => file.startsWith("dist/")),
    "it is not built"
  )

  const manifest = JSON.parse(read(join(folder, "package.json")))
  const { version } = manifest
  if (files.includes("LICENSE")) {
    must(read(join(folder, "LICENSE")) === read(join(repository, "LICENSE")), "LICENSE is not that of the repository")
  }
  if (files.includes("CHANGELOG.md")) {
    must(read(join(folder, "CHANGELOG.md")).includes(`\n## ${version}\n`), `CHANGELOG.md does not tell of ${version}`)
  }
  must(manifest.license === "MIT", "license is not MIT")
  must(typeof manifest.description === "string" && manifest.description !== "", "it has no description")
  must(typeof manifest.engines?.node === "string", "it does not say which Node.js it needs")
  must(version !== "0.0.0" && /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version), `${version} is no version to publish`)

  // Provenance: npm refuses a package whose repository is not the one that the workflow ran in.
  const { directory, type, url } = manifest.repository ?? {}
  must(
    type === "git" && url === "git+https://github.com/longshore/longshore.git",
    `repository.url is not that of the workflow: ${url}`
  )
  const source = join(repository, directory ?? ".", "package.json")
  must(
    existsSync(source) && JSON.parse(read(source)).name === manifest.name,
    `repository.directory is not its folder: ${directory}`
  )
  must(manifest.publishConfig?.access === "public", "publishConfig.access is not public")
  must(manifest.publishConfig?.provenance === true, "publishConfig.provenance is not true")
  must(manifest.private !== true, "it is private")

  for (const field of dependencyFields) {
    for (const [name, range] of Object.entries(manifest[field] ?? {})) {
      must(!/^(workspace|catalog|link|file|portal|git|https?):/.test(range), `${field}: ${name} is ${range}`)
      if (field !== "devDependencies" && (name === "longshore" || name.startsWith("@longshore/"))) {
        must(range === `^${version}`, `${field}: ${name} is ${range}, not ^${version}`)
      }
    }
  }
  for (const script of lifecycle) must(manifest.scripts?.[script] === undefined, `it runs a script at ${script}`)

  for (const file of files) {
    const text = read(join(folder, file))
    for (const [what, pattern] of secrets) must(!pattern.test(text), `${file} holds ${what}`)
    must(!text.includes(repository), `${file} holds a path of the machine that it was built on`)
    // "Go to definition" ends in the package, not in nowhere.
    if (file.endsWith(".map")) {
      for (const named of JSON.parse(text).sources) {
        const target = normalize(join(dirname(file), named))
          .split(sep)
          .join("/")
        must(files.includes(target), `${file} names ${named}, which is not in it`)
      }
    }
  }
  return problems
}

/** Each tarball below a folder: its name, version, size in bytes, and what is wrong with it. */
export const checkTarballs = (folder, repository) =>
  filesBelow(folder)
    .filter((file) => file.endsWith(".tgz"))
    .map((file) => {
      const tarball = join(folder, file)
      const unpacked = mkdtempSync(join(tmpdir(), "longshore-tarball-"))
      try {
        execFileSync("tar", ["-xzf", tarball, "-C", unpacked])
        // npm's name for the folder in it.
        const content = join(unpacked, "package")
        const { name, version } = JSON.parse(read(join(content, "package.json")))
        return { tarball, name, version, bytes: statSync(tarball).size, problems: problemsOf(content, repository) }
      } finally {
        rmSync(unpacked, { recursive: true, force: true })
      }
    })
