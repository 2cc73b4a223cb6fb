/** The commands of thin clients, against the real HTTP front of a cluster that has no engine. */
import { ExportId } from "@longshore/core/Export"
import type { RunStatus } from "@longshore/workflow/RunStatus"
import * as Effect from "effect/Effect"
import { writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it, type TestContext } from "vitest"
import * as StandIn from "../../../packages/workflow/test/standIn.ts"
import { serve, token } from "./front.ts"
import { laboratory } from "./program.ts"

const setUp = async (context: TestContext) => {
  const lab = laboratory(context)
  const cluster = StandIn.make()
  const { close, port } = await serve(context, cluster)
  const env = {
    LONGSHORE_SERVER: `http://127.0.0.1:${port}`,
    LONGSHORE_CLUSTER_TOKEN: token,
    LONGSHORE_ACCOUNT: "lisbon"
  }
  return {
    lab,
    cluster,
    env,
    restart: async () => {
      await close()
      return () => serve(context, cluster, port)
    },
    start: (...args: ReadonlyArray<string>) => lab.start(["cluster", ...args], { env }),
    longshore: async (code: number, ...args: ReadonlyArray<string>) => {
      const { stderr, stdout, ...ended } = await lab.longshore(["cluster", ...args], { env })
      const said = { stdout: stdout.toString(), stderr }
      expect(`${said.stdout}${said.stderr}`).not.toContain(token)
      expect({ code: ended.code, ...said }).toMatchObject({ code })
      return said
    },
    /** By another client. */
    submit: async (account: string, entityType: string): Promise<string> => {
      const task = Effect.flatMap(StandIn.tasks({ account, request: { entityType } }), cluster.service.submit)
      return (await Effect.runPromise(task)).id
    },
    /** What was submitted, by its number. */
    run: (index: number): RunStatus => {
      const run = [...cluster.runs.values()][index]
      if (run === undefined) throw new Error(`There is no run ${index}.`)
      return run
    },
    /** What was submitted for this type: those of one command come in any order. */
    runOf: (entityType: string): RunStatus => {
      const run = [...cluster.runs.values()].find(({ task }) => task.request.entityType === entityType)
      if (run === undefined) throw new Error(`There is no run of ${entityType}.`)
      return run
    }
  }
}

const transferring: Partial<RunStatus> = {
  stage: "transferring",
  exportId: ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6"),
  files: { total: 10, delivered: 3 },
  bytes: { total: 4_000_000_000, delivered: 1_000_000_000, stored: 200_000_000 }
}

const complete: Partial<RunStatus> = {
  state: "complete",
  stage: "complete",
  endedUtc: "2026-05-01T04:00:00.000Z",
  files: { total: 10, delivered: 10 },
  bytes: { total: 4_000_000_000, delivered: 4_000_000_000 }
}

const failed: Partial<RunStatus> = {
  state: "failed",
  stage: "waiting",
  endedUtc: "2026-05-01T04:00:00.000Z",
  failure: {
    error: "ExportFailed",
    message: "Mews reports that the export failed; it has no files.",
    nextStep: "Ask for a new one: the same command with --on-expired renew.",
    retryable: false
  }
}

describe.concurrent("longshore cluster submit", () => {
  it("gives the cluster what the flags say, and nothing that nobody said", async (context) => {
    const { cluster, longshore, run, runOf } = await setUp(context)
    const { stdout } = await longshore(0, "submit", "Bill", "Payment")
    const [bill, payment] = [runOf("Bill"), runOf("Payment")]
    expect(stdout).toBe(
      [bill, payment]
        .map(
          ({ id, task }) =>
            `${task.request.entityType}: ${id} is running, asking. Next: longshore cluster status ${id}\n`
        )
        .join("")
    )
    expect(bill.task).toEqual({
      account: "lisbon",
      platformAddress: "https://api.mews.com",
      target: "s3://bucket/mews/lisbon",
      request: { entityType: "Bill" }
    })
    // The same again is the same run.
    await longshore(0, "submit", "Bill")
    expect(cluster.runs.size).toBe(2)

    const window = ["--updated-from", "2026-05-01T00:00:00Z", "--updated-to", "2026-06-01T00:00:00Z"]
    const patience = "--on-busy fail --on-expired renew --max-wait 12h --poll 2s --part-size 1MiB".split(" ")
    const id = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
    const place = ["--account", "porto", "--path", "porto/of-may", "--export-id", id]
    await longshore(0, "submit", "Bill", "--fresh", "--json", ...window, ...patience, ...place)
    expect(JSON.parse(JSON.stringify(run(2).task))).toEqual({
      occasion: expect.stringMatching(/^\d{4}-.+Z$/),
      account: "porto",
      platformAddress: "https://api.mews.com",
      target: "s3://bucket/mews/porto/of-may",
      request: {
        entityType: "Bill",
        filters: { updatedUtc: { startUtc: "2026-05-01T00:00:00.000Z", endUtc: "2026-06-01T00:00:00.000Z" } }
      },
      exportId: id,
      onBusy: "fail",
      onExpired: "renew",
      maxWait: 43_200_000,
      poll: 2000,
      partSize: 1_048_576
    })
  })

  it("waits for all, tells how far they are, and ends as the worst of them", async (context) => {
    const { cluster, runOf, start } = await setUp(context)
    const waiting = start("submit", "Bill", "Payment", "--wait", "--json")
    await waiting.says(/Bill: asking/)
    await waiting.says(/Payment: asking/)
    const [bill, payment] = [runOf("Bill").id, runOf("Payment").id]
    cluster.set(bill, transferring)
    await waiting.says(/Bill: transferring: 3\/10 files, 1\.2 GB of 4\.0 GB \(30 %\)/)
    cluster.set(bill, complete)
    await waiting.says(/Bill: complete: 10\/10 files/)
    cluster.set(payment, failed)
    const { code, stderr, stdout } = await waiting.ended
    expect(code).toBe(7)
    expect(stderr).toContain(
      `longshore: Payment: Mews reports that the export failed; it has no files. Next: longshore cluster resume ${payment} --on-expired renew asks for another export.`
    )
    const { runs } = JSON.parse(stdout.toString())
    expect(runs).toMatchObject([
      { entityType: "Bill", ok: true, run: { state: "complete" } },
      { entityType: "Payment", ok: false, error: { tag: "ExportFailed", exitCode: 6 }, run: { state: "failed" } }
    ])
  })

  it("goes on waiting when the front goes away and comes back", async (context) => {
    const { cluster, restart, run, start } = await setUp(context)
    const waiting = start("submit", "Bill", "--wait")
    await waiting.says(/Bill: asking/)
    const again = await restart()
    await waiting.says(/Bill: The cluster cannot be asked: .+ The run goes on; asking again/)
    await again()
    cluster.set(run(0).id, complete)
    const { code, stderr, stdout } = await waiting.ended
    expect(code).toBe(0)
    expect(stderr.match(/asking again/g)).toHaveLength(1)
    expect(stdout.toString()).toBe(`Bill: ${run(0).id} is complete: 10 files, 4.0 GB in s3://bucket/mews/lisbon\n`)
  })

  it("leaves the run alone when somebody stops waiting", async (context) => {
    const { run, start } = await setUp(context)
    const waiting = start("submit", "Bill", "--wait")
    await waiting.says(/Bill: asking/)
    waiting.child.kill("SIGINT")
    const { code, stderr } = await waiting.ended
    expect(code).toBe(130)
    expect(stderr).toContain(`Bill: the run goes on. Next: longshore cluster status ${run(0).id}`)
    expect(run(0).state).toBe("running")
  })

  it("submits nothing unless all of it is right", async (context) => {
    const { cluster, longshore } = await setUp(context)
    const outside = await longshore(2, "submit", "Bill", "--path", "../other")
    expect(outside.stderr).toContain('--path "../other" is not made of')
    const refused = await longshore(2, "submit", "Bill", "--account", "madrid", "--json")
    expect(JSON.parse(refused.stdout).runs).toMatchObject([{ entityType: "Bill", ok: false }])
    expect(refused.stderr).toMatch(/account is not valid: .+ no account "madrid"/)
    // The second is wrong: the first is not submitted either.
    await longshore(2, "submit", "Bill", "LedgerEntry")
    expect(cluster.runs.size).toBe(0)
  })
})

describe.concurrent("longshore cluster", () => {
  it("shows a run as a person needs it", async (context) => {
    const { cluster, longshore, submit } = await setUp(context)
    const id = await submit("lisbon", "Bill")
    cluster.set(id, transferring)
    const { stdout } = await longshore(0, "status", id)
    expect(stdout.replace(/\(\d.+ ago\)/, "(… ago)")).toBe(
      [
        `RUN        ${id}`,
        "state      running, transferring",
        "account    lisbon",
        "type       Bill",
        "export     3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "target     s3://bucket/mews/lisbon",
        "files      3 of 10",
        "bytes      1.2 GB of 4.0 GB (30 %)",
        "submitted  2026-05-01T03:00:00Z (… ago)",
        ""
      ].join("\n")
    )
    cluster.set(id, failed)
    const ended = await longshore(0, "status", id)
    expect(ended.stdout).toMatch(/^failure {4}ExportFailed: Mews reports/m)
    expect(ended.stdout).toContain(
      `next       longshore cluster resume ${id} --on-expired renew asks for another export.`
    )
    const failure = { error: "ApiUnavailable", message: "Nobody answers.", nextStep: "Wait.", retryable: true }
    cluster.set(id, { ...failed, failure })
    const away = await longshore(0, "status", id)
    expect(away.stdout).toContain(`Wait. The run goes on with longshore cluster resume ${id}.`)
  })

  it("stops a run and goes on with it", async (context) => {
    const { longshore, run, submit } = await setUp(context)
    const id = await submit("lisbon", "Bill")
    expect((await longshore(0, "cancel", id)).stdout).toBe(
      `Bill: ${id} was cancelled. Next: longshore cluster resume ${id}\n`
    )
    expect(run(0).state).toBe("cancelled")
    await longshore(0, "resume", id, "--json")
    expect(run(0).state).toBe("running")
    expect(run(0).task).not.toHaveProperty("onExpired")
  })

  it("goes on with a run as patiently as is said now: on its own, and by submitting the same again", async (context) => {
    const { cluster, longshore, run, submit } = await setUp(context)
    const id = await submit("lisbon", "Bill")
    cluster.set(id, failed)
    const { stdout } = await longshore(0, "list")
    expect(stdout).toContain("failed, waiting")
    await longshore(0, "resume", id, "--on-expired", "renew", "--max-wait", "12h")
    expect(run(0)).toMatchObject({ state: "running", task: { onExpired: "renew", maxWait: 43_200_000 } })
    cluster.set(id, failed)
    await longshore(0, "submit", "Bill", "--max-wait", "1h")
    expect(cluster.runs.size).toBe(1)
    expect(run(0)).toMatchObject({ state: "running", task: { onExpired: "renew", maxWait: 3_600_000 } })
  })

  it("lists runs, some of them, page by page", async (context) => {
    const { cluster, longshore, submit } = await setUp(context)
    await submit("porto", "Bill")
    const payment = await submit("lisbon", "Payment")
    cluster.set(payment, { ...transferring, state: "failed" })
    const customer = await submit("lisbon", "Customer")
    // What LONGSHORE_ACCOUNT says is for submitting.
    const { stdout } = await longshore(0, "list", "--limit", "2")
    const row = (...cells: ReadonlyArray<string>) => new RegExp(`^${cells.join(" +")}$`, "m")
    expect(stdout).toMatch(row("RUN", "STATE", "ACCOUNT", "TYPE", "FILES", "DELIVERED", "SUBMITTED"))
    expect(stdout).toMatch(row(customer, "running, asking", "lisbon", "Customer", "-", "-", "2026-05-01T03:00:02Z"))
    const amounts = ["3/10", "1\\.2 GB of 4\\.0 GB \\(30 %\\)"]
    expect(stdout).toMatch(
      row(payment, "failed, transferring", "lisbon", "Payment", ...amounts, "2026-05-01T03:00:01Z")
    )
    expect(stdout).not.toContain("porto")
    expect(stdout).toMatch(new RegExp(`More: --before ${payment}\n$`))
    const some = await longshore(0, "list", "--account", "lisbon", "--state", "failed", "--before", customer, "--json")
    expect(JSON.parse(some.stdout).runs).toMatchObject([{ id: payment, state: "failed" }])
  })

  it("says what keeps it from the cluster, and shows its token to nobody", async (context) => {
    const { env, lab } = await setUp(context)
    const file = Path.join(await lab.folder(), "token")
    await writeFile(file, `${token}\n`)
    const { LONGSHORE_CLUSTER_TOKEN: _, ...without } = env
    const list = async (code: number, said: RegExp, env: Record<string, string>, ...args: ReadonlyArray<string>) => {
      const ended = await lab.longshore(["cluster", "list", ...args], { env })
      const text = `${ended.stdout.toString()}${ended.stderr}`
      expect(text).not.toContain(token)
      expect(text).toMatch(said)
      expect(ended.code).toBe(code)
    }
    await list(3, /There is no token for the cluster\./, without)
    await list(0, /no such run/, without, "--cluster-token-file", file)
    await list(
      3,
      /not sent over plain http: to another machine.+--plain-http allow/,
      env,
      "--server",
      "http://cluster.example"
    )
    await list(
      5,
      /http:\/\/cluster\.invalid does not answer/,
      env,
      "--server",
      "http://cluster.invalid",
      "--plain-http",
      "allow"
    )
  })
})
