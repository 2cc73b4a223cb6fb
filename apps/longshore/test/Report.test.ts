import { AccessDenied, JournalError } from "@longshore/core/ExportError"
import * as Cause from "effect/Cause"
import { describe, expect, it } from "vitest"
import * as Redaction from "../src/output/Redaction.ts"
import * as Report from "../src/output/Report.ts"

const token = "E0D439EE522F44368DC78E1BFB03710C-D24FB11DBE31D4621C4817E028D9E1D"

describe("Report", () => {
  it("is one paragraph with the RequestId and the next step", () => {
    const error = new AccessDenied({ operation: "add", status: 401, apiMessage: "Invalid\ntoken", requestId: "r-17" })
    const text = Report.paragraph(Report.ofCause(Cause.fail(error)), Redaction.make(), "Bill")
    expect(text).toMatch(/^longshore: Bill: The API refused .* \(RequestId r-17\)\. Next: Check the client token/)
    expect(text).not.toContain("\n")
  })

  it("shows a journal that broke as that, although it is a defect of the run", () => {
    const error = new JournalError({ reason: "Unavailable", location: "/state/j.jsonl", problem: "no space left" })
    expect(Report.ofCause(Cause.die(error))).toMatchObject({ tag: "JournalError", exitCode: 1 })
  })

  it("calls any other defect a bug, without its stack", () => {
    const report = Report.ofCause(Cause.die(new TypeError("x is not a function\n    at y.ts:1")))
    expect(report).toMatchObject({ tag: "Bug", exitCode: 1 })
    expect(report.message).toContain("TypeError: x is not a function.")
    expect(report.message).not.toContain("y.ts")
  })
})

describe("Redaction", () => {
  const redact = Redaction.make([token])

  it("hides configured tokens and signatures of links", () => {
    const link = "https://files.example/a.jsonl?sv=2024&se=2026-11-24T00%3A00%3A00Z&sig=abc%2Bdef%3D&x=1"
    const text = redact(`token ${token}, link ${link}`)
    expect(text).not.toContain(token)
    expect(text).not.toContain("abc%2Bdef")
    expect(text).not.toContain("2026-11-24T00")
    expect(text).toContain("https://files.example/a.jsonl?")
    expect(redact(`next=${encodeURIComponent(link)}`)).not.toContain("abc")
  })

  it("lets nothing steer the terminal", () => {
    expect(redact("a\u001b[2Jb\rc\td\n")).toBe("a[2Jbc\td\n")
    expect(redact("a\u202eb\u2066c\u2028d\u009b31m")).toBe("abcd31m")
  })

  it("hides what is a token by its looks, and passwords in addresses", () => {
    const text = Redaction.make()(`"${token.toLowerCase()}" is not a target; https://me:p4ssw0rd@host/x is none`)
    expect(text).toBe('"<redacted>" is not a target; https://<redacted>@host/x is none')
  })

  it("hides a token in every spelling", () => {
    const secret = 'a/b+c="d"'
    const spelled = [secret, JSON.stringify(secret), encodeURIComponent(secret), btoa(secret)].join(" ")
    expect(Redaction.make([secret])(spelled)).toBe('<redacted> "<redacted>" <redacted> <redacted>')
  })

  it("does not tear words apart for a secret that is none", () => {
    expect(Redaction.make(["a", ""])("a man")).toBe("a man")
  })
})
