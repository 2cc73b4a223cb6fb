/** Findings as a table for people: a mark, the check, what was found, and what helps below it. */
import type { Finding } from "./Finding.ts"

const { env } = process

const isDumb = env["TERM"] === "dumb"

/** By the first of these variables that is set, as C libraries have it. */
const isUtf8 = /utf-?8/i.test(env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "")

const marks: Record<Finding["status"], string> =
  isUtf8 && !isDumb
    ? { ok: "✓", warning: "!", failed: "✗", skipped: "-" }
    : { ok: "ok", warning: "!!", failed: "XX", skipped: "--" }

const colours: Record<Finding["status"], number> = { ok: 32, warning: 33, failed: 31, skipped: 90 }

/** Lines are broken at this width; without one they are as long as they are. */
export const text = (findings: ReadonlyArray<Finding>, width: number | undefined): string => {
  const column = Math.max(...findings.map(({ check }) => check.length))
  const indent = " ".repeat(marks.ok.length + column + 3)
  const rows = findings.map(({ check, found, nextStep, requestId, status }) => {
    const id = requestId === undefined ? "" : ` (RequestId ${requestId})`
    const lines = [`${found.replace(/\.$/, "")}${id}`, ...(nextStep === undefined ? [] : [`Next: ${nextStep}`])]
    const wrapped = lines.flatMap((line) => wrap(line, width === undefined ? Infinity : width - indent.length))
    return `${marks[status]} ${check.padEnd(column)}  ${wrapped.join(`\n${indent}`)}`
  })
  return [...rows, "", verdict(findings)].join("\n")
}

const wrap = (line: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of line.split(" ")) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > Math.max(20, width)) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

const verdict = (findings: ReadonlyArray<Finding>): string => {
  const of = (status: Finding["status"]) => findings.filter((finding) => finding.status === status)
  const failed = of("failed").map(({ check }) => check)
  if (failed.length > 0) return `An export would not work here: ${failed.join(", ")}.`
  const warnings = of("warning").length
  const skips = of("skipped").map(({ check }) => check)
  return [
    `An export would work here${warnings === 0 ? "" : `, with ${warnings} ${warnings === 1 ? "warning" : "warnings"}`}.`,
    ...(skips.length === 0 ? [] : [`Not checked: ${skips.join(", ")}.`])
  ].join(" ")
}

/** Colours the marks, where somebody sees them. */
export const paint = (text: string): string =>
  process.stdout.isTTY && !isDumb && !env["NO_COLOR"]
    ? text.replace(/^(?:✓|✗|ok|!!|XX|--|[!-])(?= \w)/gm, (mark) => {
        const status = (["ok", "warning", "failed", "skipped"] as const).find((status) => marks[status] === mark)
        return status === undefined ? mark : `\u001b[${colours[status]}m${mark}\u001b[0m`
      })
    : text
