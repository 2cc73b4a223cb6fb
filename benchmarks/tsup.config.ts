import { defineConfig } from "tsup"
import { options } from "../apps/longshore/tsup.config.ts"

/** Bundled as the program itself is, so that its start-up is the real one. */
export default defineConfig({ ...options, entry: ["program.ts"] })
