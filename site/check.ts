import { check } from "./reference/check.ts"
import { read } from "./reference/read.ts"

const reference = await read()
const found = check(reference)
for (const line of found) console.log(line)
const checked = reference.modules.reduce((sum, { entries }) => sum + 1 + entries.length, 0)
console.log(`${checked} modules and exports, ${found.length} findings`)
process.exitCode = found.length === 0 ? 0 : 1
