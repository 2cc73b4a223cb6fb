/** Writes the pages that are files from elsewhere in the repository: the program's README, and the examples. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { docs, onGitHub, pageOf, root } from "./links.ts"

export const writePages = (): void => {
  for (const [source, page] of pageOf) {
    const readme = Fs.readFileSync(Path.join(root, source), "utf8")
    Fs.writeFileSync(Path.join(docs, page), source === "examples/README.md" ? withPrograms(readme) : readme)
  }
}

/** Each program as it is, in the order in which the README tells of them. */
const withPrograms = (readme: string): string => {
  const told = new Set([...readme.matchAll(/\]\(([\w-]+\.ts)\)/g)].map(([, name = ""]) => name))
  for (const name of Fs.globSync("*.ts", { cwd: Path.join(root, "examples"), exclude: ["*.config.ts"] }))
    if (!told.has(name)) throw new Error(`examples/README.md does not tell of ${name}`)
  return [
    readme.trim(),
    "## The programs",
    ...[...told].flatMap((name) => [
      `### ${name} {#${Path.basename(name, ".ts")}}`,
      `<p class="facts"><a href="${onGitHub(`examples/${name}`)}" target="_blank" rel="noreferrer">source</a></p>`,
      // Longer than any fence inside.
      `\`\`\`\`\`ts\n${Fs.readFileSync(Path.join(root, "examples", name), "utf8").trimEnd()}\n\`\`\`\`\``
    ])
  ]
    .join("\n\n")
    .concat("\n")
}
