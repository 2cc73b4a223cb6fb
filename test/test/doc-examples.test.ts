import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorServer from "@longshore/simulator/SimulatorServer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { assert, afterAll, afterEach, beforeEach, describe, it, vi } from "vitest"
import { compile, extract, root } from "./docExamples.ts"

const examples = extract()
const environment = { ...process.env }

/** A fresh folder, and an API that answers quickly. */
const inAnEmptyFolder = (program: () => Promise<unknown>) =>
  Effect.gen(function* () {
    const directory = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "longshore-doc-")))
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        process.chdir(root)
        Fs.rmSync(directory, { recursive: true, force: true })
      })
    )
    const { url } = yield* SimulatorServer.make()
    process.env["LONGSHORE_PLATFORM_ADDRESS"] = url
    process.env["LONGSHORE_CLIENT_TOKEN"] = "client-token-of-the-simulator"
    process.env["LONGSHORE_ACCESS_TOKEN"] = "access-token-of-the-simulator"
    process.chdir(directory)
    yield* Effect.promise(program)
  }).pipe(
    Effect.scoped,
    Effect.provide(Simulator.layer({ files: 3, fileSize: 20_000, pending: "0 millis", processing: "0 millis" }))
  )

describe("examples in documentation", () => {
  beforeEach(() => {
    vi.spyOn(console, "log").mockImplementation(() => undefined)
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })
  afterAll(() => {
    process.env = environment
  })

  it("compile", async () => {
    assert.strictEqual(await compile(), "")
  })

  for (const { module, name } of examples.filter(({ run, suite }) => run && !suite)) {
    it(`${name} runs`, async () => {
      const exit = await Effect.runPromiseExit(inAnEmptyFolder(() => import(module)))
      assert.strictEqual(exit._tag === "Success" ? "" : Cause.pretty(exit.cause), "")
    })
  }
})

// They declare tests of their own.
for (const { module, name } of examples.filter(({ run, suite }) => run && suite)) {
  const problem = await import(module).then(
    () => "",
    (cause: unknown) => (cause instanceof Error ? cause.message : "it failed")
  )
  it(`${name} declares tests`, () => {
    assert.strictEqual(problem, "")
  })
}
