/** A disk of a test's own, in memory: small, and as full or as broken as the test wants it. Linux. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Os from "node:os"
import * as Path from "node:path"
import type { TestContext } from "vitest"

export interface SmallDisk {
  readonly path: string
  /** Other options than it was mounted with, such as `size=10m` or `ro`. */
  readonly remount: (options: string) => Promise<void>
}

/**
 * Mounted in a namespace of a shell's own, so that anybody may do it, and so that it is gone with the shell. Other
 * processes reach it by the shell's `/proc/<pid>/root`.
 */
export const smallDisk = async (
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  options: string
): Promise<SmallDisk> => {
  const shell = spawn("unshare", ["--user", "--map-root-user", "--mount", "sh"], { stdio: ["pipe", "pipe", "inherit"] })
  onTestFinished(() => void shell.stdin.end())
  const folder = Os.tmpdir()
  const mount = async (what: string) => {
    shell.stdin.write(`mount -t tmpfs -o ${what} longshore '${folder}'; echo $?\n`)
    const [status] = await Promise.race([once(shell.stdout, "data"), once(shell, "exit")])
    if (String(status).trim() !== "0") throw new Error(`tmpfs with ${what} cannot be mounted (${status}).`)
  }
  await mount(options)
  return {
    path: Path.join(`/proc/${shell.pid}/root`, folder),
    remount: (other) => mount(`remount,${other}`)
  }
}
