import { spawn } from "node:child_process"

export interface Ended {
  /** An exit code, or the name of a signal. */
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** What pnpm and Vitest set for what they start is not what a consumer has. */
const environment = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(npm_(package|lifecycle|command|config_user_agent|execpath)|pnpm_|vitest|node_options|node_env)/i.test(name)
    )
  )

/** Runs a command to its end, whatever that is. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...environment(), ...options.env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
    child.once("error", reject)
    // "close" comes after the last of what it says.
    child.once("close", (code, signal) => resolve({ code: code ?? signal ?? "nothing", stdout, stderr }))
  })

/** The same, and it must end well. */
export const must = async (...[command, args, options]: Parameters<typeof run>): Promise<Ended> => {
  const ended = await run(command, args, options)
  if (ended.code === 0) return ended
  throw new Error(`${command} ${args.join(" ")} ended with ${ended.code}:\n${ended.stdout}${ended.stderr}`)
}
