/**
 * `docs/errors.md` shows each error as a person sees it: its table is made from a real run of each. When words change,
 * `pnpm errors` writes it anew.
 */
import { ExportError } from "@longshore/core/ExportError"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, expect, it, type TestContext } from "vitest"
import * as StandIn from "../../../../packages/workflow/test/standIn.ts"
import * as ExitCode from "../../src/output/ExitCode.ts"
import { smallDisk } from "../disk.ts"
import { serve, token } from "../front.ts"
import { exportId, json, mews } from "../hosts.ts"
import { laboratory, pointedAt } from "../program.ts"
import { inTheMiddle, oneByOne, slow } from "../slowly.ts"

type Lab = ReturnType<typeof laboratory>

interface Trial {
  /** `SinkError NoSpace`: the error's tag, and its reason where that decides. */
  readonly error: string
  readonly code: number
  /** How it comes about, in a few words. */
  readonly when: string
  readonly run: (lab: Lab, context: TestContext) => Promise<Launched>
  /** The page has a row of it already. */
  readonly besides?: true
}

interface Launched {
  /** After `longshore`; `TARGET` is a folder of the test's own. */
  readonly args: ReadonlyArray<string>
  readonly env: Record<string, string>
  /** By the API, with a `RequestId`. */
  readonly answered?: boolean
}

const bill = ["export", "Bill", "--to", "TARGET"]
const nobody = pointedAt("http://127.0.0.1:9")
const once = ["--retries", "0"]

/** With a simulator that has a fault. */
const fault =
  (fault: string, ...args: ReadonlyArray<string>) =>
  async (lab: Lab): Promise<Launched> => {
    const { env } = await lab.simulator("--fault", fault, "--pending", "0s", "--processing", "0s")
    return { args: [...bill, ...once, ...args], env, answered: fault.startsWith("api-") }
  }

/** Without anybody to ask. */
const alone =
  (...args: ReadonlyArray<string>) =>
  (): Promise<Launched> =>
    Promise.resolve({ args, env: nobody })

/** With a journal that a run left, changed. */
const journal =
  (change: (text: string) => string) =>
  async (lab: Lab): Promise<Launched> => {
    const { env } = await lab.simulator()
    const state = await lab.folder()
    await lab.longshore(["export", "Bill", "--to", "-"], { env: { ...env, LONGSHORE_STATE: state } })
    for (const name of await readdir(state)) {
      const path = Path.join(state, name)
      await writeFile(path, change(await readFile(path, "utf8")))
    }
    return { args: ["export", "Bill", "--to", "-"], env: { ...env, LONGSHORE_STATE: state } }
  }

/** With a cluster's HTTP front. */
const cluster =
  (env: Record<string, string>, ...args: ReadonlyArray<string>) =>
  async (_: Lab, context: TestContext): Promise<Launched> => {
    const { port } = await serve(context, StandIn.make())
    const server = { LONGSHORE_SERVER: `http://127.0.0.1:${port}`, LONGSHORE_CLUSTER_TOKEN: token }
    return { args: ["cluster", ...args], env: { ...server, ...env } }
  }

const trials: ReadonlyArray<Trial> = [
  {
    error: "UsageError",
    code: 2,
    when: "a type that does not exist",
    run: alone("export", "Resevation", "--to", "TARGET")
  },
  {
    error: "UsageError",
    code: 2,
    when: "a command line that cannot be read",
    run: alone("export", "Bill", "--concurrency", "many")
  },
  {
    error: "InvalidRequest",
    code: 2,
    when: "a window that ends before it starts",
    run: alone(...bill, "--updated-from", "2026-06-01", "--updated-to", "2026-05-01")
  },
  {
    error: "ConfigError",
    code: 3,
    when: "no token",
    run: () => Promise.resolve({ args: bill, env: { ...nobody, LONGSHORE_ACCESS_TOKEN: "" } })
  },
  { error: "AccessDenied", code: 3, when: "401", run: fault("api-401=always") },
  { error: "AccessDenied", code: 3, when: "403 on a look", run: fault("api-403@getAll=always"), besides: true },
  { error: "AddRejected", code: 4, when: "400, 403 or 409 on `add`", run: fault("api-400@add=always") },
  { error: "AddRejected", code: 4, when: "403 on add", run: fault("api-403@add=always"), besides: true },
  {
    error: "AddOutcomeUnknown",
    code: 5,
    when: "the connection breaks after `add` was sent",
    run: fault("lose-add-answer", "--on-busy", "fail")
  },
  { error: "RateLimited", code: 5, when: "429, longer than the retries", run: fault("api-429-html@getAll=always") },
  {
    error: "ApiUnavailable",
    code: 5,
    when: "nobody answers, or 408 or 5xx, longer than the retries",
    run: fault("api-503-html@getAll=always")
  },
  { error: "ApiUnavailable", code: 5, when: "408", run: fault("api-408@getAll=always"), besides: true },
  { error: "ApiUnavailable", code: 5, when: "500", run: fault("api-500@getAll=always"), besides: true },
  { error: "ApiUnavailable", code: 5, when: "nobody", run: alone(...bill, ...once), besides: true },
  { error: "RequestRejected", code: 1, when: "another 4xx", run: fault("api-400@getAll=always") },
  {
    error: "UnexpectedResponse",
    code: 1,
    when: "a 2xx that is no answer of the API",
    run: fault("api-not-json=always")
  },
  { error: "UnexpectedResponse", code: 1, when: "a shape", run: fault("api-wrong-shape@getAll=always"), besides: true },
  {
    error: "ExportNotFound",
    code: 6,
    when: "an id that the API does not list",
    run: async (_, context) => {
      const { url } = await mews(context, { getAll: (response) => json(response, { Exports: [] }) })
      return { args: [...bill, "--export-id", exportId], env: pointedAt(url) }
    }
  },
  { error: "ExportFailed", code: 6, when: "Mews could not make it", run: fault("fail-export=always") },
  { error: "ExportExpired", code: 6, when: "the files are gone", run: fault("expire-export=always") },
  {
    error: "WaitTimedOut",
    code: 10,
    when: "`--max-wait` is over",
    run: async (lab) => ({
      args: [...bill, "--poll", "100ms", "--max-wait", "3s"],
      env: (await lab.simulator("--pending", "1h")).env
    })
  },
  {
    error: "SourceError",
    code: 5,
    when: "the file host answers what no retry helps with",
    run: async (_, context) => {
      const { url } = await mews(context, { file: (response) => response.writeHead(451).end() })
      return { args: [...bill, ...once], env: pointedAt(url) }
    }
  },
  { error: "TransferFailed", code: 5, when: "a part fails as often as it may", run: fault("file-503=always") },
  { error: "TransferFailed", code: 5, when: "cut short", run: fault("truncate-file=always"), besides: true },
  {
    error: "IntegrityError",
    code: 8,
    when: "sizes or content disagree with what was announced",
    run: fault("wrong-size=always")
  },
  {
    error: "SinkError NoSpace",
    code: 9,
    when: "the target is full",
    run: async (lab, context) => {
      const { env } = await lab.simulator("--file-size", "3MB")
      const { path } = await smallDisk(context, "size=4m")
      return { args: ["export", "Bill", "--to", path], env }
    }
  },
  {
    error: "SinkError PermissionDenied",
    code: 9,
    when: "the target may not be written",
    run: async (lab, context) => {
      const { path, remount } = await smallDisk(context, "size=4m")
      await remount("ro")
      return { args: ["export", "Bill", "--to", path, "--state", await lab.folder()], env: nobody }
    }
  },
  {
    error: "SinkError Unknown",
    code: 9,
    when: "something else is in the target's place",
    run: async (lab) => {
      const file = Path.join(await lab.folder(), "data")
      await writeFile(file, "")
      return { args: ["export", "Bill", "--to", file], env: nobody }
    }
  },
  {
    error: "JournalError Locked",
    code: 11,
    when: "another process works on the run",
    run: async (lab) => {
      const simulator = await lab.simulator(...slow)
      const target = await lab.folder()
      const args = ["export", "Bill", "--to", target, ...oneByOne]
      const { child } = lab.start(args, simulator)
      await inTheMiddle(simulator)
      // A paused process lives: however slow this machine is, it has not finished.
      child.kill("SIGSTOP")
      return { args, env: simulator.env }
    }
  },
  {
    error: "JournalError OtherRequest",
    code: 1,
    when: "the journal is another request's",
    run: journal((text) => text.replace('"entityType":"Bill"', '"entityType":"Payment"'))
  },
  {
    error: "JournalError NewerVersion",
    code: 1,
    when: "the journal is of a newer version",
    run: journal((text) => text.replace("longshore-journal/1", "longshore-journal/2"))
  },
  {
    error: "JournalError Broken",
    code: 1,
    when: "somebody edited the journal",
    run: journal((text) => text.replace(/\n.*\n/, "\nsomething else\n"))
  },
  {
    error: "JournalError NoSpace",
    code: 9,
    when: "the disk under the journal is full",
    run: async (lab, context) => {
      const { env } = await lab.simulator()
      const { path } = await smallDisk(context, "size=4m,nr_inodes=2")
      return { args: ["export", "Bill", "--to", "-"], env: { ...env, LONGSHORE_STATE: Path.join(path, "state") } }
    }
  },
  {
    error: "JournalError Unavailable",
    code: 1,
    when: "there is no folder for the journal",
    run: async (lab) => {
      const file = Path.join(await lab.folder(), "state")
      await writeFile(file, "")
      return { args: ["export", "Bill", "--to", "-", "--state", file], env: nobody }
    }
  },
  {
    error: "Unauthorized",
    code: 3,
    when: "a cluster has another token",
    run: cluster({ LONGSHORE_CLUSTER_TOKEN: "the-token-of-another-cluster" }, "list")
  },
  {
    error: "RunNotFound",
    code: 6,
    when: "a cluster has no such run",
    run: cluster({}, "status", "4f2a81c09b7d4e63a1f05c2d8e9b7a10")
  },
  {
    error: "ClusterUnavailable",
    code: 5,
    when: "no runner of a cluster answers",
    run: cluster({ LONGSHORE_SERVER: "http://127.0.0.1:9" }, "list")
  }
]

/** What differs from run to run. */
const stable = (text: string): string =>
  text
    .replaceAll(/\/\S*longshore-\w{6}\b|\/proc\/\d+\/root\/tmp/g, "/srv")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:4010")
    .replaceAll(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, exportId)
    // Files go side by side: any of them may be the first to fail.
    .replaceAll(/Bill-0000\d/g, "Bill-00001")
    .replaceAll(/-[0-9a-f]{16}\.1\.jsonl/g, "-3f9a8d1c22b07e45.1.jsonl")
    .replaceAll(/RequestId [\w-]+/g, "RequestId 4e2c9a")
    .replaceAll(/process \d+ on \S+/g, "process 4711 on this-host")
    .replaceAll(/there is room for \d+/g, "there is room for 4194304")
    .replaceAll("|", "\\|")

const rows = new Map<Trial, string>()

describe.concurrent("a real run of each error", () => {
  it.for(trials)("$error ($code): $when", async (trial, context) => {
    const lab = laboratory(context)
    const target = await lab.folder()
    await mkdir(Path.join(target, "data"))
    const { answered = false, args, env } = await trial.run(lab, context)
    const ended = await lab.longshore(
      args.map((word) => (word === "TARGET" ? Path.join(target, "data") : word)),
      { env }
    )
    const paragraphs = ended.stderr.split("\n").filter((line) => line.startsWith("longshore: "))
    expect(paragraphs).toEqual([expect.stringMatching(/^longshore: .+ Next: .+$/)])
    expect(ended.code).toBe(trial.code)
    const command = /^ {2}(?:longshore|node \S+main\.js) (.+)$/m.exec(stable(ended.stderr))?.[1]
    // Whatever goes on with the same command says so with the command. An id that was mistyped does not, and nothing of a
    // cluster goes on here.
    expect(command === undefined).toBe(trial.code <= 3 || trial.error === "ExportNotFound" || args[0] === "cluster")
    const [, happened = "", next = ""] = /^longshore: (.+) Next: (.+)$/.exec(stable(paragraphs[0] ?? "")) ?? []
    // What the API answered can be asked about at Mews.
    expect(happened.includes("(RequestId ")).toBe(answered)
    if (trial.besides === undefined) {
      rows.set(
        trial,
        `| \`${trial.error.replace(" ", "` `")}\` | ${trial.code} | ${trial.when} | ${happened} | ${next}${command === undefined ? "" : ` \`longshore ${command}\``} |`
      )
    }
  })
})

describe("docs/errors.md", () => {
  it("has a row for every error, with its exit code", () => {
    const tags = ExportError.members.map((member) => member.fields._tag.schema.literal)
    const tried = new Set(trials.map(({ error }) => error.split(" ")[0]))
    expect([...tags].filter((tag) => !tried.has(tag))).toEqual([])
    for (const { code, error } of trials) {
      const [_tag, reason] = error.split(" ")
      expect(ExitCode.of({ _tag, reason } as ExitCode.Failure)).toBe(code)
    }
  })
})

afterAll(async () => {
  // A run of some of the tests alone tells nothing about the page.
  const shown = trials.filter(({ besides }) => besides === undefined)
  if (rows.size < shown.length) return
  const path = fileURLToPath(new URL("../../../../docs/errors.md", import.meta.url))
  const page = await readFile(path, "utf8")
  const table = [
    "| error | code | when | what is said | next |",
    "| --- | --- | --- | --- | --- |",
    ...shown.map((trial) => rows.get(trial) ?? "")
  ].join("\n")
  const made = page.replace(
    /(?<=<!-- errors: made by `pnpm errors` -->\n)[^]*?(?=<!-- end -->)/,
    () => `\n${table}\n\n`
  )
  const plain = (text: string) => text.replaceAll(/ +(?=\|)|-(?=-)/g, "")
  if (process.env["UPDATE"] === "1") await writeFile(path, made)
  // Columns are aligned by the formatter.
  else assert.equal(plain(made), plain(page), "docs/errors.md is stale: pnpm errors writes it anew")
})
