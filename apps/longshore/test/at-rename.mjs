// Loaded into the program by `NODE_OPTIONS=--import=…/at-rename.mjs?signal=…`: the process gets this signal in the moment
// in which a file whose path holds `?path=…` is about to be renamed.
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

const query = new URL(import.meta.url).searchParams
const { renameSync } = fs
fs.renameSync = (from, to) => {
  if (String(to).includes(query.get("path"))) process.kill(process.pid, query.get("signal"))
  renameSync(from, to)
}
syncBuiltinESMExports()
