import { VerifyJson } from "../../src/handlers/verify.ts"
import * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile
} from "node:fs/promises"
import * as Path from "node:path"
import { crc32 } from "node:zlib"
import { describe, expect, it } from "vitest"
import { startImitation } from "../../../../packages/sink-s3/test/imitation.ts"
import { startProxy } from "../../../../packages/sink-s3/test/proxy.ts"
import { delivered, laboratory } from "../program.ts"

const without = (bytes: Buffer, at: number) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
const flipped = (bytes: Buffer, at: number) => {
  const other = Buffer.from(bytes)
  other[at]! ^= 0x20
  return other
}
const line = Buffer.from('{"Id":"one more"}\n')

/** As versions wrote them that kept no checksums of parts. */
const manifest = {
  format: "longshore-manifest/1",
  request: { entityType: "Bill" },
  exportId: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
  entityType: "Bill",
  completedUtc: "2026-11-24T03:00:00.000Z",
  verified: "size+etag+crc32",
  size: 0,
  files: []
}
const file = { name: "Bill-00001.jsonl", size: 3, crc32: "00000000", etag: null }

const decode = Schema.decodeUnknownSync(VerifyJson, { onExcessProperty: "error" })

/** Root may read anything, unless it gives that up. */
const through =
  process.getuid?.() === 0 ? `exec setpriv --bounding-set -dac_override,-dac_read_search "$@"` : `exec "$@"`

/** What is said of each file, by its number. */
const told = (json: typeof VerifyJson.Type) =>
  new Map(
    (json.exports ?? []).flatMap(({ differences }) =>
      differences.map(({ difference, name }) => [Number(/-(\d+)\.jsonl$/.exec(name)?.[1]), difference] as const)
    )
  )

describe.concurrent("longshore verify", () => {
  it("names what differs, and the next command repairs it and fetches nothing else", async (context) => {
    const lab = laboratory(context)
    const { env, exports, requests } = await lab.simulator("--files", "14", "--file-size", "200kB")
    const target = await lab.folder()
    const ended = await lab.longshore(["export", "Bill", "--to", target, "--part-size", "64KiB"], { env })
    expect(ended.code).toBe(0)
    const [found] = await exports()
    const folder = Path.join(target, "Bill", found?.id ?? "")
    const path = (n: number) => Path.join(folder, `Bill-${String(n).padStart(5, "0")}.jsonl`)

    const healthy = await lab.longshore(["verify", target])
    expect(healthy).toMatchObject({ code: 0, stderr: "" })
    expect(healthy.stdout.toString()).toMatch(
      /^file:\S+: 14 files, 2\.8 MB, right\n1 export, 14 files, 2\.8 MB: read back, and all of it is as it was delivered\.\n$/
    )

    const change = async (n: number, to: (bytes: Buffer) => Buffer) => writeFile(path(n), to(await readFile(path(n))))
    // As a disk would: its times are as they were.
    const { atime, mtime } = await stat(path(1))
    await change(1, (bytes) => flipped(bytes, 123_456))
    await utimes(path(1), atime, mtime)
    await change(2, (bytes) => without(bytes, 0))
    await change(3, (bytes) => without(bytes, 100_000))
    await change(4, (bytes) => without(bytes, bytes.length - 1))
    await rm(path(5))
    await change(6, (bytes) => Buffer.concat([bytes, line]))
    let inserted = 0
    await change(7, (bytes) => {
      inserted = bytes.indexOf("\n", 90_000) + 1
      return Buffer.concat([bytes.subarray(0, inserted), line, bytes.subarray(inserted)])
    })
    await rename(path(8), `${path(8)}.bak`)
    await rename(path(9), path(8))
    await rename(`${path(8)}.bak`, path(9))
    await rename(path(10), Path.join(target, "elsewhere.jsonl"))
    await symlink("../../elsewhere.jsonl", path(10))
    await rm(path(11))
    await mkdir(path(11))
    await truncate(path(12), 0)
    await chmod(path(13), 0)
    await writeFile(`${path(14)}.0123abcd.partial`, "left by a run")
    await chmod(folder, 0o500)
    context.onTestFinished(() => chmod(folder, 0o700))

    const names = await readdir(folder)
    const damaged = await lab.longshore(["verify", target, "--json"], { through })
    expect(damaged).toMatchObject({ code: 8, stderr: "" })
    const json = decode(JSON.parse(damaged.stdout.toString()))
    const differs = { _tag: "Differs", expected: 200_000 }
    expect(json).toMatchObject({ ok: false, proved: "content", exitCode: 8 })
    const differences = told(json)
    expect(differences.get(1)).toMatchObject({ ...differs, ranges: [{ from: 65_536, to: 131_072 }] })
    expect(differences.get(1)).toHaveProperty("explanation._tag", "ByteChanged")
    expect(differences.get(1)).toHaveProperty("explanation.offsets", expect.arrayContaining([123_456]))
    for (const [n, at] of [
      [2, 0],
      [3, 100_000],
      [4, 199_999]
    ] as const) {
      expect(differences.get(n)).toMatchObject({ ...differs, size: 199_999, explanation: { _tag: "ByteMissing" } })
      expect(differences.get(n)).toHaveProperty("explanation.offsets", expect.arrayContaining([at]))
    }
    expect(differences.get(5)).toEqual({ _tag: "Missing" })
    const added = { _tag: "BytesAdded", length: line.length, lines: 1 }
    expect(differences.get(6)).toMatchObject({ ranges: [], explanation: { ...added, offset: 200_000 } })
    expect(differences.get(7)).toMatchObject({ explanation: { ...added, offset: inserted } })
    expect(differences.get(8)).toMatchObject({ explanation: { _tag: "OtherFile", name: "Bill-00009.jsonl" } })
    expect(differences.get(9)).toMatchObject({ explanation: { _tag: "OtherFile", name: "Bill-00008.jsonl" } })
    expect(differences.get(10)).toMatchObject({ _tag: "NotAFile" })
    expect(differences.get(11)).toMatchObject({ _tag: "NotAFile" })
    expect(differences.get(12)).toMatchObject({ explanation: { _tag: "BytesMissing", offset: 0, length: 200_000 } })
    expect(differences.get(13)).toMatchObject({ _tag: "Unreadable" })
    expect(differences.get(14)).toBeUndefined()
    expect(json.unnamed?.map(({ key, partial }) => [Path.basename(key), partial])).toEqual([
      ["Bill-00014.jsonl.0123abcd.partial", true],
      ["elsewhere.jsonl", false]
    ])
    // It only looks.
    expect(await readdir(folder)).toEqual(names)

    await chmod(folder, 0o700)
    await chmod(path(13), 0o600)
    const quick = await lab.longshore(["verify", folder, "--quick"])
    expect(quick.code).toBe(8)
    const text = quick.stdout.toString()
    expect(text).toContain("Bill-00005.jsonl is missing\n")
    expect(text).toContain("Bill-00006.jsonl is 18 bytes too long (200,018, delivered were 200,000)\n")
    expect(text).not.toMatch(/Bill-0000[189]/)

    const run = /run longshore (resume Bill-[0-9a-f]{16}\.1): only what is missing is fetched\./.exec(text)?.[1] ?? ""
    for (const n of differences.keys()) if (n !== 13) await rm(path(n), { recursive: true, force: true })
    await rm(`${path(14)}.0123abcd.partial`)
    const before = (await requests("file")).length
    expect((await lab.longshore(run.split(" "), { env })).code).toBe(0)
    const fetched = new Set((await requests("file")).slice(before).map(({ file }) => file))
    expect([...fetched].sort((a, b) => Number(a) - Number(b))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    await delivered(target, await exports())
    expect((await lab.longshore(["verify", `${folder}/manifest.json`])).code).toBe(0)

    // What cannot be read may be right.
    await chmod(path(1), 0)
    const unread = await lab.longshore(["verify", target], { through })
    expect(unread.code).toBe(9)
    expect(unread.stdout.toString()).toMatch(
      /Bill-00001\.jsonl cannot be read: this user may not read .*1 could not be read\.\nNext: /s
    )
  })

  it("says what is wrong with a manifest", async (context) => {
    const lab = laboratory(context)
    const target = await lab.folder()
    const write = async (name: string, text: string) => {
      await mkdir(Path.join(target, name))
      await writeFile(Path.join(target, name, "manifest.json"), text)
    }
    await write("a-nothing", JSON.stringify(manifest))
    await write("b-cut", JSON.stringify(manifest).slice(0, 100))
    await write("c-newer", JSON.stringify({ ...manifest, format: "longshore-manifest/2" }))
    await write("d-sum", JSON.stringify({ ...manifest, files: [file] }))
    const parts = { size: 2, crc32: "00000000 00000001" }
    await write("e-parts", JSON.stringify({ ...manifest, size: 3, files: [{ ...file, parts }] }))
    await write(
      "f-path",
      JSON.stringify({ ...manifest, size: 3, files: [{ ...file, name: "../a-nothing/manifest.json" }] })
    )
    await write("g-fields", JSON.stringify({ format: manifest.format }))
    const { code, stdout } = await lab.longshore(["verify", target])
    expect(code).toBe(8)
    const said = stdout.toString()
    expect(said).toMatch(/a-nothing: 0 files, 0 B, right\n/)
    expect(said).toMatch(
      /b-cut: .*\n {2}the manifest is damaged: it is not the JSON of a manifest; perhaps it was cut short/
    )
    expect(said).toMatch(/c-newer: .*\n {2}the manifest is of a newer format .*longshore-manifest\/2/)
    expect(said).toMatch(
      /d-sum: .*\n.* contradicts itself: its files have 3 bytes, and it says 0\n {2}Bill-00001\.jsonl is missing/
    )
    expect(said).toMatch(
      /e-parts: .*\n.* contradicts itself: the checksums of the parts of Bill-00001\.jsonl do not add up/
    )
    expect(said).toMatch(/f-path: .*\n.* contradicts itself: a name in it is not one of a file beside it\n/)
    expect(said).toMatch(/g-fields: .*\n.* is damaged: fields of a manifest are missing/)
  })

  it("has nothing to verify in a place without a manifest, and makes nothing there", async (context) => {
    const lab = laboratory(context)
    const missing = Path.join(await lab.folder(), "nobody")
    for (const place of [missing, `${missing}/manifest.json`]) {
      const ended = await lab.longshore(["verify", place])
      expect(ended).toMatchObject({ code: 2 })
      expect(ended.stderr).toMatch(/^longshore: There is no manifest in .* Next: /)
    }
    expect(existsSync(missing)).toBe(false)
    expect((await lab.longshore(["verify", "-"])).code).toBe(2)
  })

  it("needs no more memory for a large file, whose manifest has no checksums of parts", async (context) => {
    const lab = laboratory(context)
    const target = await lab.folder()
    const size = 512 * 1024 * 1024
    const zeros = Buffer.alloc(64 * 1024 * 1024)
    let crc = 0
    for (let done = 0; done < size; done += zeros.length) crc = crc32(zeros, crc)
    const files = [{ ...file, size, crc32: crc.toString(16).padStart(8, "0") }]
    await writeFile(Path.join(target, "manifest.json"), JSON.stringify({ ...manifest, size, files }))
    await writeFile(Path.join(target, file.name), "")
    await truncate(Path.join(target, file.name), size)
    const says = "process.on('exit',()=>process.stderr.write('peak:'+process.resourceUsage().maxRSS))"
    const { code, stderr } = await lab.longshore(["verify", target], {
      env: { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(says)}` }
    })
    expect(code).toBe(0)
    // KiB. Without a file it is about 100 MiB.
    expect(Number(/peak:(\d+)/.exec(stderr)?.[1])).toBeLessThan(300 * 1024)
  })

  it("reads back from a bucket, with the right to read alone", { timeout: 180_000 }, async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator("--files", "3", "--file-size", "6MB")
    const endpoint = await startImitation()
    await fetch(`${endpoint}/exports`, { method: "PUT" })
    const aws = {
      AWS_ACCESS_KEY_ID: "imitation",
      AWS_SECRET_ACCESS_KEY: "SECRET0ACCESS0KEY",
      AWS_ENDPOINT_URL: endpoint
    }
    const state = await lab.folder()
    const all = { env: { ...simulator.env, ...aws, LONGSHORE_STATE: state } }
    const command = ["export", "Bill", "--to", "s3://exports/mews", "--part-size", "5MiB"]
    expect((await lab.longshore(command, all)).code).toBe(0)
    const [found] = await simulator.exports()
    const url = (n: number) => `${endpoint}/exports/mews/Bill/${found?.id}/Bill-0000${n}.jsonl`

    const proxy = await startProxy(endpoint)
    const reader = { env: { ...aws, AWS_ENDPOINT_URL: proxy.endpoint } }
    const healthy = await lab.longshore(["verify", "s3://exports/mews"], reader)
    expect(healthy.stdout.toString()).toMatch(/1 export, 3 files, 18\.0 MB: read back, and all of it is as it was/)
    expect(healthy.code).toBe(0)
    expect(new Set(proxy.seen.map(({ method }) => method))).toEqual(new Set(["GET", "HEAD"]))

    const bytes = Buffer.from(await (await fetch(url(1))).arrayBuffer())
    const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" }
    await fetch(url(1), { method: "PUT", headers, body: flipped(bytes, 5_500_000) })
    await fetch(url(2), { method: "PUT", headers, body: Buffer.concat([line, bytes]) })
    await fetch(url(3), { method: "DELETE" })
    const damaged = await lab.longshore(["verify", `s3://exports/mews/Bill/${found?.id}/manifest.json`], reader)
    expect(damaged.code).toBe(8)
    expect(damaged.stdout.toString()).toMatch(
      /Bill-00001\.jsonl has its size, .* offset .*5,500,000.*\n.*Bill-00002\.jsonl is 18 bytes too long .*\n.*Bill-00003\.jsonl is missing/
    )
    // Another object has another ETag: no need to remove it.
    expect((await lab.longshore(command, all)).code).toBe(0)
    expect((await lab.longshore(["verify", "s3://exports/mews"], reader)).code).toBe(0)
  })
})
