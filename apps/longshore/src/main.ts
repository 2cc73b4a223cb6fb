#!/usr/bin/env node
/** Refuses a Node.js that is too old, before anything that it could not load, and loads no more than is asked for. */
import manifest from "../package.json" with { type: "json" }
import * as Help from "./output/Help.ts"

const needed = manifest.engines.node.replace(">=", "")

const numbers = (version: string) => version.split(".").map((number) => Number.parseInt(number, 10))

/** Whether version `a` is `b` or newer. Number by number, as comparing texts would load a language's rules: 10 ms. */
const suffices = (a: string, b: string): boolean => {
  const least = numbers(b)
  const differing = numbers(a)
    .map((number, index) => number - (least[index] ?? 0))
    .find((difference) => difference !== 0)
  return (differing ?? 0) >= 0
}

const words = process.argv.slice(2)

if (suffices(process.versions.node, needed)) {
  if (!Help.answer(words)) {
    // Two builds of one program: what runners need would make every other command start later.
    if (["cluster", "run"].every((word) => words.includes(word)))
      await import(new URL("cluster/program.js", import.meta.url).href)
    else await import("./program.ts")
  }
} else {
  process.stderr.write(
    `longshore: This is Node.js ${process.versions.node}, and longshore needs ${needed} or newer. ` +
      `Next: install one (https://nodejs.org), or let npm bring it along: npx -p node@24 -p longshore longshore --help\n`
  )
  // As for what is wrong in a configuration.
  process.exitCode = 3
}
