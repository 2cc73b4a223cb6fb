import { defineConfig } from "vitest/config"
import shared from "../../vitest.shared.ts"

// Without Vite's "module": what the AWS SDK has under it is for bundlers, and Node.js cannot load it.
const conditions = ["@longshore/source", "node"]

export default defineConfig({ ...shared, resolve: { conditions }, ssr: { resolve: { conditions } } })
