import { describe, expect, it } from "vitest"
import { resumeCommand } from "../src/runs/resumeCommand.ts"

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
