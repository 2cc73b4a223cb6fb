import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    projects: ["packages/*", "apps/*", "test", "lab"],
    // On two processors Vitest would use one, and many tests wait for processes and sockets.
    maxWorkers: 2,
    reporters: ["default", "./vitest.summary.ts"],
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts", "apps/*/src/**/*.ts"],
      reporter: ["text", "json-summary"]
    }
  }
})
