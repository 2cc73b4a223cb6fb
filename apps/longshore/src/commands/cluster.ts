/** `longshore cluster`: exports on several machines. */
import * as Command from "effect/cli/Command"
import { runCommand } from "./cluster/run.ts"

export const clusterCommand = Command.make("cluster").pipe(
  Command.withDescription("Exports on several machines that come and go"),
  Command.withSubcommands([runCommand])
)
