/** `longshore cluster`: exports on several machines. */
import * as Command from "effect/cli/Command"
import { cancelCommand } from "./cluster/cancel.ts"
import { listCommand } from "./cluster/list.ts"
import { resumeCommand } from "./cluster/resume.ts"
import { runCommand } from "./cluster/run.ts"
import { statusCommand } from "./cluster/status.ts"
import { submitCommand } from "./cluster/submit.ts"

export const clusterCommand = Command.make("cluster").pipe(
  Command.withDescription("Exports on several machines that come and go"),
  Command.withSubcommands([runCommand, submitCommand, statusCommand, listCommand, resumeCommand, cancelCommand])
)
