import type { Reporter, TestModule } from "vitest/node"

/**
 * Prints what was skipped, by name, and one last line for machines and hurried people: `N passed, N failed, N skipped`.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    const skipped: Array<string> = []
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      for (const test of tests) {
        const { state } = test.result()
        count[state === "pending" ? "skipped" : state] += 1
        if (state === "skipped") skipped.push(`skipped: ${module.project.name} > ${test.fullName}`)
      }
      // A file that could not be loaded has no tests of its own.
      if (tests.length === 0 && module.state() === "failed") count.failed += 1
    }
    process.on("exit", () => {
      for (const line of skipped) console.log(line)
      console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
    })
  }
}
