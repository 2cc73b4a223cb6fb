import type { Fault } from "@longshore/simulator/Fault"
import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorServer from "@longshore/simulator/SimulatorServer"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { crc32 } from "node:zlib"
import { assert, describe, inject, it } from "vitest"
import { commandOf, root, runtimes } from "../src/projects.ts"
import { must, run } from "../src/shell.ts"

const { consumer, home, runtimes: tools } = inject("projects")
const fileSizes = [300_000, 17, 150_000]

/** Runs something against a simulator in this process, and tells what the simulator saw. */
const against = <A>(options: Simulator.SimulatorOptions, use: (url: string) => Promise<A>) =>
  Effect.gen(function* () {
    const { url } = yield* SimulatorServer.make()
    const result = yield* Effect.promise(() => use(url))
    const simulator = yield* Simulator.Simulator
    const exports = (yield* simulator.exports).map(({ entityType, files }) => ({
      entityType,
      files: files.map(({ read, size }) => ({ size, content: Buffer.concat([...read(0, size)]) }))
    }))
    return { result, exports, requests: yield* simulator.requests }
  }).pipe(
    Effect.scoped,
    Effect.provide(Simulator.layer({ fileSizes, pending: "0 millis", processing: "0 millis", ...options })),
    Effect.runPromise
  )

const hex = (content: Buffer) => crc32(content).toString(16).padStart(8, "0")

/** Runs a program of the consumer on a runtime. */
const program = (runtime: string, file: string, ...args: ReadonlyArray<string>) => {
  const [command = "", ...options] = commandOf(tools, runtime)
  return run(command, [...options, file, ...args], { cwd: consumer })
}

describe.each([...runtimes.nodes, "bun", "deno"])("core on %s", (runtime) => {
  it("exports into memory and into a stream, over broken connections", async () => {
    const faults: ReadonlyArray<Fault> = [
      { name: "file-503", target: "Reservation" },
      { name: "deny-link", target: "Reservation" },
      // In the middle of a body, where no client tries again by itself.
      { name: "reset-file", count: 2, target: "Customer" }
    ]
    const { exports, result } = await against({ faults }, (url) => program(runtime, "programs/portable.ts", url))
    assert.strictEqual(result.code, 0, result.stderr)
    const sums = (type: string) =>
      exports
        .filter(({ entityType }) => entityType === type)
        .flatMap(({ files }) => files.map((file) => hex(file.content)))
    const told = JSON.parse(result.stdout)
    assert.lengthOf(sums("Reservation"), fileSizes.length)
    assert.deepStrictEqual(told, {
      reservations: sums("Reservation"),
      customers: sums("Customer"),
      // The manifest comes as a stream only where it can be found again.
      streamed: sums("Customer"),
      readBack: [[fileSizes.length, 0]],
      retries: { Reservation: 1, Customer: 2 }
    })
  })
})

describe.each(runtimes.nodes)("all of it on %s", (runtime) => {
  it("an export into a folder is killed and goes on", async () => {
    const directory = Path.join(home, `data ${runtime}`)
    const export_ = (url: string, ...args: ReadonlyArray<string>) =>
      program(runtime, "programs/resumed.ts", url, directory, ...args)
    const { exports, requests, result } = await against({}, async (url) => {
      const killed = await export_(url, "3")
      return { killed, resumed: await export_(url), again: await export_(url) }
    })
    assert.strictEqual(result.killed.code, "SIGKILL", result.killed.stderr)
    assert.strictEqual(result.resumed.code, 0, result.resumed.stderr)
    assert.lengthOf(exports, 1)
    const expected = exports[0]?.files.map(({ content }) => hex(content))
    const parts = fileSizes.reduce((sum, size) => sum + Math.ceil(size / 65_536), 0)
    const told = JSON.parse(result.resumed.stdout)
    assert.deepStrictEqual(told.crc32, expected)
    // What was stored before the kill was not fetched again, and after the end nothing is.
    assert.isBelow(told.stored, parts)
    assert.deepStrictEqual(JSON.parse(result.again.stdout), { crc32: expected, stored: 0 })
    assert.lengthOf(
      requests.filter(({ kind }) => kind === "add"),
      1
    )
    const folder = Path.join(directory, "Bill", Fs.readdirSync(Path.join(directory, "Bill"))[0] ?? "")
    const digest = (content: Buffer) => createHash("sha256").update(content).digest("hex")
    assert.deepStrictEqual(
      fileSizes.map((_, index) => digest(Fs.readFileSync(Path.join(folder, `Bill-0000${index + 1}.jsonl`)))),
      exports[0]?.files.map(({ content }) => digest(content))
    )
  })

  it("every module can be loaded", async () => {
    const { code, stderr } = await program(runtime, "imports.mts")
    assert.strictEqual(code, 0, stderr)
  })

  it("a CommonJS program loads them as well", async () => {
    const [node = ""] = commandOf(tools, runtime)
    const program = `const { ExportRun, Crc32 } = require("@longshore/core")
      const { FsSink } = require("@longshore/sink-fs")
      console.log(typeof ExportRun.run, typeof FsSink.layer, Crc32.toHex === require("@longshore/core/Crc32").toHex)`
    const args = ["--no-warnings", "--input-type=commonjs", "--eval", program]
    assert.strictEqual((await must(node, args, { cwd: consumer })).stdout, "function function true\n")
  })

  it("the program exports", async () => {
    const [node = ""] = commandOf(tools, runtime)
    const to = Path.join(home, `program ${runtime}`)
    const { result } = await against({}, (LONGSHORE_PLATFORM_ADDRESS) =>
      run(
        node,
        [Path.join(consumer, "node_modules/longshore/dist/main.js"), "export", "Payment", "--to", to, "--json"],
        {
          cwd: consumer,
          env: {
            LONGSHORE_PLATFORM_ADDRESS,
            LONGSHORE_CLIENT_TOKEN: "client",
            LONGSHORE_ACCESS_TOKEN: "access",
            HOME: home
          }
        }
      )
    )
    assert.strictEqual(result.code, 0, result.stderr)
    assert.lengthOf(Fs.globSync("Payment/*/manifest.json", { cwd: to }), 1)
  })
})

// The others are what its own tests run on anyway.
it.each(["node-22.19", "node-26"])("core's own tests pass on %s", async (runtime) => {
  const [node = ""] = commandOf(tools, runtime)
  const vitest = [Path.join(root, "node_modules/vitest/vitest.mjs"), "run", "--project", "@longshore/core"]
  const answer = Path.join(home, `core ${runtime}.json`)
  await must(node, [...vitest, "--reporter=json", `--outputFile=${answer}`, "--maxWorkers=1"], { cwd: root })
  const { numFailedTests, numPassedTests } = JSON.parse(Fs.readFileSync(answer, "utf8"))
  assert.isAbove(numPassedTests, 50)
  assert.strictEqual(numFailedTests, 0)
})
