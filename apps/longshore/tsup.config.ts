import { defineConfig, type Options } from "tsup"
import { program, withSchemas } from "../../tsup.base.ts"
import manifest from "./package.json" with { type: "json" }

/** The HTTP client is the one on node:http; the other, which is loaded only when it is asked for, stays out. */
const withoutUndici: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "without-undici",
  setup: (build) => {
    build.onResolve({ filter: /\/Undici\.[jt]s$/ }, () => ({ path: "undici", namespace: "nothing" }))
    build.onLoad({ filter: /.*/, namespace: "nothing" }, () => ({ contents: "export {}" }))
  }
}

/** Left to the other program: what runners need of Effect is as large as all the rest, and whoever asks for help would load it. */
const withoutRunners: typeof withoutUndici = {
  name: "without-runners",
  setup: (build) => {
    build.onResolve({ filter: /\/handlers\/clusterRun\.ts$/ }, () => ({ path: "clusterRun", namespace: "elsewhere" }))
    build.onLoad({ filter: /.*/, namespace: "elsewhere" }, () => ({ contents: "export const handle = undefined" }))
  }
}

/** What all builds of the program have in common, that of the benchmarks among them. */
export const options: Options = {
  ...program,
  esbuildPlugins: [...(program.esbuildPlugins ?? []), withoutUndici],
  define: { LONGSHORE_VERSION: JSON.stringify(manifest.version) },
  esbuildOptions: (options) => {
    // The workspace's packages are bundled from their sources.
    options.conditions = ["@longshore/source"]
    // A quarter less to read at every start. Names stay, for stack traces.
    options.minifyWhitespace = true
    options.minifySyntax = true
  }
}

export default defineConfig([
  { ...options, esbuildPlugins: [...(options.esbuildPlugins ?? []), withoutRunners], onSuccess: withSchemas() },
  // The whole program once more, for `longshore cluster run`: see main.ts.
  { ...options, entry: ["src/program.ts"], outDir: "dist/cluster" }
])
