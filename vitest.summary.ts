import type { Reporter, TestModule } from "vitest/node"

/**
 * Prints what was skipped, by name or, where it says why, by suite, and one last line for machines and hurried people: `N passed, N failed, N skipped`.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    const skipped: Array<string> = []
    const reasons = new Map<string, number>()
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      for (const test of tests) {
        const result = test.result()
        count[result.state === "pending" ? "skipped" : result.state] += 1
        if (result.state !== "skipped") continue
        const name = `${module.project.name} > ${test.fullName}`
        if (result.note === undefined) skipped.push(`skipped: ${name}`)
        else {
          const reason = `${name.slice(0, name.lastIndexOf(" > "))}: ${result.note}`
          reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
        }
      }
      // A file that could not be loaded has no tests of its own.
      if (tests.length === 0 && module.state() === "failed") count.failed += 1
    }
    process.on("exit", () => {
      for (const line of skipped) console.log(line)
      for (const [reason, times] of reasons) console.log(`skipped: ${times} of ${reason}`)
      console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
    })
  }
}
