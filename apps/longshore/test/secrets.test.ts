/** I7: no token and no signed link in anything that is printed or stored, whatever happens. */
import { assert, describe, expect, it } from "@effect/vitest"
import { ExportError } from "@longshore/core/ExportError"
import { ExportEvents } from "@longshore/core/ExportEvent"
import * as ExportRun from "@longshore/core/ExportRun"
import * as Exports from "@longshore/core/Exports"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Transfer from "@longshore/core/Transfer"
import * as FileJournal from "@longshore/journal-file/FileJournal"
import * as Fault from "@longshore/simulator/Fault"
import type { SimulatorOptions } from "@longshore/simulator/Simulator"
import * as SimulatorHttpClient from "@longshore/simulator/SimulatorHttpClient"
import * as FsSink from "@longshore/sink-fs/FsSink"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { setImmediate } from "node:timers/promises"
import { inspect } from "node:util"
import type { TestContext } from "vitest"
import { type Behaviour, exportId, type Handler, json, mews, signature } from "./hosts.ts"
import { filesIn, leaks, type Places, spellings, watchedLayer, watchedSimulator } from "./leaks.ts"
import { laboratory } from "./program.ts"

/** One as Mews makes them, and one that every encoding changes. */
const tokens = {
  "client token": "A0B1C2D3E4F5061728394A5B6C7D8E9F-0F1E2D3C4B5A69788796A5B4C3D2E1F",
  "access token": 'ACCESS/c+c=e&s"s0T0KEN0C66EF7B239D246'
}
const env = (url: string) => ({
  LONGSHORE_PLATFORM_ADDRESS: url,
  LONGSHORE_CLIENT_TOKEN: tokens["client token"],
  LONGSHORE_ACCESS_TOKEN: tokens["access token"]
})

/** Folders of a test, and what a run said and left in them. */
const place = async (context: TestContext) => {
  const lab = laboratory(context)
  const [target, state] = [await lab.folder(), await lab.folder()]
  const run = async (url: string, line: ReadonlyArray<string>) => {
    const words: Readonly<Record<string, string>> = { TARGET: target, FILE: Path.join(state, "file") }
    const args = line.map((word) => words[word] ?? word)
    const events = Path.join(state, "events.ndjson")
    return lab.longshore(args, { env: { LONGSHORE_STATE: state, LONGSHORE_EVENTS: events, ...env(url) } })
  }
  const everything = async (...said: ReadonlyArray<{ readonly stdout: Uint8Array; readonly stderr: string }>) => {
    const places = new Map(await filesIn(target, state))
    for (const [n, { stderr, stdout }] of said.entries()) places.set(`stdout ${n}`, stdout).set(`stderr ${n}`, stderr)
    return places
  }
  await writeFile(Path.join(state, "file"), "")
  return { lab, run, everything, state, target }
}

const quick: SimulatorOptions = { pending: 0, processing: 0, files: 2, fileSize: 50_000 }
const bill = ["export", "Bill", "--to", "TARGET", "--poll", "100ms", "--part-size", "16KiB"]
const once = [...bill, "--retries", "0"]
const unknown = [...once, "--export-id", exportId]

const parse = (faults: string) =>
  faults
    .split(" ")
    .filter((text) => text !== "")
    .map((text) => {
      const fault = Fault.parse(text)
      if (typeof fault === "string") throw new Error(fault)
      return fault
    })

describe("the search", () => {
  it("finds what is planted, in every spelling, in contents and in names", () => {
    for (const [name, secret] of Object.entries(tokens)) {
      for (const [spelling, text] of Object.entries(spellings(secret))) {
        const places: Places = new Map<string, string | Uint8Array>([
          ["a journal", Buffer.from(`{"a":"é\n${text}"}`)],
          [`/x/${text}.lock`, ""]
        ])
        expect(leaks(tokens, places)).toContain(`${name}, ${spelling} in a journal`)
        expect(leaks(tokens, places)).toContain(`${name}, ${spelling} in /x/${text}.lock`)
      }
      for (const [before, spelling] of Object.entries({ "": "", x: ", a byte later", xx: ", two bytes later" })) {
        const places = new Map([["stderr", Buffer.from(`${before}${secret}!`).toString("base64")]])
        expect(leaks(tokens, places)).toContain(`${name}, base64${spelling} in stderr`)
      }
    }
    expect(leaks(tokens, new Map([["stderr", "no secret"]]))).toEqual([])
  })

  it("looks at everything that a run writes: what is no secret is found everywhere", async (context) => {
    const { url } = await watchedSimulator(context, quick)
    const { everything, run } = await place(context)
    const ended = await run(url, [...bill, "--json"])
    const found = leaks({ type: "Bill" }, await everything(ended)).join("\n")
    expect(found).toMatch(/plain in stdout 0/)
    expect(found).toMatch(/plain in stderr 0/)
    expect(found).toMatch(/plain in .*Bill-00001\.jsonl/)
    expect(found).toMatch(/plain in .*manifest\.json/)
    expect(found).toMatch(/plain in .*events\.ndjson/)
    expect(found).toMatch(/plain in .*Bill-[0-9a-f]{16}\.1\.jsonl/)
  })
})

describe.concurrent("what the program prints and stores holds no secret", () => {
  type Row = readonly [
    what: string,
    faults: string,
    line: ReadonlyArray<string>,
    code: number,
    tag?: string,
    options?: object
  ]
  const rows: ReadonlyArray<Row> = [
    ["a delivery", "", bill, 0],
    ["one with every kind of trouble", "reset-file=1 file-503=1 deny-link=1 flip-byte=1 unknown-status=1", bill, 0],
    ["one of a host without ranges", "no-etag=always ignore-range=always", bill, 0],
    ["one whose content changes", "change-content=1", bill, 0],
    ["one that is asked for again", "expire-export=1", [...bill, "--on-expired", "renew"], 0],
    ["a pipe", "", ["export", "Bill", "--to", "-"], 0],
    ["two types, of which one fails", "fail-export@Payment=always", ["export", "Bill", "Payment", "--to", "TARGET"], 7],
    ["help", "", ["export", "--help"], 0],
    ["the version", "", ["--version"], 0],
    ["completions", "", ["completions", "bash"], 0],
    ["the settings", "", ["config", "show", "--origin"], 0],
    ["variables", "", ["simulate", "--print-env"], 0],
    ["a command that is none", "", ["exprt"], 2],
    ["a request", "", [...once, "--updated-from", "2026-05-01", "--updated-to", "2999-01-01"], 2, "InvalidRequest"],
    ["a command line", "", ["export", "Bil", "--to", "TARGET"], 2, "UsageError"],
    ["a setting", "", [...once, "--client-token-file", "TARGET"], 3, "ConfigError"],
    ["tokens", "api-401=always", once, 3, "AccessDenied"],
    ["a busy slot", "api-400@add=always", once, 4, "AddRejected"],
    ["a lost answer", "lose-add-answer=always", [...once, "--on-busy", "fail"], 5, "AddOutcomeUnknown"],
    ["a limit", "api-429-html@getAll=always", once, 5, "RateLimited"],
    ["an outage", "api-503-html@getAll=always", once, 5, "ApiUnavailable"],
    ["a request that is rejected", "", unknown, 1, "RequestRejected"],
    ["a log-in page", "api-not-json=always", once, 1, "UnexpectedResponse"],
    ["another shape", "api-wrong-shape@getAll=always", once, 1, "UnexpectedResponse"],
    ["an export that is not known", "", unknown, 6, "ExportNotFound", { unknownId: "omit" }],
    ["an export that failed", "fail-export=always", once, 6, "ExportFailed"],
    ["an export that expired", "expire-export=always", once, 6, "ExportExpired"],
    ["a host that codes", "gzip-file=always", once, 5, "SourceError"],
    ["a host that breaks off", "truncate-file=always", once, 5, "TransferFailed"],
    ["another size", "wrong-size=always", once, 8, "IntegrityError"],
    ["a target that is none", "", ["export", "Bill", "--to", "FILE"], 9, "SinkError"],
    ["a wait", "", [...once, "--max-wait", "300ms"], 10, "WaitTimedOut", { pending: "1 hour" }],
    ["a state that is none", "", [...once, "--state", "FILE"], 1, "JournalError"]
  ]

  it.for(rows)("%s", async ([, faults, line, code, tag, options], context) => {
    const { links, url } = await watchedSimulator(context, { ...quick, ...options, faults: parse(faults) })
    const { everything, run } = await place(context)
    const ended = await run(url, tag === undefined ? line : [...line, "--json"])
    expect(ended.code).toBe(code)
    const error = tag === undefined ? undefined : JSON.parse(ended.stdout.toString()).runs[0].error
    expect(error?.tag).toBe(tag)
    expect(leaks({ ...tokens, ...links }, await everything(ended))).toEqual([])
  })

  it("has a row for every error", () => {
    const tags = ExportError.members.map((member) => member.fields._tag.schema.literal)
    expect(rows.flatMap(([, , , , tag]) => tag ?? [])).toEqual(expect.arrayContaining(tags))
  })

  it("also when it is killed, looked at, locked out, stopped, resumed and run again", async (context) => {
    const { links, url } = await watchedSimulator(context, { ...quick, fileSize: 400_000, bandwidth: 200_000 })
    const { everything, lab, run, state, target } = await place(context)
    const line = [...bill.map((word) => (word === "TARGET" ? target : word)), "--concurrency", "1"]
    const started = async () => {
      const running = lab.start(line, { env: { ...env(url), LONGSHORE_STATE: state } })
      await running.says(/ready: 2 files/)
      return running
    }
    const killed = await started()
    killed.child.kill("SIGKILL")
    const all = [await killed.ended]
    // It holds its lock, and gets no further while others try.
    const stopped = await started()
    stopped.child.kill("SIGSTOP")
    const locked = await run(url, [...line, "--json"])
    expect(locked.code).toBe(11)
    all.push(locked, await run(url, ["status", "TARGET"]), await run(url, ["status", "TARGET", "--json"]))
    expect(leaks({ ...tokens, ...links }, await everything(...all))).toEqual([])
    stopped.child.kill("SIGINT")
    stopped.child.kill("SIGCONT")
    all.push(await stopped.ended)
    expect(all.at(-1)?.code).toBe(130)
    all.push(await run(url, line), await run(url, [...line, "--json"]))
    expect(all.at(-1)?.code).toBe(0)
    expect(Object.keys(links).length).toBeGreaterThan(0)
    expect(leaks({ ...tokens, ...links }, await everything(...all))).toEqual([])
  })
})

describe.concurrent("a token in the wrong place is not repeated", () => {
  const secrets = Object.entries(tokens)
  const flags =
    "account state platform-address client-token-file access-token-file export-id enterprise-id updated-from posting-from poll max-wait part-size concurrency on-busy language-code endpoint region profile".split(
      " "
    )
  const places: ReadonlyArray<(token: string) => ReadonlyArray<string>> = [
    (token) => [token],
    (token) => ["export", token, "--to", "TARGET"],
    (token) => ["export", "Bill", "--to", token],
    (token) => ["export", "Bill", "--to", `s3://${token}/x`],
    (token) => ["export", "Bill", "--to", `s3://bucket/${token}`],
    (token) => ["export", "Bill", "--to", `file:${token}`],
    (token) => [...bill, "--access-token", token],
    (token) => [...bill, `--access-token=${token}`],
    (token) => [...bill, token],
    ...flags.map((flag) => (token: string) => [...bill, `--${flag}`, token]),
    (token) => [...bill, "--platform-address", `https://me:${token}@api.mews.com`],
    (token) => [...bill, "--platform-address", `https://api.mews.com/?token=${token}`],
    (token) => ["status", token],
    (token) => ["status", "TARGET", "--state", token],
    (token) => ["simulate", "--fault", token],
    (token) => ["simulate", "--port", token]
  ]

  it.for(places.map((line) => [line("TOKEN").join(" "), line] as const))("%s", async ([, line], context) => {
    const { everything, run } = await place(context)
    // In turn, as one is enough to see where it goes.
    const [, token] = secrets[places.indexOf(line) % secrets.length] ?? []
    const given = line(token ?? "")
    const ended = await run("http://127.0.0.1:9", given[0] === "export" ? [...given, "--retries", "0"] : given)
    expect(ended.code).toBeGreaterThan(0)
    expect(ended.stderr).toContain(" Next: ")
    expect(leaks(tokens, await everything(ended))).toEqual([])
  })
})

describe.concurrent("what a server repeats is not passed on", () => {
  const secrets = { ...tokens, signature }
  const link = `https://files.example.com/1.jsonl?sv=2024-11-04&sig=${encodeURIComponent(signature)}`
  const repeated = [link, ...Object.values(secrets)].flatMap((secret) => Object.values(spellings(secret)))
  const [most, all] = [Object.values(spellings(tokens["access token"])).join(" "), repeated.join(" ")]
  const headers = { "request-id": all, location: `${link}&token=${tokens["client token"]}`, "retry-after": all }
  const refusing =
    (status: number): Handler =>
    (out) =>
      json(out.setHeaders(new Map(Object.entries(headers))), { Message: all, RequestId: most }, status, most)
  const saying = (more: object): Behaviour => ({ export: () => more })
  const large = (url: string) => ({ Files: [{ Url: `${url}/1?sig=${signature}`, SizeInBytes: 100_000 }] })
  const serving = (status: number, more: Record<string, string>): Behaviour => ({
    export: large,
    file: (out) => void out.writeHead(status, most, { ...headers, ...more }).end(all)
  })

  it.for<[what: string, behaviour: Behaviour, code: number]>([
    ...[302, 400, 401, 404, 429, 500].map((status): [string, Behaviour, number] => [
      `${status} to add`,
      { add: refusing(status) },
      { 302: 1, 400: 4, 401: 3, 404: 1, 429: 5, 500: 5 }[status] ?? 0
    ]),
    ...[302, 400, 403, 429, 503].map((status): [string, Behaviour, number] => [
      `${status} to getAll`,
      { getAll: refusing(status) },
      { 302: 1, 400: 1, 403: 3, 429: 5, 503: 5 }[status] ?? 0
    ]),
    ["200 without JSON", { getAll: (out) => void out.end(all) }, 1],
    ["a status", saying({ Status: tokens["client token"] }), 1],
    [
      "a name of a file",
      { export: (url) => ({ Files: [{ Url: `${url}/${tokens["client token"]}`, SizeInBytes: 9 }] }) },
      1
    ],
    ["an error of the file host", serving(418, {}), 5],
    ["a redirect of the file host", serving(302, { location: `ftp://${all}` }), 5],
    ["a range of the file host", serving(206, { "content-range": all }), 5],
    ["a coding of the file host", serving(200, { "content-encoding": signature }), 5],
    ["a tag of the file host", serving(200, { etag: `"${link}"`, "content-length": "100000" }), 5]
  ])("%s", async ([, behaviour, code], context) => {
    const { url } = await mews(context, behaviour)
    const { everything, run } = await place(context)
    const ended = await run(url, [...once, "--json"])
    expect(ended.code).toBe(code)
    expect(leaks(secrets, await everything(ended))).toEqual([])
  })
})

describe("what the library tells holds no secret", () => {
  /** Listens to everything that can be listened to. */
  const recorder = () => {
    const told: Array<unknown> = []
    const services = Layer.mergeAll(
      Logger.layer([
        Logger.make((options) => void told.push(["log", options.message, options.cause, options.fiber.context]))
      ]),
      Layer.succeed(References.MinimumLogLevel, "Trace"),
      Layer.succeed(ExportEvents, (event) => Effect.sync(() => void told.push(["event", event]))),
      Layer.succeed(
        Tracer.Tracer,
        Tracer.make({
          span: (options) => {
            const span = new Tracer.NativeSpan(options)
            told.push(["span", span])
            return span
          }
        })
      )
    )
    return { told, services }
  }

  /** In every way in which people look at values. */
  const views = (value: unknown): ReadonlyArray<string> => [
    String(value),
    inspect(value, { depth: 12, maxArrayLength: null, maxStringLength: null }),
    stringify(value),
    ...(Exit.isExit(value) && Exit.isFailure(value) ? [Cause.pretty(value.cause), ...errors(value.cause)] : [])
  ]
  const stringify = (value: unknown): string => {
    const above = new WeakSet<object>()
    const text = JSON.stringify(value, (_, member) => {
      if (typeof member === "bigint") return String(member)
      if (typeof member !== "object" || member === null) return member
      if (above.has(member)) return undefined
      above.add(member)
      return member instanceof Map ? [...member] : member
    })
    return text ?? ""
  }
  const errors = (cause: Cause.Cause<unknown>): ReadonlyArray<string> =>
    Cause.prettyErrors(cause).flatMap((error) => [error.message, error.stack ?? "", stringify(error), inspect(error)])

  const troubles = [
    "",
    "reset-file=2 file-503=2 deny-link=2 unknown-status=1 change-content=1",
    "lose-add-answer=always",
    "api-401=always",
    "api-429-html=always",
    "api-503-html@getAll=always",
    "api-not-json@getAll=always",
    "api-wrong-shape=always",
    "expire-export=always",
    "deny-link=always",
    "stall-file=always",
    "gzip-file=always",
    "wrong-size=always"
  ]

  for (const faults of troubles) {
    it.effect(`in its events, errors, spans and logs: ${faults || "no trouble"}`, (context) =>
      Effect.gen(function* () {
        const directory = yield* Effect.promise(() => laboratory(context).folder())
        const { services, told } = recorder()
        const links: Record<string, string> = {}
        const http = SimulatorHttpClient.layer.pipe(
          Layer.provide(watchedLayer({ ...quick, faults: parse(faults) }, links))
        )
        const program = Layer.mergeAll(
          Transfer.layer().pipe(Layer.provide(HttpSource.layer)),
          FsSink.layer({ directory }),
          Exports.layer({
            platformAddress: "https://api.example.com",
            clientToken: Redacted.make(tokens["client token"]),
            accessToken: Redacted.make(tokens["access token"])
          }),
          FileJournal.layer({ path: Path.join(directory, "run.jsonl"), identity: {} })
        ).pipe(Layer.provide(http))
        const run = Effect.gen(function* () {
          const exports = yield* Exports.Exports
          const result = yield* Effect.exit(
            Effect.withSpan(ExportRun.run({ request: { entityType: "Bill" }, partSize: 16_384 }), "run")
          )
          yield* Effect.logTrace("ended", result)
          const looked = Exit.isSuccess(result) ? yield* Effect.exit(exports.get(result.value.exportId)) : result
          return [result, looked]
        })
        const fiber = yield* Effect.forkChild(Effect.provide(run, Layer.provideMerge(program, services)))
        while (fiber.pollUnsafe() === undefined) {
          yield* Effect.promise(() => setImmediate())
          yield* TestClock.adjust("1 second")
        }
        const all = [...told, ...(yield* Fiber.join(fiber))]
        const kinds = new Set(told.map((one) => (Array.isArray(one) ? one[0] : "")))
        assert.isTrue(kinds.has("span") && kinds.has("log"))
        const text = all.flatMap(views).join("\n")
        assert.include(text, "longshore.run")
        assert.deepStrictEqual(leaks({ ...tokens, ...links }, new Map([["what it tells", text]])), [])
      })
    )
  }
})
