import { ExportEvent } from "@longshore/core/ExportEvent"
import { appendFile, readdir, readFile, stat, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { laboratory, secretless } from "../program.ts"
import { conforms } from "../schemas.ts"
import { atOnce, inTheMiddle, oneByOne, slow } from "../slowly.ts"

type Line = typeof ExportEvent.Encoded & { readonly version: 1 }

/** Every line, once it is what the published schema says. */
const lines = (text: string): ReadonlyArray<Line> => {
  secretless(text)
  expect(text.endsWith("\n")).toBe(true)
  const all = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
  for (const line of all) conforms("event", line)
  return all
}

describe.concurrent("--events", () => {
  it("tells everything that can happen, command after command, as the schema has it", async (context) => {
    const lab = laboratory(context)
    const faults = [
      "lose-add-answer@Bill",
      "api-429-html@Customer",
      "api-400@Bill",
      "omit-export@Bill",
      "fail-export@Customer",
      "api-401@Payment",
      "deny-link",
      "reset-file=6"
    ]
    const simulator = await lab.simulator(...slow, ...faults.flatMap((fault) => ["--fault", fault]))
    const [target, other] = [await lab.folder(), await lab.folder()]
    const file = Path.join(other, "events.ndjson")
    const common = ["--events", file, "--poll", "100ms"]
    const command = [
      "export",
      "Bill",
      "Customer",
      "--to",
      target,
      "--on-expired",
      "renew",
      "--on-busy",
      "wait",
      ...common
    ]
    const told = async () => lines(await readFile(file, "utf8"))

    const first = lab.start([...command, ...oneByOne], { env: simulator.env })
    await inTheMiddle(simulator)
    first.child.kill("SIGINT")
    expect((await first.ended).code).toBe(130)
    const names = (await readdir(target, { recursive: true })).filter((name) => name.endsWith(".partial"))
    const stored = (await told()).filter(({ _tag }) => _tag === "PartStored").length
    expect(stored).toBeGreaterThan(0)
    expect((await stat(file)).mode & 0o777).toBe(0o600)

    // No part that was stored is what it was.
    for (const name of names) {
      const bytes = await readFile(Path.join(target, name))
      await writeFile(
        Path.join(target, name),
        bytes.map((byte) => byte ^ 1)
      )
    }
    expect((await lab.longshore([...command, ...atOnce], { env: simulator.env })).code).toBe(0)
    // One more may have been stored just when the signal came.
    expect((await told()).filter(({ _tag }) => _tag === "PartLost").length).toBeGreaterThanOrEqual(stored)

    const done = (await told()).find((line) => line._tag === "FileDelivered")
    await appendFile(Path.join(target, done?.key ?? ""), "x")
    expect((await lab.longshore([...command, ...atOnce], { env: simulator.env })).code).toBe(0)

    const failed = ["export", "Payment", "--to", target, ...common]
    expect((await lab.longshore(failed, { env: simulator.env })).code).toBe(3)

    // So large that half of it has come through when the connection breaks.
    const torn = await lab.simulator("--files", "1", "--file-size", "4MB", "--fault", "reset-file")
    expect((await lab.longshore(["export", "Company", "--to", target, ...common], torn)).code).toBe(0)

    const before = (await told()).length
    const bill = (await told()).findLast((line) => line.entityType === "Bill" && line._tag === "RunCompleted")
    const id = bill?._tag === "RunCompleted" ? bill.exportId : ""
    const adopt = ["export", "Bill", "--to", other, "--export-id", id, ...common, ...atOnce]
    expect((await lab.longshore(adopt, { env: simulator.env })).code).toBe(0)

    const all = await told()
    const tags = ExportEvent.members.map((member) => member.fields._tag.schema.literal)
    expect(new Set(all.map(({ _tag }) => _tag))).toEqual(new Set(tags))
    // Nothing went wrong with the last one: what came is what there is.
    const received = all.slice(before).flatMap((line) => (line._tag === "BytesReceived" ? [line.bytes] : []))
    expect(received.reduce((sum, bytes) => sum + bytes, 0)).toBe(2_000_000)
  })

  it("into a file that cannot be written is refused before anything is sent", async (context) => {
    const lab = laboratory(context)
    const { env, requests } = await lab.simulator()
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target, "--json", "--events", Path.join(target, "none", "events.ndjson")]
    const ended = await lab.longshore(command, { env })
    expect(ended).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/events.ndjson, cannot be written .* Next: /)
    })
    expect(await requests("add")).toEqual([])
  })

  it("onto a disk that is full harms nothing, and is told once", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator()
    const command = ["export", "Bill", "Customer", "--to", await lab.folder(), "--quiet", "--events", "/dev/full"]
    expect(await lab.longshore(command, { env })).toMatchObject({
      code: 0,
      stderr: "events can no longer be written to /dev/full (ENOSPC); the run goes on\n"
    })
  })

  it("to stdout, where nothing else needs it", async (context) => {
    const lab = laboratory(context)
    const { env } = await lab.simulator()
    const command = ["export", "Bill", "--events", "-", "--to"]
    const ended = await lab.longshore([...command, await lab.folder()], { env })
    expect(ended.code).toBe(0)
    expect(lines(ended.stdout.toString()).at(-1)).toMatchObject({ _tag: "RunCompleted", entityType: "Bill" })

    const json = await lab.longshore([...command, await lab.folder(), "--json"], { env })
    expect(json).toMatchObject({ code: 2, stderr: expect.stringContaining("--events - and --json both need stdout.") })
    const data = await lab.longshore([...command, "-"], { env })
    expect(data).toMatchObject({ code: 2, stdout: Buffer.of(), stderr: expect.stringContaining("both need stdout.") })
  })
})
