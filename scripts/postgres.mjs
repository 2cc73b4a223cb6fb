// A throw-away PostgreSQL on 127.0.0.1: the real database of our tests. As root on Debian it installs what is missing.
//
//   node scripts/postgres.mjs              starts it, prints the variables to use, ends with Ctrl-C
//   node scripts/postgres.mjs COMMAND…     runs the command with those variables, and ends with it
//
// Who wants it to fail stops and starts it with the pg_ctl of LONGSHORE_TEST_POSTGRES_BIN, on
// LONGSHORE_TEST_POSTGRES_DATA, as the owner of that folder. What is stored stays, however it was stopped.
import { spawn, spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { constants, tmpdir } from "node:os"
import { join } from "node:path"
import { install } from "./debian.mjs"
import { freePorts } from "./ports.mjs"

const debian = "/usr/lib/postgresql"
const oldest = 15
const isRoot = process.getuid?.() === 0

/** The folder with the programs of the newest PostgreSQL that is installed and new enough. */
const installed = () => {
  const own = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, "bin")) : []
  const configured = spawnSync("pg_config", ["--bindir"], { encoding: "utf8" }).stdout?.trim()
  return [...own, ...(configured ? [configured] : [])]
    .filter((bin) => existsSync(join(bin, "initdb")) && existsSync(join(bin, "postgres")))
    .map((bin) => {
      const told = spawnSync(join(bin, "postgres"), ["--version"], { encoding: "utf8" }).stdout ?? ""
      return { bin, version: Number(/(\d+)/.exec(told)?.[1] ?? 0) }
    })
    .filter(({ version }) => version >= oldest)
    .sort((a, b) => b.version - a.version)[0]?.bin
}

/** PostgreSQL refuses to run as root: the package brings a user for it. */
const unprivileged = () => {
  if (!isRoot) return {}
  const [uid, gid] = ["-u", "-g"].map((option) =>
    Number(spawnSync("id", [option, "postgres"], { encoding: "utf8" }).stdout)
  )
  if (!uid || !gid) throw new Error("PostgreSQL does not run as root, and there is no user named postgres.")
  return { uid, gid }
}

// What was committed need not outlive the machine, only the server, however that ends: so commits do wait for the kernel.
const settings = ({ port, root }) => `
listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = '${root}'
max_connections = 200
fsync = off
full_page_writes = off
`

/** Starts it. `stop` ends it and forgets all; so does the end of this process. */
export const startPostgres = async () => {
  if (installed() === undefined) install("postgresql")
  const bin = installed()
  if (bin === undefined) throw new Error(`PostgreSQL ${oldest} or newer is not installed: apt-get install postgresql`)
  const root = mkdtempSync(join(tmpdir(), "longshore-postgres-"))
  const data = join(root, "data")
  const log = join(root, "log")
  const as = { ...unprivileged(), cwd: root }
  const stop = () => {
    process.off("exit", stop)
    if (existsSync(data)) {
      spawnSync(join(bin, "pg_ctl"), ["-D", data, "-m", "immediate", "stop"], {
        ...as,
        stdio: "ignore",
        timeout: 20_000
      })
    }
    rmSync(root, { recursive: true, force: true })
  }
  process.once("exit", stop)
  if (as.uid !== undefined) chownSync(root, as.uid, as.gid)

  const password = randomBytes(12).toString("hex")
  const passwordFile = join(root, "password")
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (as.uid !== undefined) chownSync(passwordFile, as.uid, as.gid)
  // Nothing comes between these: a signal that ends this process waits for them, and then what they made is removed.
  const call = (name, ...args) => {
    const { status, stderr } = spawnSync(join(bin, name), ["-D", data, ...args], { ...as, encoding: "utf8" })
    if (status === 0) return
    throw new Error(`PostgreSQL did not start: ${existsSync(log) ? readFileSync(log, "utf8") : stderr}`)
  }
  const account = ["--username=longshore", `--pwfile=${passwordFile}`, "--auth=scram-sha-256"]
  call("initdb", ...account, "--encoding=UTF8", "--locale=C", "--no-sync")
  const [port] = await freePorts(1)
  appendFileSync(join(data, "postgresql.conf"), settings({ port, root }))
  call("pg_ctl", "-l", log, "-w", "-t", "30", "start")
  return { bin, data, url: `postgres://longshore:${password}@127.0.0.1:${port}/postgres`, stop }
}

if (process.argv[1] === import.meta.filename) {
  const codeOf = (signal) => 128 + constants.signals[signal]
  // `timeout` and terminals signal a whole group, and the command twice: the handler stays.
  let onSignal = (signal) => process.exit(codeOf(signal))
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => onSignal(signal))

  const postgres = await startPostgres().catch((error) => {
    console.error(error.message)
    process.exit(1)
  })
  const variables = {
    LONGSHORE_TEST_DATABASE_URL: postgres.url,
    LONGSHORE_TEST_POSTGRES_BIN: postgres.bin,
    LONGSHORE_TEST_POSTGRES_DATA: postgres.data
  }
  const [command, ...args] = process.argv.slice(2)
  if (command === undefined) {
    for (const [name, value] of Object.entries(variables)) console.log(`export ${name}=${value}`)
    // Until a signal.
    setInterval(() => {}, 2 ** 30)
  } else {
    const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...variables } })
    onSignal = (signal) => {
      child.kill(signal)
      // Whoever does not end by it is not waited for.
      setTimeout(() => child.kill("SIGKILL"), 5_000).unref()
    }
    child.once("error", (error) => {
      console.error(error.message)
      process.exit(127)
    })
    child.once("exit", (code, signal) => process.exit(code ?? codeOf(signal)))
  }
}
