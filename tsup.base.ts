import { cp } from "node:fs/promises"
import { basename, extname } from "node:path"
import type { Options } from "tsup"

/** JSON Schemas travel with the packages: all that `pnpm schemas` wrote, or these. */
export const withSchemas =
  (...names: ReadonlyArray<string>) =>
  () =>
    cp("../../docs/schemas", "dist/schemas", {
      recursive: true,
      filter: (path) => names.length === 0 || extname(path) === "" || names.includes(basename(path))
    })

/** Libraries: an ESM file for each public module; dependencies stay imports; `tsc` writes the declarations. */
export const library: Options = {
  entry: ["src/*.ts"],
  format: ["esm"],
  target: "node22",
  platform: "neutral",
  splitting: true,
  sourcemap: true,
  clean: true,
  dts: false,
  external: [/^node:/]
}

/**
 * An `import` of node:http reads all that it exports, for the names of the module, and so loads the `fetch` that comes with
 * Node.js: 60 ms of every start, for nothing. Asked for in this way it comes alone.
 */
const httpAlone: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "http-alone",
  setup: (build) => {
    build.onResolve({ filter: /^(node:)?http$/ }, () => ({ path: "http", namespace: "built-in" }))
    build.onLoad({ filter: /.*/, namespace: "built-in" }, () => ({
      contents: 'module.exports = process.getBuiltinModule("node:http")'
    }))
  }
}

/** Programs: dependencies inside, which starts six times as fast; what is imported lazily stays in chunks of its own. */
export const program: Options = {
  ...library,
  entry: ["src/main.ts"],
  platform: "node",
  sourcemap: false,
  noExternal: [/.*/],
  external: [],
  esbuildPlugins: [httpAlone],
  // Whoever strips the prefix decides before the plugins do.
  removeNodeProtocol: false,
  // Bundled CommonJS dependencies call `require` for Node.js built-ins.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
  }
}
