/** `longshore simulate`: listens until it is told to stop. */
import * as Fault from "@longshore/simulator/Fault"
import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorServer from "@longshore/simulator/SimulatorServer"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SimulateFlags } from "../commands/simulate.ts"
import * as ExitCode from "../output/ExitCode.ts"
import * as Redaction from "../output/Redaction.ts"

const refuse = (problem: string, code: number) =>
  Effect.sync(() => {
    process.stderr.write(`${Redaction.make()(`longshore: ${problem}`)}\n`)
    process.exitCode = code
  })

export const handle = Effect.fnUntraced(function* (flags: SimulateFlags) {
  if (flags.printEnv) {
    return yield* Effect.sync(() => {
      const variables = {
        LONGSHORE_PLATFORM_ADDRESS: `http://127.0.0.1:${flags.port}`,
        LONGSHORE_CLIENT_TOKEN: "simulator-client-token",
        LONGSHORE_ACCESS_TOKEN: "simulator-access-token"
      }
      for (const [name, value] of Object.entries(variables)) process.stdout.write(`export ${name}=${value}\n`)
    })
  }
  const faults: Array<Fault.Fault> = []
  for (const text of flags.fault) {
    const fault = Fault.parse(text)
    if (typeof fault === "string") {
      return yield* refuse(`--fault: ${fault}. Next: longshore simulate --help shows what it takes.`, ExitCode.usage)
    }
    faults.push(fault)
  }
  if (flags.port < 0 || flags.port > 65_535 || flags.files < 0) {
    return yield* refuse(
      "--port is 0 to 65535, and --files is not negative. Next: longshore simulate --help shows what it takes.",
      ExitCode.usage
    )
  }
  const { bandwidth, exportTtl, files, fileSize, linkTtl, pending, processing, profile, rateLimit, seed } = flags
  const conflictStatus = ({ 400: 400, 403: 403, 409: 409 } as const)[flags.conflictStatus]
  const options = { exportTtl, files, fileSize, linkTtl, pending, processing, profile, rateLimit, seed, conflictStatus }
  const layer = Simulator.layer({
    ...options,
    faults,
    ...(Option.isSome(bandwidth) ? { bandwidth: bandwidth.value } : {})
  })
  yield* Effect.gen(function* () {
    const { url } = yield* SimulatorServer.make({ port: flags.port })
    process.stderr.write(
      `The simulated Connector API listens on ${url} until Ctrl-C.\n` +
        `  Point longshore at it:  eval "$(longshore simulate --port ${new URL(url).port} --print-env)"\n` +
        `  What it saw:            ${url}/_simulator/requests\n` +
        `  What it exported:       ${url}/_simulator/exports\n` +
        "Rows are made up. The file host behaves as Azure Blob Storage does, which is an assumption.\n"
    )
    return yield* Effect.never
  }).pipe(
    Effect.scoped,
    Effect.provide(layer),
    Effect.catchIf(
      (error) => error._tag === "ListenError",
      (error) =>
        refuse(
          error.code === "EADDRINUSE"
            ? `Port ${flags.port} is taken (EADDRINUSE). Next: stop what listens there, or choose another --port; 0 takes a free one.`
            : `Port ${flags.port} cannot be had (${error.code}). Next: choose another --port; 0 takes a free one.`,
          ExitCode.error
        )
    )
  )
})
