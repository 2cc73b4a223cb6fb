import { defineConfig } from "vitest/config"

// Workspace packages resolve to their sources: a test run needs no build. Of other packages, what Node.js would load:
// what the AWS SDK has under Vite's "module" is for bundlers.
const conditions = ["@longshore/source", "node"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // Effect tests share no module state, and loading `effect` once for each file is the dear part.
  test: {
    include: ["test/**/*.test.ts"],
    isolate: false,
    testTimeout: 60_000,
    // Of concurrent tests, enough to keep two cores busy: with more of them each only takes longer.
    maxConcurrency: 2
  }
})
