#!/usr/bin/env node
/** Refuses a Node.js that is too old, before anything that it could not load. */
import manifest from "../package.json" with { type: "json" }

const needed = manifest.engines.node.replace(">=", "")

/** Whether version `a` is `b` or newer. */
const suffices = (a: string, b: string): boolean => a.localeCompare(b, "en", { numeric: true }) >= 0

if (suffices(process.versions.node, needed)) {
  // Two builds of one program: what clusters need would make every other command start later.
  if (process.argv.includes("cluster")) await import(new URL("cluster/program.js", import.meta.url).href)
  else await import("./program.ts")
} else {
  process.stderr.write(
    `longshore: This is Node.js ${process.versions.node}, and longshore needs ${needed} or newer. ` +
      `Next: install one (https://nodejs.org), or let npm bring it along: npx -p node@24 -p longshore longshore --help\n`
  )
  // As for what is wrong in a configuration.
  process.exitCode = 3
}
