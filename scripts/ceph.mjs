// A throw-away Ceph on 127.0.0.1: one monitor, one storage daemon that keeps everything in memory, and the S3 gateway.
// It is the real server of our S3 tests. Linux with Ceph's packages; as root on Debian it installs what is missing.
//
//   node scripts/ceph.mjs [--port N]              starts it, prints the variables to use, ends with Ctrl-C
//   node scripts/ceph.mjs [--port N] COMMAND…     runs the command with those variables, and ends with it
//
// SIGHUP restarts the gateway; what is stored stays.
import { execFile, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { install } from "./debian.mjs"
import { freePorts } from "./ports.mjs"

const run = promisify(execFile)
const programs = ["ceph-mon", "ceph-osd", "ceph", "radosgw", "radosgw-admin"]
const packages = ["ceph-mon", "ceph-osd", "ceph-common", "radosgw"]
const installed = () =>
  programs.every((name) => ["/usr/bin", "/usr/local/bin"].some((dir) => existsSync(join(dir, name))))

const config = ({ fsid, monitor, port, root }) => `
[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitor}]
mon initial members = a
public network = 127.0.0.0/8
keyring = ${root}/keyring
run dir = ${root}
log file = ${root}/$type.log
admin socket = ${root}/$type.asok
mon data = ${root}/mon
osd data = ${root}/osd
rgw data = ${root}/rgw
# One copy of everything on one daemon is meant.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon osd min in ratio = 0
osd objectstore = memstore
memstore device bytes = ${12 * 2 ** 30}
memstore page set = true
osd memory target = ${896 * 2 ** 20}
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw thread pool size = 32
rgw run sync thread = false
# What was deleted frees its memory at once, not in two hours.
rgw gc obj min wait = 2
rgw gc processor period = 3
rgw gc processor max time = 3
`

/**
 * Starts it. `restart` restarts the gateway alone: what is stored stays. `stop` ends all and forgets all; so does the
 * end of this process.
 */
export const startCeph = async (options = {}) => {
  if (!installed()) install(...packages)
  if (!installed()) throw new Error(`Ceph is not installed: apt-get install ${packages.join(" ")}`)
  const root = mkdtempSync(join(tmpdir(), "longshore-ceph-"))
  const [monitor, freePort] = await freePorts(2)
  const port = options.port ?? freePort
  const fsid = randomUUID()
  const conf = join(root, "ceph.conf")
  for (const name of ["mon", "osd", "rgw"]) mkdirSync(join(root, name))
  writeFileSync(conf, config({ fsid, monitor, port, root }))
  const call = (program, ...args) => run(program, ["-c", conf, ...args])

  const daemons = new Map()
  const ended = (child) =>
    child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve()
      : new Promise((resolve) => child.once("exit", resolve))
  const start = (name, program, ...args) =>
    // In the foreground, as a child: there is no pid file to trust.
    daemons.set(name, spawn(program, ["-c", conf, "-f", ...args], { stdio: "ignore" }))
  const end = async (name, signal) => {
    daemons.get(name)?.kill(signal)
    await ended(daemons.get(name))
  }
  const forget = () => {
    for (const child of daemons.values()) child.kill("SIGKILL")
    rmSync(root, { recursive: true, force: true })
  }
  process.once("exit", forget)

  const key = (name, ...caps) =>
    run("ceph-authtool", [join(root, "keyring"), "--gen-key", "-n", name, ...caps.flatMap((cap) => ["--cap", ...cap])])
  writeFileSync(join(root, "keyring"), "", { mode: 0o600 })
  const all = [
    ["mon", "allow *"],
    ["osd", "allow *"],
    ["mgr", "allow *"]
  ]
  await key("mon.", ["mon", "allow *"])
  await key("client.admin", ...all)
  await key("osd.0", ["mon", "allow profile osd"], ["osd", "allow *"])
  await key("client.rgw", ["mon", "allow rw"], ["osd", "allow rwx"])

  const map = join(root, "monmap")
  await run("monmaptool", ["--create", "--fsid", fsid, "--addv", "a", `[v2:127.0.0.1:${monitor}]`, map])
  await call("ceph-mon", "--mkfs", "-i", "a", "--monmap", map)
  start("mon", "ceph-mon", "-i", "a")
  const uuid = randomUUID()
  await call("ceph", "osd", "new", uuid, "0")
  await call("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", uuid)
  start("osd", "ceph-osd", "-i", "0")

  const accessKeyId = "longshore-test"
  const secretAccessKey = randomUUID()
  await call(
    "radosgw-admin",
    "user",
    "create",
    "--uid=longshore",
    "--display-name=Longshore",
    `--access-key=${accessKeyId}`,
    `--secret-key=${secretAccessKey}`
  )

  const endpoint = `http://127.0.0.1:${port}`
  const startGateway = async () => {
    start("rgw", "radosgw", "-n", "client.rgw")
    for (let tries = 0; ; tries++) {
      const answers = await fetch(endpoint).then(
        ({ ok }) => ok,
        () => false
      )
      if (answers) return
      if (tries > 300) throw new Error(`Ceph's gateway did not start; its logs were in ${root}.`)
      await sleep(100)
    }
  }
  await startGateway()

  return {
    endpoint,
    accessKeyId,
    secretAccessKey,
    restart: async () => {
      await end("rgw", "SIGKILL")
      await startGateway()
    },
    stop: async () => {
      process.off("exit", forget)
      for (const name of daemons.keys()) await end(name, "SIGKILL")
      forget()
    }
  }
}

if (process.argv[1] === import.meta.filename) {
  const [option, port, ...rest] = process.argv.slice(2)
  const command = option === "--port" ? rest : process.argv.slice(2)
  const ceph = await startCeph(option === "--port" ? { port: Number(port) } : {})
  const variables = {
    LONGSHORE_TEST_S3_ENDPOINT: ceph.endpoint,
    /** Whom to send SIGHUP. */
    LONGSHORE_TEST_S3_PID: String(process.pid),
    AWS_ACCESS_KEY_ID: ceph.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ceph.secretAccessKey,
    AWS_REGION: "us-east-1"
  }
  let restarted = Promise.resolve()
  process.on("SIGHUP", () => (restarted = restarted.then(ceph.restart)))
  const end = async (code) => {
    await ceph.stop()
    process.exit(code)
  }
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void end(command.length === 0 ? 0 : 1))
  if (command.length === 0) {
    for (const [name, value] of Object.entries(variables)) console.log(`export ${name}=${value}`)
  } else {
    const child = spawn(command[0], command.slice(1), { stdio: "inherit", env: { ...process.env, ...variables } })
    child.once("error", (error) => {
      console.error(error.message)
      void end(127)
    })
    child.once("exit", (code) => void end(code ?? 1))
  }
}
