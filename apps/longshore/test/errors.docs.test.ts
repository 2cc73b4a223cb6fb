import { ExportError } from "@longshore/core/ExportError"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import * as ExitCode from "../src/output/ExitCode.ts"

describe("docs/errors.md", () => {
  const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8")
  const rows = [...page.matchAll(/^\| `(\w+)`(?: `(\w+)`)?\s+\| (\d+)\s+\|/gm)].map(([, tag, reason, code]) => ({
    tag: tag ?? "",
    reason: reason ?? "Unavailable",
    code: Number(code)
  }))

  it("names every error there is", () => {
    const tags = ExportError.members.map((member) => member.fields._tag.schema.literal)
    expect(new Set(rows.map(({ tag }) => tag))).toEqual(new Set(tags))
  })

  it.each(rows)("tells the exit code of $tag $reason", ({ code, reason, tag }) => {
    expect(ExitCode.of({ _tag: tag, reason } as ExitCode.Failure)).toBe(code)
  })
})
