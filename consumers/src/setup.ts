import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import type { TestProject } from "vitest/node"
import { must } from "./shell.ts"
import { packageManager, type Projects, root, runtimes, typeScripts, writeProject } from "./projects.ts"

declare module "vitest" {
  interface ProvidedContext {
    readonly projects: Projects
  }
}

/** Packs the packages and installs the projects, once for all tests. They are outside of the workspace. */
export default async ({ provide }: TestProject) => {
  const home = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "longshore-consumers-")))
  try {
    const packed = Path.join(home, "packed")
    const pack = ["--filter", "./packages/*", "--filter", "./apps/*", "pack", "--pack-destination", packed]
    await must("npx", ["--yes", packageManager, "-r", ...pack], { cwd: root })

    const consumer = Path.join(home, "consumer")
    const aliases = typeScripts.map((version) => [`typescript-${version}`, `npm:typescript@${version}`] as const)
    writeProject(consumer, { packed, devDependencies: Object.fromEntries(aliases) })

    // Not into the project: `node` there would be what its scripts run on.
    const tools = Path.join(home, "runtimes")
    Fs.mkdirSync(tools)
    Fs.writeFileSync(
      Path.join(tools, "package.json"),
      JSON.stringify({ private: true, dependencies: runtimes.packages })
    )

    const npm = (cwd: string) => must("npm", ["install", "--no-audit", "--no-fund", "--loglevel=warn"], { cwd })
    const [{ stderr }] = await Promise.all([npm(consumer), npm(tools)])
    provide("projects", { home, packed, consumer, runtimes: tools, complaints: stderr })
  } catch (cause) {
    Fs.rmSync(home, { recursive: true, force: true })
    throw cause
  }
  return () => {
    if (process.env["LONGSHORE_KEEP"] === undefined) Fs.rmSync(home, { recursive: true, force: true })
    else console.log(`The projects are in ${home}`)
  }
}
