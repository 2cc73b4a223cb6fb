/** `longshore export`: its flags. The work is loaded when it is asked for, so that help answers at once. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Setting from "../settings/Setting.ts"
import { account, config, entityTypes, output, s3, transfer, wanted } from "./flags.ts"

export const flags = {
  entityTypes,
  ...Setting.flags("to"),
  ...wanted,
  fresh: Flag.Boolean("fresh").pipe(
    Flag.withDescription("Export again although this run is finished (one that is not finished is resumed)"),
    Flag.withDefault(false)
  ),
  ...Setting.flags("max-age"),
  ...transfer,
  ...account,
  ...s3,
  ...Setting.flags("state"),
  config,
  ...output
}

/** What the command line said, before it is checked. */
export type ExportFlags = Command.Command.Config.Infer<typeof flags>

export const exportCommand = Command.make("export", flags, (given) =>
  Effect.flatMap(
    Effect.promise(() => import("../handlers/export.ts")),
    ({ handle }) => handle(given)
  )
).pipe(
  Command.withDescription(
    "Take an export from the API to verified files; the same command carries on where it stopped"
  ),
  Command.withExamples([
    { command: "longshore export Reservation Customer --to ./data", description: "Two types into a folder" },
    { command: "longshore export Bill --to s3://bucket/mews --region eu-central-1", description: "Straight into S3" },
    { command: "longshore export OrderItem --to - | jq .", description: "Data on stdout, everything else on stderr" },
    {
      command:
        "longshore export Payment --to ./data --updated-from 2026-05-01T00:00:00Z --updated-to 2026-06-01T00:00:00Z",
      description: "What changed in May"
    }
  ])
)
