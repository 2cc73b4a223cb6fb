/** Each example runs as a process, does what its first lines say, and is right about every byte. */
import { assert, describe, it } from "@effect/vitest"
import { FileJournal } from "@longshore/journal-file"
import { Effect, Exit, Fiber, Scope } from "effect"
import { globSync, mkdirSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { killWhen, makeLab, tokens } from "./lab.ts"
import { readObject } from "./readObject.ts"

const partSize = 8 * 1024 * 1024
const day = 24 * 60 * 60 * 1000
const limit = 180_000

describe.concurrent("examples", () => {
  it("are all in the table of the README", () => {
    const folder = Path.join(import.meta.dirname, "..")
    const table = readFileSync(Path.join(folder, "README.md"), "utf8").match(/(?<=\]\()[\w-]+\.ts(?=\))/g)
    const files = globSync("*.ts", { cwd: folder }).filter((name) => name !== "vitest.config.ts")
    assert.deepStrictEqual(table?.toSorted(), files.toSorted())
  })

  it.live(
    "to-a-folder: killed half-way, it goes on, and fetches exactly what is missing",
    () =>
      Effect.gen(function* () {
        const lab = yield* makeLab({
          fileSizes: [2 * partSize + 1_000_000, partSize + 3, 100_000],
          bandwidth: 4_000_000
        })
        // The log beside a partial file has a line for each part that is stored.
        const stored = () =>
          lab.found("here/Reservation/*/*.parts").flatMap((log) => {
            const lines = readFileSync(Path.join(lab.directory, log), "utf8").matchAll(/"part":(\d+)/g)
            return Array.from(lines, ([, part]) => ({ log, part: Number(part) }))
          })
        yield* killWhen(
          yield* lab.start("to-a-folder.ts", ["./here"]),
          Effect.sync(() => stored().length > 0)
        )
        assert.isEmpty(lab.found("here/Reservation/*/manifest.json"))

        const parts = (yield* lab.exported).flatMap(({ bytes, key }, index) => {
          const count = Math.ceil(bytes.length / partSize)
          return Array.from({ length: count }, (_, n) => {
            const to = Math.min((n + 1) * partSize, bytes.length) - 1
            return {
              asked: `file ${index + 1}, ${count === 1 ? null : `bytes=${n * partSize}-${to}`}`,
              isThere:
                lab.found(`here/${key}`).length > 0 ||
                stored().some(({ log, part }) => log.startsWith(`here/${key}.`) && part === n + 1)
            }
          })
        })
        assert.isTrue(parts.some(({ isThere }) => isThere))
        const before = (yield* lab.settled).length
        const again = yield* lab.run("to-a-folder.ts", ["./here"])
        assert.match(again.output, /^3 files, verified: file:\/\/\/\S+\/manifest\.json$/m)
        assert.strictEqual(again.code, 0)
        yield* lab.delivered("here")
        const fetched = (yield* lab.settled).slice(before).map(({ file, range }) => `file ${file}, ${range}`)
        assert.sameMembers(
          fetched,
          parts.filter(({ isThere }) => !isThere).map(({ asked }) => asked)
        )
        assert.strictEqual((yield* lab.asked("add")).length, 1)
      }),
    limit
  )

  it.live(
    "each-row: counts the rows that were exported; a row of another shape ends it",
    () =>
      Effect.gen(function* () {
        const lab = yield* makeLab({ fileSizes: [partSize + 300_000, 300_000, 0] })
        const { code, output } = yield* lab.run("each-row.ts")
        assert.strictEqual(code, 0, output)
        const expected: Record<string, number> = {}
        for (const { bytes } of yield* lab.exported) {
          for (const line of bytes.toString().split("\n").slice(0, -1)) {
            const state: string = JSON.parse(line).State
            expected[state] = (expected[state] ?? 0) + 1
          }
        }
        assert.deepStrictEqual(JSON.parse(output.trim().split("\n").at(-1) ?? ""), expected)
        assert.isAbove(Object.keys(expected).length, 2)

        const other = yield* makeLab({ contents: [Buffer.from('{"Id":"a","State":"Started"}\n{"Id":7}\n')] })
        const wrong = yield* other.run("each-row.ts")
        assert.strictEqual(wrong.code, 1)
        assert.include(wrong.output, "SinkError: rows of Reservation/")
      }),
    limit
  )

  it.live(
    "gzip: killed half-way, files that are there are not fetched again",
    () =>
      Effect.gen(function* () {
        const lab = yield* makeLab({ fileSizes: [300_000, 300_000, 900_000], bandwidth: 1_000_000 })
        const files = () => lab.found("here/Reservation/*/*.jsonl.gz")
        yield* killWhen(
          yield* lab.start("gzip.ts", ["./here"]),
          Effect.sync(() => files().length > 0)
        )
        assert.isEmpty(lab.found("here/Reservation/*/manifest.json.gz"))
        const there = files().length
        assert.isBelow(there, 3)
        const before = (yield* lab.settled).length
        const again = yield* lab.run("gzip.ts", ["./here"])
        assert.strictEqual(again.code, 0, again.output)
        yield* lab.delivered("here", gunzipSync, ".gz")
        assert.isNotEmpty(lab.found("here/Reservation/*/manifest.json.gz"))
        assert.isEmpty(lab.found("here/Reservation/*/*.partial"))
        assert.deepStrictEqual(
          (yield* lab.settled).slice(before).map(({ file }) => file),
          [1, 2, 3].slice(there)
        )
        assert.strictEqual((yield* lab.asked("add")).length, 1)
      }),
    limit
  )

  it.live(
    "to-sqlite: a reader finds in the database what was exported",
    () =>
      Effect.gen(function* () {
        const lab = yield* makeLab({ fileSizes: [partSize + 1, 300_000, 0] })
        const { code, output } = yield* lab.run("to-sqlite.ts", ["exports.db"])
        assert.strictEqual(code, 0, output)
        const path = Path.join(lab.directory, "exports.db")
        for (const { bytes, folder, key } of yield* lab.exported) {
          assert.strictEqual(Buffer.compare(readObject(path, key) ?? Buffer.from("nothing"), bytes), 0, key)
          assert.isDefined(readObject(path, `${folder}/manifest.json`))
        }
      }),
    limit
  )

  it.live(
    "several-accounts: those that fail do not stop the others",
    () =>
      Effect.gen(function* () {
        const accessTokens = ["lisbon-token-0123456789", "porto-token-0123456789"] as const
        const lab = yield* makeLab({ accessTokens })
        const { code, output } = yield* lab.run("several-accounts.ts", ["lisbon", "braga", "porto", "faro"], {
          LISBON_ACCESS_TOKEN: accessTokens[0],
          PORTO_ACCESS_TOKEN: accessTokens[1],
          BRAGA_ACCESS_TOKEN: tokens.access
        })
        for (const token of accessTokens) assert.notInclude(output, token)
        assert.match(output, /^lisbon: 600000 bytes, file:\/\/\/\S+\/data\/lisbon\/Payment\/\S+\/manifest\.json$/m)
        assert.match(output, /^porto: 600000 bytes, file:\/\/\/\S+\/data\/porto\/Payment\/\S+\/manifest\.json$/m)
        assert.match(output, /^braga: failed\. .*401/m)
        assert.match(output, /^faro: failed\. .*FARO_ACCESS_TOKEN/ms)
        assert.match(output, /^2 of 4 accounts are done\.$/m)
        assert.strictEqual(code, 1)
        assert.strictEqual((yield* lab.simulator.exports).length, 2)
        yield* lab.delivered("data/*")
      }),
    limit
  )

  it.live(
    "promise-program: answers, fails in ordinary errors, stops when the client hangs up, and ends well",
    () =>
      Effect.gen(function* () {
        const lab = yield* makeLab({ bandwidth: 500_000 })
        const program = yield* lab.start("promise-program.ts", ["0"])
        const port = yield* program.says(/port: (\d+)/)
        const post = (path: string, signal: AbortSignal | null = null) =>
          Effect.promise(() =>
            fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", signal }).then(
              async (response) => ({ status: response.status, body: await response.text() }),
              () => undefined
            )
          )
        assert.strictEqual((yield* post("/..%2F..%2Fescape"))?.status, 404)
        // Ledger entries need dates: an error that trying again does not help.
        const refused = yield* post("/LedgerEntry")
        assert.strictEqual(refused?.status, 500)
        assert.include(refused?.body, "LedgerEntry exports need an interval of posting dates")

        const hungUp = new AbortController()
        const cut = yield* Effect.forkChild(post("/Reservation", hungUp.signal))
        while (lab.found("data/Reservation/*/*.partial").length === 0) yield* Effect.sleep("30 millis")
        hungUp.abort()
        assert.isUndefined(yield* Fiber.join(cut))
        // The lock of the journal tells that the run has ended.
        while (lab.found("data/.longshore/Reservation.jsonl.lock.*").length > 0) yield* Effect.sleep("30 millis")
        assert.isEmpty(lab.found("data/Reservation/*/manifest.json"))

        const answer = yield* post("/Reservation")
        assert.strictEqual(answer?.status, 200)
        assert.lengthOf(JSON.parse(answer?.body ?? "{}").files, 2)
        yield* lab.delivered("data")
        assert.strictEqual((yield* lab.asked("add")).length, 1)

        yield* Effect.forkChild(post("/Customer"))
        while (lab.found("data/Customer/*/*.partial").length === 0) yield* Effect.sleep("30 millis")
        program.child.kill("SIGTERM")
        const { code, output } = yield* program.ended
        assert.strictEqual(code, 0, output)
        assert.isEmpty(lab.found("data/.longshore/*.lock.*"))
        assert.isEmpty(lab.found("data/Customer/*/manifest.json"))
      }),
    limit
  )

  it.live(
    "on-a-schedule: tries a night again, goes on after SIGTERM, and makes up for nights that it missed",
    () =>
      Effect.gen(function* () {
        const lab = yield* makeLab({ bandwidth: 300_000 })
        const clock = fileURLToPath(new URL("../../apps/longshore/test/clock.mjs", import.meta.url))
        // Noon: no test runs into midnight.
        const noon = (daysAgo: number) => Math.floor(Date.now() / day - daysAgo) * day + day / 2
        const began = noon(10)
        const on = (days: number) => new Date(began + days * day)
        const name = (from: number, to: number) =>
          [from, to].map((days) => on(days).toISOString().slice(0, 10)).join("_")
        const start = (days: number) =>
          lab.start("on-a-schedule.ts", ["* * * * * *", "0.005"], {
            NODE_OPTIONS: `--import=${clock}?shift=${on(days).getTime() - Date.now()}`
          })
        const end = Effect.fnUntraced(function* ({ child, ended }: Effect.Success<ReturnType<typeof start>>) {
          child.kill("SIGTERM")
          const { code, output } = yield* ended
          assert.strictEqual(code, 0, output)
          assert.isEmpty(lab.found("data/.longshore/*.lock.*"))
          return output
        })

        // Somebody holds the journal of the night: it fails, and is tried again.
        const journal = Path.join(lab.directory, "data/.longshore", `${name(-1, 0)}.jsonl`)
        mkdirSync(Path.dirname(journal), { recursive: true })
        const held = yield* Scope.make()
        yield* Scope.provide(FileJournal.lock(journal), held)
        const first = yield* start(0)
        yield* first.says(/is working on this run.*is working on this run/s)
        yield* Scope.close(held, Exit.void)
        while (lab.found("data/Reservation/*/*.partial").length === 0) yield* Effect.sleep("30 millis")
        yield* end(first)
        assert.isEmpty(lab.found("data/Reservation/*/manifest.json"))

        const second = yield* start(0)
        yield* second.says(new RegExp(`${name(-1, 0)}: file:`))
        yield* end(second)
        assert.strictEqual((yield* lab.asked("add")).length, 1)

        // Three days later.
        const third = yield* start(3)
        yield* third.says(new RegExp(`${name(0, 3)}: file:`))
        // The schedule comes round again, and there is nothing to do.
        yield* Effect.sleep("2 seconds")
        assert.lengthOf((yield* end(third)).match(/: file:/g) ?? [], 1)
        assert.strictEqual((yield* lab.asked("add")).length, 2)
        yield* lab.delivered("data")
        const midnights = lab.found("data/Reservation/*/manifest.json").map((path) => {
          const { endUtc, startUtc } = JSON.parse(readFileSync(Path.join(lab.directory, path), "utf8")).request.filters
            .updatedUtc
          return [startUtc, endUtc]
        })
        const midnight = (days: number) => `${on(days).toISOString().slice(0, 10)}T00:00:00.000Z`
        assert.sameDeepMembers(midnights, [
          [midnight(-1), midnight(0)],
          [midnight(0), midnight(3)]
        ])
      }),
    limit
  )
})
