/** `longshore completions`: its argument. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"

const flags = {
  shell: Argument.Literals("shell", ["bash", "zsh", "fish", "powershell"]).pipe(
    Argument.withDescription("Whose script to print")
  )
}

/** What the command line said. */
export type CompletionsFlags = Command.Command.Config.Infer<typeof flags>

export const completionsCommand = Command.make("completions", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/completions.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription("Print the script that completes commands, flags and their values in a shell"),
  Command.withExamples([
    { command: 'eval "$(longshore completions bash)"', description: "In ~/.bashrc" },
    { command: "source <(longshore completions zsh)", description: "In ~/.zshrc, after compinit" },
    { command: "longshore completions fish > ~/.config/fish/completions/longshore.fish", description: "Once" }
  ])
)
