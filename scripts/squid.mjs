// Runs a command whose tests then go through Debian's squid, a proxy that companies really have, and not through the one
// from npm. As root on Debian it installs what is missing; where squid cannot be had, this fails.
//
//   node scripts/squid.mjs COMMAND…
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { install } from "./debian.mjs"

const installed = () => existsSync("/usr/sbin/squid") && existsSync("/usr/lib/squid/basic_ncsa_auth")
if (!installed()) install("squid", "openssl")
if (!installed()) {
  console.error("squid is not installed: apt-get install squid openssl")
  process.exit(1)
}
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, LONGSHORE_TEST_PROXY: "squid" }
const [command, ...args] = process.argv.slice(2)
const child = spawn(command, args, { stdio: "inherit", env })
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal))
child.once("error", (error) => {
  console.error(error.message)
  process.exit(127)
})
child.once("exit", (code) => process.exit(code ?? 1))
