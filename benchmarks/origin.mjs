// The origin of all works: nginx with files of random bytes, over HTTP, over HTTPS, with a throttle on each connection,
// and, where the kernel can, behind a network that takes its time.
import { execFileSync, spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync, readSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePorts } from "../scripts/ports.mjs"

const mebibyte = 2 ** 20
export const big = { name: "big.bin", size: 1024 * mebibyte }
/** Zero-padded, so that every tool and the shell list them in one order. */
export const small = Array.from({ length: 200 }, (_, index) => ({
  name: `${String(index + 1).padStart(3, "0")}.bin`,
  size: 4 * mebibyte
}))
/** Per connection. */
export const throttle = 20 * mebibyte
/** Milliseconds there and back. */
export const latency = 40

/** RFC 2544 sets this network aside for benchmarks, so it hides nobody's. */
const near = "198.18.213.1"
const far = "198.18.213.2"

const quietly = (program, ...args) => execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"] })

const makeFiles = (folder) => {
  mkdirSync(join(folder, "small"), { recursive: true })
  const random = openSync("/dev/urandom", "r")
  const block = Buffer.allocUnsafe(4 * mebibyte)
  const write = (path, size) => {
    const file = openSync(path, "w")
    for (let at = 0; at < size; at += block.length) {
      for (let filled = 0; filled < block.length;) {
        filled += readSync(random, block, filled, block.length - filled, null)
      }
      writeSync(file, block)
    }
    closeSync(file)
  }
  write(join(folder, big.name), big.size)
  for (const { name, size } of small) write(join(folder, "small", name), size)
  closeSync(random)
}

/** An authority of its own: everyone verifies the same chain, none is told to look away. */
const makeCertificate = (folder) => {
  const at = (name) => join(folder, name)
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
  const sign = (...args) => quietly("openssl", "req", "-x509", "-days", "2", ...key, ...args)
  sign("-subj", "/CN=Longshore benchmark CA", "-keyout", at("ca.key"), "-out", at("ca.pem"))
  writeFileSync(at("leaf.cnf"), "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
  quietly("openssl", "req", ...key, "-subj", "/CN=localhost", "-keyout", at("leaf.key"), "-out", at("leaf.csr"))
  const authority = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial"]
  const request = ["-in", at("leaf.csr"), "-extfile", at("leaf.cnf"), "-out", at("leaf.pem")]
  quietly("openssl", "x509", "-req", "-days", "2", ...authority, ...request)
  return at("ca.pem")
}

const configuration = (folder, servers) => `
daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes auto;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000;
  default_type application/octet-stream;
  root ${folder}/files;
  autoindex on;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${servers}
}
`

/**
 * nginx delays what follows a piece, never what came with it: the last piece of an answer is free. With the default
 * pieces of 2 MiB, whoever asks for parts of 8 MiB is let through at 27 MB/s where 20 are meant.
 */
const throttled = `limit_rate ${throttle}; sendfile_max_chunk 128k;`

const plainServers = (folder, [http, https, slow]) => `
  server { listen 127.0.0.1:${http}; }
  server {
    listen 127.0.0.1:${https} ssl;
    ssl_certificate ${folder}/leaf.pem;
    ssl_certificate_key ${folder}/leaf.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:all:1m;
  }
  server { listen 127.0.0.1:${slow}; ${throttled} }`

const onceUp = async (url, child) => {
  for (let tries = 0; ; tries++) {
    const answers = await fetch(url).then(
      ({ ok }) => ok,
      () => false
    )
    if (answers) return
    if (tries > 50 || child.exitCode !== null) throw new Error(`nginx does not answer at ${url}`)
    await sleep(100)
  }
}

/** A network namespace behind a wire with a delay. Needs root, and a kernel with `netem`. */
const makeFarHost = () => {
  const name = `longshore-${process.pid}`
  const undo = () => {
    try {
      quietly("ip", "netns", "del", name)
    } catch {
      // It was not made.
    }
  }
  try {
    const [here, there] = [`lsh${process.pid}`, `lst${process.pid}`]
    const inside = (...args) => quietly("ip", "netns", "exec", name, ...args)
    quietly("ip", "netns", "add", name)
    quietly("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
    quietly("ip", "address", "add", `${near}/30`, "dev", here)
    quietly("ip", "link", "set", here, "up")
    inside("ip", "address", "add", `${far}/30`, "dev", there)
    inside("ip", "link", "set", there, "up")
    // The answers wait; a queue that is long enough for all connections loses none.
    inside(..."tc qdisc add dev".split(" "), there, ..."root netem limit 100000 delay".split(" "), `${latency}ms`)
    return { name, undo }
  } catch (error) {
    undo()
    const said = String(error.stderr ?? error)
      .trim()
      .split("\n")
      .at(-1)
    return { why: `as a network with a delay needs root, ip, tc and a kernel with netem ("${said}")` }
  }
}

/** Makes the files and starts nginx. `end` ends it; so does the end of this process. */
export const startOrigin = async (folder, { far: withFar }) => {
  mkdirSync(folder, { recursive: true })
  const files = join(folder, "files")
  makeFiles(files)
  const ca = makeCertificate(folder)
  const ports = await freePorts(3)
  const undo = []
  const ended = []
  const nginx = (name, servers, ...before) => {
    const config = join(folder, `${name}.conf`)
    writeFileSync(config, configuration(folder, servers))
    const [program, ...args] = [...before, "nginx", "-p", folder, "-e", join(folder, "error.log"), "-c", config]
    const child = spawn(program, args, { stdio: "ignore" })
    // Its workers end with it, unless it is killed.
    undo.unshift(() => child.kill("SIGTERM"))
    ended.push(new Promise((resolve) => child.once("exit", resolve)))
    return child
  }
  const stop = () => {
    for (const step of undo.splice(0)) step()
  }
  process.once("exit", stop)
  const end = async () => {
    stop()
    await Promise.all(ended)
  }
  const [http, https, slow] = ports.map((port, index) => `${index === 1 ? "https" : "http"}://127.0.0.1:${port}`)
  await onceUp(`${http}/small/`, nginx("near", plainServers(folder, ports)))
  const farHost = withFar ? makeFarHost() : { why: "not asked for" }
  let distant
  if (farHost.name !== undefined) {
    undo.unshift(farHost.undo)
    distant = `http://${far}:8080`
    const child = nginx("far", `server { listen ${far}:8080; }`, "ip", "netns", "exec", farHost.name)
    await onceUp(`${distant}/small/`, child)
  }
  return { files, ca, http, https, throttled: slow, distant, why: farHost.why, end }
}
