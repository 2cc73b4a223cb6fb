// What longshore looks like at a shell, kept as plain text under docs/terminal: commands are typed into a real terminal
// (tmux), and the screen is taken after so many seconds; or they run without a terminal, as cron runs them.
//   pnpm terminal           all of them
//   pnpm terminal cron      those whose names begin like this
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { cli, startSimulator } from "./simulator.mjs"

/** `seconds`: until the screen is taken. Without `columns` there is no terminal, and all that was said is taken. */
const captures = [
  { name: "progress-80", columns: 80, seconds: 25, command: "longshore export Reservation --to ./data" },
  { name: "progress-200", columns: 200, seconds: 25, command: "longshore export Reservation Customer --to ./data" },
  { name: "cron", command: "longshore export Bill --to ./data --log-file ./longshore.log 2>&1; cat ./longshore.log" }
]

const docs = fileURLToPath(new URL("../docs/terminal/", import.meta.url))
const simulator = await startSimulator(..."--files 20 --file-size 60MB --bandwidth 3MB".split(" "))

/** A folder of the capture's own, in which `longshore` is a command, with nothing of this machine's settings. */
const place = () => {
  const folder = mkdtempSync(join(tmpdir(), "longshore-terminal-"))
  const bin = join(folder, "bin")
  for (const path of [bin, join(folder, "work")]) mkdirSync(path)
  symlinkSync(cli, join(bin, "longshore.js"))
  writeFileSync(join(bin, "longshore"), `#!/bin/sh\nexec node '${join(bin, "longshore.js")}' "$@"\n`, { mode: 0o755 })
  const { LONGSHORE_ACCESS_TOKEN, LONGSHORE_CLIENT_TOKEN, LONGSHORE_PLATFORM_ADDRESS } = simulator.env
  const env = {
    PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: folder,
    LANG: "C.UTF-8",
    PS1: "$ ",
    LONGSHORE_ACCESS_TOKEN,
    LONGSHORE_CLIENT_TOKEN,
    LONGSHORE_PLATFORM_ADDRESS
  }
  return { cwd: join(folder, "work"), env, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

const onTerminal = async ({ columns, command, rows = 24, seconds }, { cwd, env }) => {
  const socket = `longshore-${process.pid}`
  const tmux = (...args) => execFileSync("tmux", ["-L", socket, "-f", "/dev/null", ...args], { cwd, env }).toString()
  tmux("new-session", "-d", "-s", "it", "-x", String(columns), "-y", String(rows), "sh")
  try {
    tmux("send-keys", "-t", "it", command, "Enter")
    await sleep(seconds * 1000)
    // The prompt of a superuser says nothing here.
    return tmux("capture-pane", "-p", "-t", "it").replace(/^# /gm, "$ ")
  } finally {
    tmux("kill-server")
  }
}

const withoutTerminal = ({ command }, { cwd, env }) =>
  `$ ${command}\n${spawnSync("sh", ["-c", command], { cwd, env, stdio: ["ignore", "pipe", "inherit"] }).stdout}`

mkdirSync(docs, { recursive: true })
for (const capture of captures) {
  if (!capture.name.startsWith(process.argv[2] ?? "")) continue
  const at = place()
  try {
    const text = capture.columns === undefined ? withoutTerminal(capture, at) : await onTerminal(capture, at)
    writeFileSync(join(docs, `${capture.name}.txt`), `${text.replaceAll(dirname(at.cwd), "/home/me").trimEnd()}\n`)
    console.log(`docs/terminal/${capture.name}.txt`)
  } finally {
    at.remove()
  }
}
simulator.stop()
