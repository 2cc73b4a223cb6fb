// Runs one command and says what it cost: wall time, CPU of the whole tree of processes, peak RSS of the largest of them.
//
// GNU time starts the shell: it is small, so that a child's peak is the child's own (Node.js would leave the mark of its
// own memory on what it starts), and what it reports is what the kernel counted for everything that was waited for.
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"

export const time = "/usr/bin/time"

/** For `sh`. */
export const quote = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

const running = new Set()

/** Ends what is being measured: for the way out. */
export const endAll = () => {
  for (const child of running) {
    try {
      // The whole group: the shell's children, too.
      process.kill(-child.pid, "SIGKILL")
    } catch {
      // It has ended.
    }
  }
}

/** `command` is for `sh`. Ends with an error if it fails (with another code than `code`), or takes too long. */
export const measure = ({ command, env = {}, code = 0, timeout = 180_000, work }) =>
  new Promise((resolve, reject) => {
    const report = join(work, "time.txt")
    const began = performance.now()
    const child = spawn(time, ["-q", "-o", report, "-f", "%U %S %M", "sh", "-c", command], {
      cwd: work,
      detached: true,
      // Of this process's settings (authorities, proxies, keys, options) nobody gets any.
      env: { PATH: process.env.PATH, HOME: work, LANG: "C.UTF-8", ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    running.add(child)
    let said = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => (said = (said + chunk).slice(-2000)))
    }
    let late = false
    const timer = setTimeout(() => {
      late = true
      process.kill(-child.pid, "SIGKILL")
    }, timeout)
    let wall = 0
    child.once("error", reject)
    child.once("exit", () => {
      wall = (performance.now() - began) / 1000
    })
    child.once("close", (ended) => {
      clearTimeout(timer)
      running.delete(child)
      if (late || ended !== code) {
        return reject(new Error(`${late ? "took too long" : `ended with ${ended}`}: ${command}\n${said}`))
      }
      const [user, system, kibibytes] = readFileSync(report, "utf8").trim().split("\n").at(-1).split(" ").map(Number)
      resolve({ wall, cpu: user + system, rss: kibibytes * 1024 })
    })
  })
