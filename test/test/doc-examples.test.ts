import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorServer from "@longshore/simulator/SimulatorServer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { assert, afterAll, afterEach, beforeAll, beforeEach, describe, it, vi } from "vitest"
import { compile, extract, root } from "./docExamples.ts"

const examples = extract()
const environment = { ...process.env }

/** An API that answers quickly: one for all, because Effect reads the environment once for a process. */
const api = Effect.gen(function* () {
  const { url } = yield* SimulatorServer.make()
  process.env["LONGSHORE_PLATFORM_ADDRESS"] = url
  process.env["LONGSHORE_CLIENT_TOKEN"] = "client-token-of-the-simulator"
  process.env["LONGSHORE_ACCESS_TOKEN"] = "access-token-of-the-simulator"
}).pipe(
  Effect.provide(
    Simulator.layer({
      files: 3,
      fileSize: 20_000,
      pending: "0 millis",
      processing: "0 millis",
      rateLimit: { limit: 10_000, window: "30 seconds" }
    })
  )
)

const inAnEmptyFolder = async (program: () => Promise<unknown>) => {
  const directory = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "longshore-doc-")))
  process.chdir(directory)
  try {
    await program()
  } finally {
    process.chdir(root)
    Fs.rmSync(directory, { recursive: true, force: true })
  }
}

describe("examples in documentation", () => {
  const scope = Scope.makeUnsafe()
  beforeAll(() => Effect.runPromise(Scope.provide(api, scope)))
  beforeEach(() => {
    vi.spyOn(console, "log").mockImplementation(() => undefined)
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })
  afterAll(async () => {
    process.env = environment
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  it("compile", async () => {
    assert.strictEqual(await compile(), "")
  })

  for (const { module, name } of examples.filter(({ run, suite }) => run && !suite)) {
    it(`${name} runs`, async () => {
      const exit = await Effect.runPromiseExit(Effect.promise(() => inAnEmptyFolder(() => import(module))))
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
