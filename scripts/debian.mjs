// Packages of Debian that tests and benchmarks need. As root they are installed, by one process at a time: suites that run
// side by side may ask at once, and apt refuses the second.
//
//   node scripts/debian.mjs PACKAGE…
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const aptGet = "/usr/bin/apt-get"
const lock = join(tmpdir(), "longshore-apt.lock")

/** Does nothing where it may not, or where there is no apt: whoever asks looks whether the programs are there. */
export const install = (...packages) => {
  if (process.getuid?.() !== 0 || !existsSync(aptGet)) return
  const apt = (...args) =>
    spawnSync("flock", [lock, aptGet, ...args], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
    })
  apt("update", "-qq")
  apt("install", "-y", "-qq", "--no-install-recommends", ...packages)
}

if (process.argv[1] === import.meta.filename) install(...process.argv.slice(2))
