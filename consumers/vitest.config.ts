/**
 * What importing the packages is like, from outside (`pnpm consumers`). All published packages are packed and installed
 * into fresh projects outside of the workspace, by npm and by pnpm, with whatever the registry gives them today:
 *
 * - `test/types.test.ts`: the programs in `programs/` compile, under every supported TypeScript, module resolution and
 *   strictness; what must not compile does not, and for the reason that its comment names.
 * - `test/install.test.ts`: every module runs, by barrel and by path; nothing is undeclared; no peer is complained about.
 * - `test/runtimes.test.ts`: whole exports on every supported runtime, against a simulator that misbehaves.
 * - `test/bundle.test.ts`: what of them a bundle carries along.
 *
 * `LONGSHORE_KEEP=1` leaves the projects where they are, and says where.
 */
import { defineConfig } from "vitest/config"
import shared from "../vitest.shared.ts"

export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    globalSetup: "src/setup.ts",
    reporters: ["default", "../vitest.summary.ts"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 2
  }
})
