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

/** Programs: dependencies inside, which starts six times as fast; what is imported lazily stays in chunks of its own. */
export const program: Options = {
  ...library,
  entry: ["src/main.ts"],
  platform: "node",
  sourcemap: false,
  noExternal: [/.*/],
  external: [],
  // Bundled CommonJS dependencies call `require` for Node.js built-ins.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
  }
}
