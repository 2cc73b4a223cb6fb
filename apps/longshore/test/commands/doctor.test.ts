import * as Schema from "effect/Schema"
import { chmod, mkdir, readdir, utimes, writeFile } from "node:fs/promises"
import { readFileSync } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import type { AddressInfo } from "node:net"
import * as Path from "node:path"
import { describe, expect, it, type TestContext } from "vitest"
import { startImitation } from "../../../../packages/sink-s3/test/imitation.ts"
import * as Clock from "../../src/doctor/Clock.ts"
import * as FileSystem from "../../src/doctor/FileSystem.ts"
import type { Check, Finding } from "../../src/doctor/Finding.ts"
import { DoctorJson } from "../../src/handlers/doctor.ts"
import { smallDisk } from "../disk.ts"
import { exportId, json, listen } from "../hosts.ts"
import { laboratory, pointedAt } from "../program.ts"

const decode = Schema.decodeUnknownSync(DoctorJson, { onExcessProperty: "error" })
const clock = `--import=${import.meta.resolve("../clock.mjs")}`
const atRename = `--import=${import.meta.resolve("../at-rename.mjs")}`

type Launch = NonNullable<Parameters<ReturnType<typeof laboratory>["longshore"]>[1]>

/** Runs it with `--json`, and gives what it found by check. */
const examine = async (context: TestContext, args: ReadonlyArray<string>, launch: Launch) => {
  const lab = laboratory(context)
  const { code, stderr, stdout } = await lab.longshore(["doctor", "--json", ...args], launch)
  expect(stderr).toBe("")
  const answer = decode(JSON.parse(stdout.toString()))
  expect(answer.exitCode).toBe(code)
  const of = (check: Check): Finding => {
    const found = answer.checks?.filter((finding) => finding.check === check) ?? []
    expect(found).toHaveLength(1)
    return found[0]!
  }
  for (const { found, nextStep, status } of answer.checks ?? []) {
    expect(found).not.toBe("")
    expect(nextStep === undefined).toBe(status === "ok" || status === "skipped")
  }
  return { code, of, stdout: stdout.toString() }
}

/** An API that knows no export, as it is now. */
const api = (context: TestContext) =>
  listen(context, (response) =>
    json(response.setHeader("request-id", exportId), { Message: "Invalid ExportIds", RequestId: exportId }, 400)
  )

const names = async (folder: string): Promise<ReadonlyArray<string>> => readdir(folder, { recursive: true })

describe.concurrent("longshore doctor", () => {
  it("finds that all is well, in words, and leaves nothing behind", async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator()
    const folder = await lab.folder()
    const to = Path.join(folder, "not", "yet")
    const run = (more: Record<string, string>) =>
      lab.longshore(["doctor", "--to", to], { env: { ...simulator.env, ...more } })
    const { code, stderr, stdout } = await run({ TERM: "dumb", LANG: "C.UTF-8" })
    expect(stderr).toBe("")
    const lines = stdout.toString().trimEnd().split("\n")
    expect(lines.map((line) => line.replace(/ {2,}.*/, ""))).toEqual(
      expect.arrayContaining(["ok program", "ok api", "ok access", "ok state", "ok target", "ok clock", "-- file host"])
    )
    expect(stdout.toString()).toContain(`${to} can be made and written`)
    expect(lines.at(-1)).toBe("An export would work here. Not checked: file host.")
    expect(code).toBe(0)
    expect(await names(folder)).toEqual([])
    // It asked once, and for nothing new.
    expect(await simulator.requests("getAll")).toHaveLength(1)
    expect(await simulator.requests("add")).toEqual([])
    expect((await run({ LANG: "de_DE.UTF-8" })).stdout.toString()).toMatch(/^✓ program {5}longshore/)
    expect((await run({ LANG: "de_DE.UTF-8", LC_ALL: "C" })).stdout.toString()).toMatch(/^ok program/)
  })

  it("tells where settings and tokens are from, and no secret that is in any of them", async (context) => {
    const lab = laboratory(context)
    const folder = await lab.folder()
    const { url } = await api(context)
    const secrets = {
      client: "CLIENT0IN0A0FILE0E0D439EE522F443",
      access: "ACCESS0IN0A0VARIABLE0EF7B239D246",
      key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      session: "IQoJb3JpZ2luX2VjEXAMPLESESSION",
      id: "AKIAIOSFODNN7EXAMPLE",
      proxy: "PROXY-PASSWORD"
    }
    await writeFile(Path.join(folder, "token"), `${secrets.client}\n`)
    const config = Path.join(folder, "settings.toml")
    await writeFile(config, `concurrency = 3\n[accounts.berlin]\naccess-token = { env = "BERLIN" }\n`)
    const env = {
      LONGSHORE_PLATFORM_ADDRESS: url,
      LONGSHORE_CLIENT_TOKEN_FILE: Path.join(folder, "token"),
      BERLIN: secrets.access,
      LONGSHORE_STATE: Path.join(folder, secrets.client),
      AWS_ENDPOINT_URL: `http://someone:${secrets.proxy}@127.0.0.1:9`,
      AWS_ACCESS_KEY_ID: secrets.id,
      AWS_SECRET_ACCESS_KEY: secrets.key,
      AWS_SESSION_TOKEN: secrets.session,
      AWS_REGION: secrets.session,
      HTTPS_PROXY: `http://someone:${secrets.proxy}@proxy.invalid:3128`
    }
    const args = ["--config", config, "--account", "berlin", "--to", `s3://exports/${secrets.access}`]
    const { of, stdout } = await examine(context, args, { env })
    for (const text of [
      `project file ${config}, no user file (`,
      "account from --account",
      `concurrency from ${config}`
    ]) {
      expect(of("settings").found).toContain(text)
    }
    expect(of("tokens")).toMatchObject({
      status: "ok",
      found: expect.stringContaining(
        `client token from the file that LONGSHORE_CLIENT_TOKEN_FILE names, access token from BERLIN, as ${config} [accounts.berlin] has it`
      )
    })
    const text = await lab.longshore(["doctor", ...args], { env })
    expect(text.stdout.toString()).toContain("berlin")
    for (const said of [stdout, text.stdout.toString() + text.stderr]) {
      for (const secret of Object.values(secrets)) expect(said).not.toContain(secret)
    }
  })

  it("without tokens, or with a settings file that is none, the rest waits", async (context) => {
    const lab = laboratory(context)
    const folder = await lab.folder()
    const { received, url } = await api(context)
    const none = await examine(context, [], { env: { LONGSHORE_PLATFORM_ADDRESS: url } })
    expect(none.of("tokens")).toMatchObject({ status: "failed", exitCode: 3 })
    expect(none.of("connection").status).toBe("ok")
    expect(none.of("access")).toMatchObject({ status: "skipped", found: "there are no tokens to ask with" })
    expect(none.of("target").status).toBe("skipped")
    expect(none.code).toBe(3)
    expect(received.filter(({ body }) => body !== "")).toEqual([])
    const config = Path.join(folder, "broken.toml")
    await writeFile(config, "to = \n")
    const broken = await examine(context, ["--config", config], { env: pointedAt(url) })
    expect(broken.of("settings")).toMatchObject({ status: "failed", exitCode: 3 })
    expect(broken.of("settings").found).toContain(`${config} is not TOML`)
    expect(broken.of("api")).toMatchObject({ status: "skipped" })
    expect(broken.code).toBe(3)
  })

  describe.concurrent("what answers", () => {
    const html = (response: http.ServerResponse, status = 200) =>
      response.writeHead(status, { "content-type": "text/html" }).end("<html>Please log in</html>")
    it.for<
      [title: string, answer: (response: http.ServerResponse) => unknown, check: Check, code: number, words: RegExp]
    >([
      [
        "tokens that are refused",
        (response) => json(response, { Message: "Invalid AccessToken", RequestId: exportId }, 401),
        "access",
        3,
        /refused the tokens.*Invalid AccessToken/
      ],
      ["a gateway that refuses", (response) => html(response, 403), "access", 3, /refused the tokens/],
      ["a page to log in", (response) => html(response), "api", 1, /not an answer of the Connector API/],
      ["another host's 404", (response) => html(response, 404), "api", 1, /not the Connector API \(HTTP 404\)/],
      ["another host's 400", (response) => html(response, 400), "api", 1, /not the Connector API \(HTTP 400\)/],
      [
        "a redirect",
        (response) => response.writeHead(302, { location: "https://login.example" }).end(),
        "api",
        1,
        /redirects/
      ],
      ["maintenance", (response) => html(response, 503), "api", 5, /HTTP 503/],
      ["a limit", (response) => json(response, {}, 429), "api", 5, /limits the requests/]
    ])("%s", async ([, answer, check, code, words], context) => {
      const { url } = await listen(context, answer)
      const found = await examine(context, [], { env: pointedAt(url) })
      expect(found.of(check)).toMatchObject({ status: "failed", exitCode: code, found: expect.stringMatching(words) })
      expect(found.of("connection").status).toBe("ok")
      expect(found.code).toBe(code)
    })

    it("shows the RequestId of a refusal", async (context) => {
      const { url } = await listen(context, (response) => json(response.setHeader("request-id", exportId), {}, 401))
      const { of } = await examine(context, [], { env: pointedAt(url) })
      expect(of("access")).toMatchObject({ requestId: exportId })
      const text = await laboratory(context).longshore(["doctor"], { env: pointedAt(url) })
      expect(text.stdout.toString()).toMatch(/^XX access .*\(RequestId 3fa85f64-.*\)\n +Next: /m)
    })

    it("silence has an end", async (context) => {
      const { url } = await listen(context, (response, { path }) => void (path === "/" ? response.end() : undefined))
      const silent = await listen(context, () => undefined)
      const env = { NODE_OPTIONS: `${clock}?speed=4` }
      const [late, never] = await Promise.all([
        examine(context, [], { env: { ...pointedAt(url), ...env } }),
        examine(context, [], { env: { ...pointedAt(silent.url), ...env } })
      ])
      expect(late.of("api")).toMatchObject({ status: "failed", found: expect.stringContaining("no answer in time") })
      expect(never.of("connection").found).toMatch(/gave no answer within 10 s; waiting for an answer/)
      expect([late.of("api").exitCode, never.of("connection").exitCode]).toEqual([5, 5])
    })
  })

  describe.concurrent("the way there", () => {
    it.for<[address: string, code: number, words: RegExp]>([
      ["http://127.0.0.1:9", 5, /127\.0\.0\.1:9 could not be reached: nobody listens.*\(ECONNREFUSED\)/],
      ["https://mews.invalid", 5, /mews\.invalid.*(ENOTFOUND|EAI_AGAIN)/],
      ["mews", 2, /"mews" is not an address/]
    ])("%s", async ([address, code, words], context) => {
      const found = await examine(context, [], { env: pointedAt(address) })
      expect(found.of("connection")).toMatchObject({ status: "failed", found: expect.stringMatching(words) })
      expect(found.of("api")).toMatchObject({ status: "skipped", found: "there is no connection" })
      expect(found.code).toBe(code)
    })

    it("sends no token in clear text to another machine", async (context) => {
      const proxy = await listen(context, (response) => void response.end("{}"))
      // It is reached only by way of this proxy, which reads along.
      const env = { ...pointedAt("http://api.mews.test"), HTTP_PROXY: proxy.url }
      const found = await examine(context, [], { env })
      expect(found.of("api")).toMatchObject({ exitCode: 2, found: expect.stringContaining("plain http") })
      expect(proxy.received.map(({ body }) => body)).toEqual([""])
    })

    it("names a certificate that is not trusted, and trusts it when it is told so", async (context) => {
      const pem = (name: string) => new URL(`../../../../packages/simulator/test/fixtures/${name}.pem`, import.meta.url)
      const server = https.createServer(
        { key: readFileSync(pem("key")), cert: readFileSync(pem("cert")) },
        (_, response) => json(response, { RequestId: exportId }, 400)
      )
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      context.onTestFinished(() => void server.close())
      const env = pointedAt(`https://localhost:${(server.address() as AddressInfo).port}`)
      const unknown = await examine(context, [], { env })
      expect(unknown.of("connection")).toMatchObject({
        exitCode: 3,
        found: expect.stringMatching(/certificate of localhost, issued by "localhost", is not trusted \(DEPTH_ZERO_/),
        nextStep: expect.stringContaining("--ca-file")
      })
      expect(unknown.code).toBe(3)
      const known = await examine(context, [], { env: { ...env, NODE_EXTRA_CA_CERTS: pem("cert").pathname } })
      expect(known.of("connection").found).toMatch(/TLSv1\.3, certificate by "localhost" until/)
      expect(known.of("access").status).toBe("ok")
      expect(known.code).toBe(0)
    })

    it.for<[status: number, code: number, words: RegExp]>([
      [407, 3, /the proxy http:\S+ \(HTTPS_PROXY\) does not take the name and the password.*\(HTTP 407\)/],
      [502, 5, /the proxy http:\S+ \(HTTPS_PROXY\) could not reach api\.mews\.test.*\(HTTP 502\)/]
    ])("a proxy that says %i", async ([status, code, words], context) => {
      const proxy = http.createServer()
      proxy.on("connect", (_, socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`))
      await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
      context.onTestFinished(() => void proxy.close())
      const port = (proxy.address() as AddressInfo).port
      const env = { ...pointedAt("https://api.mews.test"), HTTPS_PROXY: `http://me:PASSWORD@127.0.0.1:${port}` }
      const found = await examine(context, [], { env })
      expect(found.of("connection")).toMatchObject({ status: "failed", found: expect.stringMatching(words) })
      expect(JSON.stringify(found.of("connection"))).not.toContain("PASSWORD@")
      expect(found.code).toBe(code)
    })

    it("a proxy that is not there", async (context) => {
      const env = { ...pointedAt("https://api.mews.test"), HTTPS_PROXY: "http://127.0.0.1:9" }
      const found = await examine(context, [], { env })
      expect(found.of("connection").found).toMatch(/the proxy http:\/\/127\.0\.0\.1:9 \(HTTPS_PROXY\).*ECONNREFUSED/)
    })
  })

  describe.concurrent("the clock", () => {
    it.for<[shift: number, status: Finding["status"], code: number, words: RegExp]>([
      [60_000, "warning", 0, /60 s ahead of that of 127\.0\.0\.1/],
      [-600_000, "failed", 3, /10 min behind that of 127\.0\.0\.1/]
    ])("is off by %i ms", async ([shift, status, code, words], context) => {
      const { url } = await api(context)
      const env = { ...pointedAt(url), NODE_OPTIONS: `${clock}?shift=${shift}` }
      const found = await examine(context, [], { env })
      expect(found.of("clock")).toMatchObject({ status, found: expect.stringMatching(words) })
      expect(found.code).toBe(code)
    })

    it("is right within what a slow answer leaves open", () => {
      const check = (ahead: number, way: number) =>
        Clock.check([
          { server: "S3", date: 1_000_000, sent: 1_000_500 + ahead - way, received: 1_000_500 + ahead + way }
        ])
      expect(check(0, 0)).toMatchObject({ status: "ok", found: "within 1 s of that of S3" })
      expect(check(40_000, 10_000).status).toBe("ok")
      expect(check(40_000, 9_000).status).toBe("warning")
      expect(check(-300_000, 0).status).toBe("warning")
      expect(check(-300_501, 0).status).toBe("failed")
    })
  })

  describe.skipIf(process.platform !== "linux").concurrent("folders", () => {
    it("that are read-only, full, another user's, or none", async (context) => {
      const lab = laboratory(context)
      const { url } = await api(context)
      const env = pointedAt(url)
      const disk = await smallDisk(context, "size=64k")
      const state = ["--state", await lab.folder()]
      const small = await examine(context, ["--to", disk.path], { env })
      expect(small.of("target")).toMatchObject({ exitCode: 9, found: expect.stringContaining("the disk has room for") })
      expect(small.of("state")).toMatchObject({ status: "warning", found: expect.stringContaining("memory (tmpfs)") })
      // One page, which the lock takes.
      await disk.remount("size=4k")
      const full = await examine(context, ["--state", disk.path], { env })
      expect(full.of("state")).toMatchObject({ exitCode: 9, found: expect.stringContaining("is full (ENOSPC)") })
      expect(await names(disk.path)).toEqual([])
      await disk.remount("ro,size=16m")
      const readOnly = await examine(context, ["--to", disk.path], { env })
      expect(readOnly.of("target")).toMatchObject({ exitCode: 9, found: expect.stringContaining("read-only (EROFS)") })
      expect(readOnly.of("state")).toMatchObject({ exitCode: 1, found: expect.stringContaining("read-only (EROFS)") })
      expect(readOnly.code).toBe(9)

      const folder = await lab.folder()
      await writeFile(Path.join(folder, "file"), "")
      const file = await examine(context, ["--to", Path.join(folder, "file"), ...state], { env })
      expect(file.of("target")).toMatchObject({
        exitCode: 9,
        found: expect.stringContaining("is a file, not a folder")
      })
      await chmod(folder, 0o500)
      // Root may write anywhere, unless it gives that up.
      const through =
        process.getuid?.() === 0 ? `exec setpriv --bounding-set -dac_override,-dac_read_search "$@"` : `exec "$@"`
      const others = await examine(context, ["--to", folder, ...state], { env, through })
      expect(others.of("target")).toMatchObject({ exitCode: 9, found: expect.stringContaining("(EACCES)") })
      expect(others.of("state").status).toBe("ok")
      expect(await names(folder)).toEqual(["file"])
    })

    /** It gets the signal in the moment in which it renames a file of its own. */
    const stopped = async (context: TestContext, signal: NodeJS.Signals) => {
      const lab = laboratory(context)
      const folder = await lab.folder()
      const { url } = await api(context)
      const command = ["doctor", "--to", folder]
      const hook = `${atRename}?signal=${signal}&path=${encodeURIComponent(".longshore-doctor")}`
      const ended = await lab.longshore(command, { env: { ...pointedAt(url), NODE_OPTIONS: hook } })
      return { ...ended, folder, again: () => lab.longshore(command, { env: pointedAt(url) }) }
    }

    it("are as before after Ctrl-C", async (context) => {
      const { code, folder } = await stopped(context, "SIGINT")
      expect(code).toBe(130)
      expect(await readdir(folder)).toEqual([])
    })

    it("are as before after a kill and the next one", async (context) => {
      const { again, folder, signal } = await stopped(context, "SIGKILL")
      expect(signal).toBe("SIGKILL")
      const left = await readdir(folder)
      expect(left).not.toEqual([])
      // Another one may be at work just now: only what is old was left.
      await mkdir(Path.join(folder, ".longshore-doctor-1-ffffffff"))
      await mkdir(Path.join(folder, "Bill"))
      const old = new Date(Date.now() - 90_000)
      for (const name of left) await utimes(Path.join(folder, name), old, old)
      expect((await again()).code).toBe(0)
      expect(await readdir(folder)).toEqual([".longshore-doctor-1-ffffffff", "Bill"])
    })

    it("on shares are told from local ones", () => {
      for (const magic of [0x6969, 0xff534d42, 0xfe534d42, 0x65735546]) {
        expect(FileSystem.kindOf(magic)?.caveat).toContain("fsync")
      }
      // ext4, xfs, btrfs
      for (const magic of [0xef53, 0x58465342, 0x9123683e]) expect(FileSystem.kindOf(magic)).toBeUndefined()
    })
  })

  describe.concurrent("a bucket", () => {
    const credentials = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: "SECRET0ACCESS0KEY" }
    const to = ["--to", "s3://exports/mews"]

    it("that takes everything, or is missing, or whose credentials are", async (context) => {
      const lab = laboratory(context)
      const { url } = await api(context)
      const endpoint = await startImitation()
      await fetch(`${endpoint}/exports`, { method: "PUT" })
      const env = { ...pointedAt(url), ...credentials, AWS_ENDPOINT_URL: endpoint, LONGSHORE_STATE: await lab.folder() }
      const good = await examine(context, to, { env })
      expect(good.of("target")).toMatchObject({
        status: "ok",
        found: expect.stringMatching(
          /region us-east-1, access key …MPLE from the environment.*directly; keeps CRC-32 of parts; knows conditional writes/
        )
      })
      expect(good.of("clock").found).toContain("127.0.0.1 and S3")
      expect(good.code).toBe(0)
      expect(await (await fetch(`${endpoint}/exports?list-type=2`)).text()).not.toContain("<Key>")
      const missing = await examine(context, ["--to", "s3://nobody/mews"], { env })
      expect(missing.of("target")).toMatchObject({
        exitCode: 9,
        found: expect.stringMatching(/^listing: .*no such bucket/)
      })
      const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...anonymous } = env
      const nobody = await examine(context, to, { env: { ...anonymous, AWS_EC2_METADATA_DISABLED: "true" } })
      expect(nobody.of("target")).toMatchObject({
        exitCode: 9,
        found: expect.stringMatching(/no credentials were found/)
      })
      expect(nobody.code).toBe(9)
    })

    it.for<[code: string, hours: number, words: RegExp, clock: string]>([
      ["SignatureDoesNotMatch", 0, /the secret access key is wrong/, "ok"],
      ["AuthorizationHeaderMalformed", 0, /another region: eu-north-1/, "ok"],
      ["RequestTimeTooSkewed", 1, /clock is wrong by more than 15 minutes/, "failed"]
    ])("that refuses with %s", async ([code, hours, words, clock], context) => {
      const { url } = await api(context)
      const s3 = await listen(context, (response) => {
        response.setHeader("date", new Date(Date.now() - hours * 3_600_000).toUTCString())
        response.writeHead(403).end(`<Error><Code>${code}</Code><Region>eu-north-1</Region></Error>`)
      })
      const found = await examine(context, to, { env: { ...pointedAt(url), ...credentials, AWS_ENDPOINT_URL: s3.url } })
      expect(found.of("target")).toMatchObject({ exitCode: 9, found: expect.stringMatching(words) })
      expect(found.of("clock").status).toBe(clock)
      expect(found.code).toBe(9)
    })
  })
})
