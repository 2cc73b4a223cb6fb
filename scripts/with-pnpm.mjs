// Runs pnpm at the version that package.json pins, so that `npm test` and `npm run demo`
// work in a fresh clone with nothing but Node.js and npm. Under pnpm it adds no second hop.
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
const underPnpm = (process.env.npm_config_user_agent ?? "").startsWith("pnpm/")
const [command, ...prefix] = underPnpm ? ["pnpm"] : ["npx", "--yes", packageManager.split("+")[0]]
const { error, status } = spawnSync(command, [...prefix, ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" },
  shell: process.platform === "win32"
})
if (error !== undefined) throw error
process.exit(status ?? 1)
