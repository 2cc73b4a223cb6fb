// What longshore looks like at a shell, kept as plain text under docs/terminal: commands are typed into a real terminal
// (tmux), and the screen is taken after so many seconds; or they run without a terminal, as cron runs them.
//   pnpm terminal           all of them
//   pnpm terminal cron      those whose names begin like this
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { cli, startSimulator } from "./simulator.mjs"

/**
 * `seconds`: until the screen is taken; each line of `command` is typed when the one before it had that long. Without
 * `columns` there is no terminal, and all that was said is taken. `before` is done unseen. `slow`: a large export.
 */
const captures = [
  { name: "help", columns: 120, rows: 40, seconds: 2, command: "longshore --help" },
  { name: "plan", columns: 120, seconds: 3, command: "longshore plan Bill Customer --to ./data" },
  { name: "progress-80", slow: true, columns: 80, seconds: 25, command: "longshore export Reservation --to ./data" },
  {
    name: "progress-200",
    slow: true,
    columns: 200,
    seconds: 25,
    command: "longshore export Reservation Customer --to ./data"
  },
  { name: "export", columns: 120, seconds: 6, command: "longshore export Bill --to ./data" },
  {
    name: "interrupted",
    slow: true,
    columns: 120,
    rows: 40,
    seconds: 12,
    command: "longshore export Bill --to ./data\nC-c\nlongshore list\nlongshore resume --last"
  },
  {
    name: "status",
    columns: 140,
    seconds: 2,
    before: "longshore export Bill Customer --to ./data",
    command: "longshore status ./data"
  },
  {
    name: "list",
    columns: 140,
    seconds: 2,
    before: "longshore export Bill --to ./data; longshore export Payment --to ./payments --max-wait 100ms",
    command: "longshore list --all"
  },
  {
    name: "verify",
    columns: 120,
    seconds: 3,
    before: `longshore export Bill --to ./data --part-size 256KiB
      cd data/Bill/*/
      printf X | dd of=Bill-00001.jsonl bs=1 seek=1000000 conv=notrunc
      (head -c 499999 Bill-00002.jsonl; tail -c +500001 Bill-00002.jsonl) > x && mv x Bill-00002.jsonl
      rm Bill-00003.jsonl
      echo '{"Id":"one more"}' >> Bill-00004.jsonl`,
    command: "longshore verify ./data; echo exit code $?"
  },
  {
    name: "gc",
    columns: 120,
    seconds: 2,
    before: "timeout -s KILL 14 longshore export Bill --to ./data --concurrency 2",
    slow: true,
    command: "longshore gc ./data --dry-run\nlongshore gc ./data --older-than 0s"
  },
  { name: "doctor", columns: 120, seconds: 5, command: "longshore doctor --to ./data" },
  {
    name: "config",
    columns: 140,
    rows: 44,
    seconds: 2,
    before: `mkdir ~/.secrets; echo a-token > ~/.secrets/berlin; chmod 600 ~/.secrets/berlin
cat > longshore.toml <<'END'
to = "./data"
account = "berlin"
concurrency = 4

[accounts.berlin]
client-token = { env = "MEWS_CLIENT_TOKEN" }
access-token = { file = "~/.secrets/berlin" }
END`,
    command: "MEWS_CLIENT_TOKEN=$TOKEN longshore config show --origin --account berlin"
  },
  { name: "completions", columns: 100, seconds: 2, command: "longshore completions bash | head -n 12" },
  {
    name: "simulate",
    columns: 100,
    seconds: 3,
    command: "longshore simulate --port 4011 --files 20 --file-size 100MB"
  },
  {
    name: "error",
    columns: 100,
    seconds: 3,
    command: "longshore export Bill --to ./data --platform-address http://127.0.0.1:9 --retries 0"
  },
  {
    name: "cron",
    slow: true,
    command: "longshore export Bill --to ./data --log-file ./longshore.log 2>&1; cat ./longshore.log"
  }
]

const docs = fileURLToPath(new URL("../docs/terminal/", import.meta.url))
const simulators = {
  slow: await startSimulator(..."--files 20 --file-size 60MB --bandwidth 3MB".split(" ")),
  quick: await startSimulator(..."--files 4 --file-size 2MB --pending 500ms --processing 500ms".split(" "))
}

/** A folder of the capture's own, in which `longshore` is a command, with nothing of this machine's settings. */
const place = ({ slow }) => {
  const folder = mkdtempSync(`${tmpdir()}/`)
  const bin = join(folder, "bin")
  for (const path of [bin, join(folder, "work")]) mkdirSync(path)
  symlinkSync(cli, join(bin, "longshore.js"))
  writeFileSync(join(bin, "longshore"), `#!/bin/sh\nexec node '${join(bin, "longshore.js")}' "$@"\n`, { mode: 0o755 })
  const { LONGSHORE_ACCESS_TOKEN, LONGSHORE_CLIENT_TOKEN, LONGSHORE_PLATFORM_ADDRESS } =
    simulators[slow ? "slow" : "quick"].env
  const env = {
    PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: folder,
    LANG: "C.UTF-8",
    PS1: "$ ",
    TOKEN: "a-token",
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
    for (const line of command.split("\n")) {
      tmux("send-keys", "-t", "it", ...(line === "C-c" ? ["C-c"] : [line, "Enter"]))
      await sleep((line === "C-c" ? 2 : seconds) * 1000)
    }
    // The prompt of a superuser says nothing here.
    return tmux("capture-pane", "-p", "-t", "it")
      .replace(/^#(?= |$)/gm, "$")
      .replace(/\n\$\s*$/, "\n")
  } finally {
    tmux("kill-server")
  }
}

const withoutTerminal = ({ command }, { cwd, env }) =>
  `$ ${command}\n${spawnSync("sh", ["-c", command], { cwd, env, stdio: ["ignore", "pipe", "inherit"] }).stdout}`

mkdirSync(docs, { recursive: true })
for (const capture of captures) {
  if (!capture.name.startsWith(process.argv[2] ?? "")) continue
  const at = place(capture)
  try {
    if (capture.before !== undefined)
      spawnSync("sh", ["-c", capture.before], { cwd: at.cwd, env: at.env, stdio: "ignore" })
    const text = capture.columns === undefined ? withoutTerminal(capture, at) : await onTerminal(capture, at)
    writeFileSync(join(docs, `${capture.name}.txt`), `${text.replaceAll(dirname(at.cwd), "/home/maria").trimEnd()}\n`)
    console.log(`docs/terminal/${capture.name}.txt`)
  } finally {
    at.remove()
  }
}
for (const simulator of Object.values(simulators)) simulator.stop()

const shown = captures.map(({ columns, name }) => {
  const where = columns === undefined ? "without a terminal, as cron runs it" : `${columns} columns`
  return `## ${name} (${where})\n\n\`\`\`\n${readFileSync(join(docs, `${name}.txt`), "utf8")}\`\`\`\n`
})
writeFileSync(
  join(docs, "README.md"),
  `# What it looks like\n\nTaken from real terminals by \`pnpm terminal\`, against the simulator.\n\n${shown.join("\n")}`
)
