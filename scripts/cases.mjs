// The register of the fault cases F01 to F100 and the invariants I1 to I13: for each, the files with a test whose title
// begins with its name, or the section of docs/guarantees.md which says why there is none. Fails if there is neither.
//
// A title is a string (or a template) of a test, a suite, the lab or a script that begins with names: "F44 F45 a
// connection …", or the name alone, as tables and checkers of invariants have it. What comments say does not count.
//
//   node scripts/cases.mjs
import { readdirSync, readFileSync } from "node:fs"

const root = new URL("../", import.meta.url)
const read = (path) => readFileSync(new URL(path, root), "utf8")
const files = function* (folder = "") {
  for (const entry of readdirSync(new URL(folder, root), { withFileTypes: true })) {
    if (entry.isFile()) yield folder + entry.name
    else if (entry.isDirectory() && !/^(?:\.|node_modules$|dist$)/.test(entry.name))
      yield* files(`${folder}${entry.name}/`)
  }
}
const sources =
  /^(?:(?:packages|apps)\/[^/]+\/test\/.*\.ts|packages\/testkit\/src\/.*Suite\.ts|(?:test|lab)\/(?:src|test)\/.*\.ts|scripts\/.*\.mjs)$/

const name = (letter) => (_, i) => `${letter}${String(i + 1).padStart(letter === "F" ? 2 : 1, "0")}`
const cases = [...Array.from({ length: 100 }, name("F")), ...Array.from({ length: 13 }, name("I"))]

/** Comments and regular expressions are passed over; what is left are strings. A template is searched inside as well. */
const token =
  /\/\/.*|\/\*[^]*?\*\/|(?<=(?:^|[=(,:[!&|?{;>])\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/|"((?:\\.|[^"\\\n])*)"|'((?:\\.|[^'\\\n])*)'|`((?:\\[^]|[^`\\])*)`/gm

const titled = (source) =>
  [...source.matchAll(token)].flatMap(([, double, single, template]) => {
    const text = double ?? single ?? template ?? ""
    const [names = ""] = /^(?:[FI]\d{1,3}(?: |$))+/.exec(text) ?? []
    return [...names.split(" "), ...(template === undefined ? [] : titled(template))]
  })

const found = new Map(cases.map((one) => [one, []]))
const paths = [...files()].filter((path) => sources.test(path)).sort((a, b) => (a < b ? -1 : 1))
for (const path of paths) {
  for (const one of new Set(titled(read(path)))) found.get(one)?.push(path)
}

const guarantees = "docs/guarantees.md"
for (const section of read(guarantees).split(/^## /m).slice(1)) {
  const [heading = ""] = section.split("\n", 1)
  if (!/where it ends|cannot/i.test(heading)) continue
  for (const [one] of section.matchAll(/\b[FI]\d{1,3}\b/g)) {
    const known = found.get(one)
    if (known !== undefined && !known.includes(guarantees)) known.push(guarantees)
  }
}

for (const [one, paths] of found) console.log(`${one.padEnd(5)}${paths.join("  ") || "-"}`)
const missing = cases.filter((one) => found.get(one)?.length === 0)
if (missing.length > 0) console.log(`\nNeither a test nor a line in ${guarantees}: ${missing.join(" ")}`)
console.log(`\n${cases.length - missing.length} passed, ${missing.length} failed`)
if (missing.length > 0) process.exitCode = 1
