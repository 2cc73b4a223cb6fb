import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

// Workspace packages resolve to their sources: a test run needs no build.
const conditions = ["@longshore/source", ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // Effect tests share no module state, and loading `effect` once for each file is the dear part.
  test: { include: ["test/**/*.test.ts"], isolate: false, testTimeout: 60_000 }
})
