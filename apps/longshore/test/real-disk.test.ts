import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { smallDisk } from "./disk.ts"
import { storedInFolder } from "./leftovers.ts"
import { delivered, laboratory, unfinished } from "./program.ts"
import { atOnce, inTheMiddle, oneByOne, slow } from "./slowly.ts"

// Mounts, limits and capabilities are those of Linux.
describe.skipIf(process.platform !== "linux")("a folder on a real disk", { concurrent: true, timeout: 60_000 }, () => {
  it("F60 a disk that fills up in the middle: says so, and goes on once there is room", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator("--file-size", "1MB", "--bandwidth", "500kB")
    const disk = await smallDisk(context, "size=4m")
    const target = Path.join(disk.path, "data")
    const command = ["export", "Bill", "--to", target, "--part-size", "256KiB", "--concurrency", "2"]

    const full = lab.start(command, { env })
    await storedInFolder(target, 1)
    // Somebody else takes what is left, from one moment to the next: it is missed at a write, or where the second file is opened.
    full.child.kill("SIGSTOP")
    await writeFile(Path.join(disk.path, "ballast"), Buffer.alloc(4 * 2 ** 20)).catch(() => undefined)
    full.child.kill("SIGCONT")
    const { code, stderr } = await full.ended
    expect(stderr).toMatch(/^longshore: .*(the disk is full|the disk has room for 0).* Next: /m)
    expect(code).toBe(9)
    await unfinished(target, await exports())

    await rm(Path.join(disk.path, "ballast"))
    expect((await lab.longshore(command, { env })).code).toBe(0)
    await delivered(target, await exports())
    expect(await requests("add")).toHaveLength(1)
  })

  it("F60 a disk that is too small: nothing is fetched", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator("--file-size", "3MB")
    const disk = await smallDisk(context, "size=4m")
    const command = ["export", "Bill", "--to", disk.path]
    const ended = await lab.longshore(command, { env })
    expect(ended.stderr).toMatch(/the export has 6000000 bytes, and there is room for \d+/)
    expect(ended.code).toBe(9)
    expect(await requests("file")).toEqual([])
    await disk.remount("size=16m")
    expect((await lab.longshore(command, { env })).code).toBe(0)
    await delivered(disk.path, await exports())
  })

  it.for([2, 4, 6, 8])("F60 a disk with bytes left and only %i names", async (names, context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator()
    const disk = await smallDisk(context, `size=16m,nr_inodes=${names}`)
    const command = ["export", "Bill", "--to", disk.path]
    const ended = await lab.longshore(command, { env })
    expect(ended.stderr).toMatch(/^longshore: .*the disk is full.* Next: /m)
    expect(ended.code).toBe(9)
    await unfinished(disk.path, await exports())
    await disk.remount("size=16m,nr_inodes=100")
    expect((await lab.longshore(command, { env })).code).toBe(0)
    await delivered(disk.path, await exports())
    expect((await requests("add")).length).toBe(1)
  })

  it("F60 a limit on the size of files", async (context) => {
    const lab = laboratory(context)
    const { env, exports } = await lab.simulator("--file-size", "3MB")
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target, "--part-size", "256KiB"]
    // Of 512 bytes each, as POSIX has it.
    const ended = await lab.longshore(command, { env, through: `ulimit -f 2000; exec "$@"` })
    expect(ended.stderr).toMatch(/^longshore: .*larger than .* allows.* Next: /m)
    expect(ended.code).toBe(9)
    await unfinished(target, await exports())
    expect((await lab.longshore(command, { env })).code).toBe(0)
    await delivered(target, await exports())
  })

  it("F62 too few files may be open: says so, and the same command goes on where there are enough", async (context) => {
    const lab = laboratory(context)
    const { env, exports } = await lab.simulator("--files", "60", "--file-size", "60kB")
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target, "--part-size", "16KiB", "--concurrency", "64"]
    const ended = await lab.longshore(command, { env, through: `ulimit -n 60; exec "$@"` })
    expect(ended.stderr).toMatch(/^longshore: .*too many files are open.* Next: /m)
    expect(ended.code).toBe(9)
    expect((await lab.longshore(command, { env })).code).toBe(0)
    await delivered(target, await exports())
  })

  it("F62 a folder that this user may not write: nothing is asked of the API", async (context) => {
    const lab = laboratory(context)
    const { env, requests } = await lab.simulator()
    const target = await lab.folder()
    await chmod(target, 0o500)
    // Root may write anywhere, unless it gives that up.
    const through =
      process.getuid?.() === 0 ? `exec setpriv --bounding-set -dac_override,-dac_read_search "$@"` : `exec "$@"`
    const command = ["export", "Bill", "--to", target]
    const ended = await lab.longshore(command, { env, through })
    expect(ended.stderr).toMatch(/^longshore: .*this user may not .*write.* \(EACCES\).* Next: /m)
    const state = await lab.longshore([...command, "--state", await lab.folder()], { env, through })
    expect(state.stderr).toMatch(/^longshore: .*this user may not read or write here \(EACCES\).* Next: /m)
    expect([ended.code, state.code]).toEqual([9, 9])
    expect(await requests("add")).toEqual([])
  })

  it("F62 F90 a disk that is read-only, under the files or under the journal", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator()
    const disk = await smallDisk(context, "size=16m")
    await disk.remount("ro")
    const folder = await lab.folder()
    const sink = await lab.longshore(["export", "Bill", "--to", disk.path, "--state", folder], { env })
    expect(sink.stderr).toMatch(/^longshore: .*the file system is read-only \(EROFS\).* Next: /m)
    const journal = await lab.longshore(["export", "Bill", "--to", folder, "--state", disk.path], { env })
    expect(journal.stderr).toMatch(/^longshore: The journal .*the file system is read-only \(EROFS\).* Next: /m)
    expect([sink.code, journal.code]).toEqual([9, 1])
    expect(await requests("add")).toEqual([])
    await disk.remount("rw")
    expect((await lab.longshore(["export", "Bill", "--to", disk.path], { env })).code).toBe(0)
    await delivered(disk.path, await exports())
  })

  it("F90 a disk that is full under the journal alone", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator("--files", "20", "--file-size", "20kB")
    // One page for the lock, one for the journal: too little for the lines of twenty files.
    const disk = await smallDisk(context, "size=8k")
    const target = await lab.folder()
    const command = ["export", "Bill", "--to", target, "--state", disk.path]
    const ended = await lab.longshore(command, { env })
    expect(ended.stderr).toMatch(/^longshore: The journal .*the disk is full \(ENOSPC\).* Next: /m)
    expect(ended.code).toBe(9)
    await unfinished(target, await exports())
    await disk.remount("size=1m")
    expect((await lab.longshore(command, { env })).code).toBe(0)
    await delivered(target, await exports())
    expect(await requests("add")).toHaveLength(1)
  })

  it("F01 F90 a disk that is full when the answer of add is to be noted: the next run tells of it", async (context) => {
    const lab = laboratory(context)
    const { env, exports } = await lab.simulator()
    const [page, idLength] = [4096, 39]
    const id = (number: number) => `--enterprise-id=00000000-0000-4000-8000-${String(number).padStart(12, "0")}`
    const command = (target: string, state: string, ids: number) =>
      ["export", "Bill", "--to", target, "--state", state, "--poll", "100ms"].concat(
        Array.from({ length: ids }, (_, number) => id(number))
      )
    // How long the lines before that one are, and with how many more ids in the first it crosses the end of a page.
    const state = await lab.folder()
    expect((await lab.longshore(command(await lab.folder(), state, 10), { env })).code).toBe(0)
    const [name = ""] = await readdir(state)
    const [header = "", intent = "", add] = (await readFile(Path.join(state, name), "utf8")).split("\n")
    expect(add).toContain('"step":"add"')
    const ids = 10 + Math.floor((page - header.length - intent.length - 2) / idLength)

    // One page for the lock, one for the journal.
    const disk = await smallDisk(context, `size=${2 * page}`)
    const target = await lab.folder()
    const full = await lab.longshore(command(target, disk.path, ids), { env })
    expect(full.stderr).toMatch(/^longshore: The journal .*the disk is full \(ENOSPC\).* Next: /m)
    expect(full.code).toBe(9)
    expect(await exports()).toHaveLength(2)

    await disk.remount("size=1m")
    const next = await lab.longshore(command(target, disk.path, ids), { env })
    expect(next.stderr).toContain("an export was asked for and the answer was lost")
    expect(next.code).toBe(0)
    await delivered(target, (await exports()).slice(2))
  })

  it("F69 the target is removed in the middle: says so, and the same command starts over", async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator(...slow)
    const { env, exports } = simulator
    const state = { ...env, LONGSHORE_STATE: await lab.folder() }
    const target = Path.join(await lab.folder(), "data")
    const command = ["export", "Bill", "--to", target]
    const running = lab.start([...command, ...oneByOne], { env: state })
    await inTheMiddle(simulator)
    await rm(target, { recursive: true })
    const { code, stderr } = await running.ended
    expect(stderr).toMatch(/^longshore: .*removed.* Next: /m)
    expect(code).toBe(9)
    expect((await lab.longshore([...command, ...atOnce], { env: state })).code).toBe(0)
    await delivered(target, await exports())
  })
})
