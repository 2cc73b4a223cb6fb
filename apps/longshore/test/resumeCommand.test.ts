import { describe, expect, it } from "vitest"
import { nextCommand, resumeCommand } from "../src/runs/resumeCommand.ts"

describe("resumeCommand", () => {
  it("is the command as it was typed, whole for a shell", () => {
    const argv = ["/usr/bin/node", "/usr/local/bin/longshore", "export", "Bill", "--to", "./it's $HOME", "--state="]
    expect(resumeCommand(argv)).toBe(`longshore export Bill --to './it'\\''s $HOME' --state=`)
    expect(resumeCommand([...argv, ""])).toMatch(/ ''$/)
  })

  it("names the script where there is no installed program", () => {
    expect(resumeCommand(["/usr/bin/node", "/srv/dist/main.js", "export"])).toBe("node /srv/dist/main.js export")
  })
})

describe("nextCommand", () => {
  const node = ["/usr/bin/node", "/usr/local/bin/longshore"]

  it("adds what helps after the error", () => {
    const argv = [...node, "export", "Bill", "--to", "data"]
    expect(nextCommand(argv, ["ApiUnavailable"])).toBe("longshore export Bill --to data")
    expect(nextCommand(argv, ["AddRejected", "AddRejected"])).toBe("longshore export Bill --to data --on-busy wait")
    expect(nextCommand(argv, ["ExportExpired", "AddOutcomeUnknown"])).toBe(
      "longshore export Bill --to data --on-expired renew --on-busy wait"
    )
  })

  it("puts it in the place of what was said", () => {
    const argv = [...node, "export", "--on-busy", "fail", "Bill", "--on-expired=fail", "--to", "data"]
    expect(nextCommand(argv, ["AddRejected"])).toBe("longshore export Bill --on-expired=fail --to data --on-busy wait")
    expect(nextCommand(argv, ["ExportFailed"])).toBe(
      "longshore export --on-busy fail Bill --to data --on-expired renew"
    )
  })
})
