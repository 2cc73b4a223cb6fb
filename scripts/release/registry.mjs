// A registry of our own on loopback (Verdaccio): keeps Longshore's packages to itself, so that nothing of that name ever comes
// from elsewhere, and hands on everything else from the registry that npm is set to.
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs"
import { get } from "node:http"
import { delimiter, dirname, join } from "node:path"
import { json } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { freePorts } from "../ports.mjs"

const home = fileURLToPath(new URL("verdaccio", import.meta.url))
const npmConfig = (key) => execFileSync("npm", ["config", "get", key], { encoding: "utf8" }).trim()

/** Starts it with all its state in `folder`. It ends with this process, or with `stop`. */
export const startRegistry = async (folder, { port = 0 } = {}) => {
  execFileSync("pnpm", ["install", "--frozen-lockfile", "--prefer-offline", "--silent"], {
    cwd: home,
    stdio: "inherit"
  })
  const listen = port === 0 ? (await freePorts(1))[0] : port
  const url = `http://127.0.0.1:${listen}/`
  const cafile = npmConfig("cafile")
  mkdirSync(folder, { recursive: true })
  // JSON is YAML, too.
  const config = {
    storage: join(folder, "storage"),
    auth: { htpasswd: { file: join(folder, "htpasswd") } },
    uplinks: {
      npm: { url: npmConfig("registry"), ...(cafile === "null" ? {} : { ca: readFileSync(cafile, "utf8") }) }
    },
    packages: {
      longshore: { access: "$all", publish: "$authenticated" },
      "@longshore/*": { access: "$all", publish: "$authenticated" },
      "**": { access: "$all", proxy: "npm" }
    },
    publish: { allow_offline: true },
    web: { enable: false },
    log: { type: "file", path: join(folder, "verdaccio.log"), level: "warn" }
  }
  const configFile = join(folder, "config.yaml")
  writeFileSync(configFile, JSON.stringify(config))
  const program = join(home, "node_modules", "verdaccio", "bin", "verdaccio")
  const child = spawn(process.execPath, [program, "--config", configFile, "--listen", `127.0.0.1:${listen}`], {
    cwd: folder,
    // Its warning about root is not for a registry on loopback.
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
    stdio: ["ignore", "ignore", "inherit"]
  })
  const stop = () => {
    process.off("exit", stop)
    child.kill()
  }
  process.on("exit", stop)
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1))
  for (let tries = 0; ; tries++) {
    const ready = await fetch(`${url}-/ping`).then(
      (response) => response.ok,
      () => false
    )
    if (ready) break
    if (child.exitCode !== null || tries > 300) throw new Error(`The registry did not start: ${config.log.path}`)
    await sleep(100)
  }

  // Who publishes has an account here, too: what is published without one is refused.
  const answer = await fetch(`${url}-/user/org.couchdb.user:releaser`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "releaser", password: "only-on-loopback" })
  })
  if (!answer.ok) throw new Error(`The registry gave no account: ${await answer.text()}`)
  const { token } = await answer.json()

  // Whoever uses it knows of no other registry, sees nothing of this repository's tools, and trusts no cache of earlier tries.
  const path = process.env.PATH.split(delimiter).filter((entry) => !entry.includes("node_modules"))
  // The Node.js of this machine, if Longshore runs on it; else that of the toolchain.
  const found = spawnSync("node", ["--version"], { encoding: "utf8", env: { PATH: path.join(delimiter) } }).stdout ?? ""
  const [major, minor] = found.trim().slice(1).split(".").map(Number)
  const fits = major > 22 || (major === 22 && minor >= 19)
  if (!fits) path.unshift(dirname(realpathSync(process.execPath)))
  const inherited = Object.entries(process.env).filter(([name]) => !/^p?npm_/i.test(name))
  const settings = (name, ...lines) => {
    const file = join(folder, `${name}.npmrc`)
    const always = [`registry=${url}`, "fund=false", "audit=false", "update-notifier=false"]
    writeFileSync(file, `${[...always, `cache=${join(folder, `${name}-cache`)}`, ...lines].join("\n")}\n`)
    return { npm_config_userconfig: file, NPM_CONFIG_USERCONFIG: file }
  }
  return {
    url,
    stop,
    /** What it has of a package. Over a connection of its own: scripts that wait for commands do not see one that was closed. */
    packument: (name) =>
      new Promise((resolve, reject) => {
        get(`${url}${name.replace("/", "%2f")}`, { agent: false }, (response) => resolve(json(response))).once(
          "error",
          reject
        )
      }),
    /** The environment of somebody who has an account, with this repository's tools. */
    publisher: { ...process.env, ...settings("publisher", `${url.slice("http:".length)}:_authToken=${token}`) },
    /** The environment of somebody who has nothing but Node.js and npm. */
    stranger: {
      ...Object.fromEntries(inherited),
      ...settings("stranger"),
      PATH: path.join(delimiter)
    }
  }
}
