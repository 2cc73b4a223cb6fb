import { AccessDenied, AddRejected, JournalError, SinkError } from "@longshore/core/ExportError"
import { describe, expect, it } from "vitest"
import * as ExitCode from "../src/output/ExitCode.ts"
import { ConfigError, UsageError } from "../src/output/Problem.ts"

describe("ExitCode", () => {
  it("of a failure", () => {
    const journal = { location: "/j", problem: "it is held" }
    const sink = { location: "stdout", problem: "the reader is gone" }
    expect(ExitCode.of(new UsageError({ problem: "p", nextStep: "n" }))).toBe(2)
    expect(ExitCode.of(new ConfigError({ problem: "p", nextStep: "n" }))).toBe(3)
    expect(ExitCode.of(new AccessDenied({ operation: "getAll" }))).toBe(3)
    expect(ExitCode.of(new AddRejected({ operation: "add", entityType: "Bill" }))).toBe(4)
    expect(ExitCode.of(new JournalError({ ...journal, reason: "Locked" }))).toBe(11)
    expect(ExitCode.of(new JournalError({ ...journal, reason: "Broken" }))).toBe(1)
    expect(ExitCode.of(new JournalError({ ...journal, reason: "NoSpace" }))).toBe(9)
    expect(ExitCode.of(new SinkError({ ...sink, reason: "NoSpace" }))).toBe(9)
    expect(ExitCode.of(new SinkError({ ...sink, reason: "Closed" }))).toBe(0)
  })

  it("of several runs: all, some, none", () => {
    expect(ExitCode.ofAll([0, 0])).toBe(0)
    expect(ExitCode.ofAll([0, 5])).toBe(7)
    expect(ExitCode.ofAll([5, 8, 3])).toBe(8)
    expect(ExitCode.ofAll([5, 4])).toBe(4)
    expect(ExitCode.ofAll([5, 5])).toBe(5)
  })

  it("knows how severe every code of a failure is", () => {
    for (const code of [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]) expect(ExitCode.ofAll([code])).toBe(code)
  })
})
