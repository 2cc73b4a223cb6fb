/**
 * Builds the site into `site/dist`. Fails if a docblock lacks something, a link of one leads nowhere, or a page links to
 * a page that is not there.
 *
 *   node site/build.ts          builds
 *   node site/build.ts --dev    serves it while pages are written
 */
import { parseArgs } from "node:util"
import { build, createServer } from "vitepress"
import { writePages } from "./pages.ts"
import { check } from "./reference/check.ts"
import { read } from "./reference/read.ts"
import { write } from "./reference/write.ts"

const { values } = parseArgs({ options: { dev: { type: "boolean", default: false } } })

const reference = await read()
const findings = check(reference)
for (const line of findings) console.log(line)
write(reference)
writePages()

if (values.dev) {
  const server = await createServer(import.meta.dirname)
  await server.listen()
  server.printUrls()
} else {
  await build(import.meta.dirname)
  console.log(`The site is in site/dist. ${findings.length} findings in docblocks.`)
  if (findings.length > 0) process.exitCode = 1
}
