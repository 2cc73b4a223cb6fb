// A registry that has the packages of HEAD as the next release will have them, until it is stopped: for whoever wants to install them
// as people will.
//
//   pnpm registry [--port 4873]
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { rehearse } from "./rehearse.mjs"

const { port } = parseArgs({ options: { port: { type: "string", default: "4873" } } }).values
const folder = mkdtempSync(join(tmpdir(), "longshore-registry-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

const check = (title, holds) => {
  if (!holds) throw new Error(title)
}
const { registry, version } = await rehearse(folder, check, { port: Number(port) })
console.log(`Longshore ${version} is at ${registry.url}

  npm install --global longshore --registry ${registry.url}
  npm install @longshore/core --registry ${registry.url}

Everything else it hands on from the registry that npm is set to. Ctrl-C stops it and removes it.`)
