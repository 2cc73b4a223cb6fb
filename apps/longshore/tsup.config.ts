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

export default defineConfig({
  ...program,
  define: { LONGSHORE_VERSION: JSON.stringify(manifest.version) },
  esbuildPlugins: [withoutUndici],
  onSuccess: withSchemas(),
  // The workspace's packages are bundled from their sources.
  esbuildOptions: (options) => {
    options.conditions = ["@longshore/source"]
  }
})
