import { defineConfig } from "tsup"
import longshore from "../apps/longshore/tsup.config.ts"

if (Array.isArray(longshore) || typeof longshore === "function") throw new Error("One set of options is expected.")

const { onSuccess: _, ...options } = longshore

/** Bundled as the program itself is, so that its start-up is the real one. */
export default defineConfig({ ...options, entry: ["program.ts"] })
