/** What the shells themselves offer. Bash is everywhere; zsh and fish are asked where they are installed. */
import { entityTypes } from "@longshore/core/Export"
import { spawnSync } from "node:child_process"
import { chmod, mkdir, writeFile } from "node:fs/promises"
import * as Path from "node:path"
import { describe, expect, it, type TestContext } from "vitest"
import { laboratory } from "../program.ts"

const has = (shell: string) => spawnSync(shell, ["-c", "true"]).status === 0

/** The words that may follow a line. */
type Offers = (line: string) => Promise<ReadonlyArray<string>>

const shells: Readonly<Record<string, (script: string, run: (line: string) => Promise<string>) => Offers>> = {
  bash: (script, run) => async (line) => {
    // As readline calls it, without bash-completion's own helper.
    const words = line.split(" ")
    const said = await run(
      `bash --norc --noprofile -c 'source "$1"; shift; COMP_LINE="$*"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _longshore longshore "\${COMP_WORDS[COMP_CWORD]}" "" && printf "%s\\n" "\${COMPREPLY[@]}"' bash ${script} ${words.map((word) => `'${word}'`).join(" ")}`
    )
    return said.split("\n").filter((word) => word !== "")
  },
  zsh: (script, run) => async (line) => {
    // A shell on a terminal of its own, which is typed to, and which writes down what it is about to show.
    await writeFile(
      `${script}.rc`,
      `autoload -U compinit; compinit -D; source ${script}
compadd() {
  if [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\\ * ]]; then
    local -a shown; builtin compadd -O shown "$@"; print -rl -- $shown >> ${script}.shown
  fi
  builtin compadd "$@"
}
leave() { exit }; zle -N leave; bindkey '^X' leave; bindkey '^I' complete-word; PS1=; print REA""DY
`
    )
    await writeFile(`${script}.shown`, "")
    await writeFile(
      `${script}.zsh`,
      `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "source ${script}.rc"
zpty -r -m z seen '*READY*'
zpty -w -n z $'${line}\\C-i\\C-x'
while zpty -r z seen; do :; done
cat ${script}.shown
`
    )
    return (await run(`zsh -f ${script}.zsh`)).split("\n")
  },
  fish: (script, run) => async (line) => {
    const said = await run(`fish --no-config -c 'source ${script}; complete -C "${line}"'`)
    return said.split("\n").map((row) => row.split("\t")[0] ?? "")
  }
}

const inShell = async (shell: string, context: TestContext): Promise<Offers> => {
  const lab = laboratory(context)
  const folder = await lab.folder()
  const script = Path.join(folder, "script")
  await writeFile(script, (await lab.longshore(["completions", shell])).stdout)
  await mkdir(Path.join(folder, "data"))
  await writeFile(Path.join(folder, "settings.toml"), "")
  await writeFile(Path.join(folder, "longshore"), "#!/bin/sh\n")
  await chmod(Path.join(folder, "longshore"), 0o755)
  const run = async (command: string) => {
    const ended = await lab.start([], {
      shell: `cd ${folder}; PATH=${folder}:$PATH; ${command}`,
      env: { HOME: folder }
    }).ended
    return ended.stdout.toString() + ended.stderr
  }
  const make = shells[shell]
  if (make === undefined) throw new Error(shell)
  return make(script, run)
}

describe.concurrent.for(Object.keys(shells))("%s", (shell) => {
  it.skipIf(!has(shell))("offers commands, entity types, choices, files and folders", async (context) => {
    const offers = await inShell(shell, context)
    const expectations: ReadonlyArray<readonly [line: string, words: ReadonlyArray<string>]> = [
      ["longshore c", ["config", "completions"]],
      ["longshore config ", ["show"]],
      ["longshore export ", entityTypes],
      ["longshore export Bill Res", ["Reservation", "ResourceBlock"]],
      ["longshore export Bill --on-busy ", ["fail", "wait"]],
      ["longshore export Bill --to ./da", ["data"]],
      ["longshore config show --config ./se", ["settings.toml"]],
      ["longshore status ./da", ["data"]],
      ["longshore config show --or", ["--origin"]]
    ]
    for (const [line, words] of expectations) {
      const offered = (await offers(line)).map((word) => word.replace(/^\.\/|\/$/g, ""))
      const missing = words.filter((word) => !offered.includes(word))
      expect({ line, missing, offered }).toEqual({ line, missing: [], offered })
    }
    expect(await offers("longshore export Bill --on-busy ")).not.toContain("Bill")
    expect(await offers("longshore export --j")).not.toContain("--no-json")
  })
})

it("a shell that is not known is a wrong command line", async (context) => {
  const ended = await laboratory(context).longshore(["completions", "tcsh"])
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining("tcsh") })
})
