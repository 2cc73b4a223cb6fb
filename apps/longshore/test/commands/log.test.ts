/** What is left to read where nobody watched. */
import { Option, Schema } from "effect"
import { readdir, readFile, stat } from "node:fs/promises"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { ProgressJson } from "../../src/output/ProgressJson.ts"
import { laboratory, pointedAt, secretless } from "../program.ts"
import { conforms } from "../schemas.ts"

describe.concurrent("--log-file and --progress", () => {
  it("keeps what happened and the command that goes on, of a quiet run that cron stops", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator("--pending", "1h")
    const folder = await lab.folder()
    const log = Path.join(folder, "log")
    const read = () => readFile(log, "utf8").catch(() => "")
    const running = lab.start(["export", "Bill", "--to", folder, "--quiet"], {
      env: { ...env, LONGSHORE_LOG_FILE: log }
    })
    while (!(await read()).includes("is Pending")) await sleep(50)
    running.child.kill("SIGTERM")
    const { code, stderr } = await running.ended
    expect(code).toBe(143)
    expect(stderr).toMatch(/^longshore: Stopped; .*\n {2}\S.* export Bill --to .*\n$/)
    secretless(await read())
    const lines = (await read()).split("\n")
    for (const line of lines.slice(0, -1)) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ./)
    expect(lines.map((line) => line.slice(25))).toEqual([
      expect.stringMatching(/^longshore \S+: .* export Bill --to .* --quiet$/),
      expect.stringMatching(/^Bill: export \S+ was accepted$/),
      expect.stringMatching(/^Bill: export \S+ is Pending$/),
      ...stderr.trimEnd().split("\n"),
      ""
    ])
    expect((await stat(log)).mode & 0o777).toBe(0o600)
  })

  it("refuses a log that cannot be written before anything is sent, and a token in its place", async (context) => {
    const lab = laboratory(context)
    const { env, requests } = await lab.simulator()
    const folder = await lab.folder()
    const command = ["export", "Bill", "--to", folder, "--log-file"]
    const nowhere = await lab.longshore([...command, Path.join(folder, "no", "log")], { env })
    expect(nowhere.code).toBe(3)
    expect(nowhere.stderr).toMatch(/^longshore: The log file .*\/no\/log cannot be written \(ENOENT\)\. Next: .+\n$/)
    const token = await lab.longshore([...command, Path.join(folder, env["LONGSHORE_ACCESS_TOKEN"] ?? "")], { env })
    expect(token).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("setting log-file, from --log-file, holds a token")
    })
    expect(await requests("add")).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  it("tells the log why a run could not begin", async (context) => {
    const lab = laboratory(context)
    const log = Path.join(await lab.folder(), "log")
    const { LONGSHORE_ACCESS_TOKEN: _, ...env } = pointedAt("http://127.0.0.1:9")
    const ended = await lab.longshore(["export", "Bill", "--to", Path.dirname(log), "--log-file", log], { env })
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringMatching(/^longshore: There is no access token/) })
    expect(await readFile(log, "utf8")).toContain(`Z ${ended.stderr}`)
  })

  it("json is nothing but JSON on stderr, to the end", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator("--bandwidth", "200kB", "--fault", "file-503=1")
    const command = ["export", "Bill", "--to", await lab.folder(), "--progress", "json", "--verbose"]
    const { code, stderr } = await lab.longshore(command, { env })
    expect(code).toBe(0)
    const decode = Schema.decodeUnknownOption(Schema.fromJsonString(ProgressJson))
    const lines = stderr
      .trimEnd()
      .split("\n")
      .map((line) => Option.getOrThrow(decode(line)))
    for (const line of lines) conforms("progress", line)
    const texts = lines.flatMap((line) => (line.type === "line" ? [line.text] : []))
    expect(texts.at(-1)).toMatch(/^Bill: done, 2 files, 600\.0 kB, verified/)
    expect(texts.some((text) => /attempt 1 answered HTTP 503; again in/.test(text))).toBe(true)
    expect(texts.some((text) => /is delivered, 300\.0 kB, CRC-32/.test(text))).toBe(true)
    const stages = lines.flatMap((line) => (line.type === "progress" ? line.runs.map((run) => run.stage) : []))
    expect(stages).toContain("transferring")
  })
})
