/** What is published as JSON Schema, in docs/schemas and in the packages. `pnpm schemas` writes the files. */
import { EventLine } from "@longshore/core/EventLine"
import { Manifest } from "@longshore/core/Manifest"
import type * as JsonSchema from "effect/JsonSchema"
import * as Schema from "effect/Schema"
import { ConfigShowJson } from "./handlers/configShow.ts"
import { DoctorJson } from "./handlers/doctor.ts"
import { ExportJson } from "./handlers/export.ts"
import { GcJson } from "./handlers/gc.ts"
import { PlanJson } from "./handlers/plan.ts"
import { RunsJson } from "./cluster/Run.ts"
import { ClusterSubmitJson } from "./handlers/clusterSubmit.ts"
import { StatusJson } from "./handlers/status.ts"
import { VerifyJson } from "./handlers/verify.ts"
import { ProgressJson } from "./output/ProgressJson.ts"

/** By the file's name: what it describes, and its Schema. A command's JSON has the command's name. */
const published: Readonly<Record<string, readonly [title: string, schema: Schema.Constraint]>> = {
  event: ["A line of longshore --events", EventLine],
  progress: ["A line of longshore --progress json", ProgressJson],
  manifest: ["manifest.json, beside the files it names", Manifest],
  export: ["What longshore export --json and longshore resume --json print", ExportJson],
  status: ["What longshore status --json and longshore list --json print", StatusJson],
  plan: ["What longshore plan --json prints", PlanJson],
  verify: ["What longshore verify --json prints", VerifyJson],
  doctor: ["What longshore doctor --json prints", DoctorJson],
  gc: ["What longshore gc --json prints", GcJson],
  config: ["What longshore config show --json prints", ConfigShowJson],
  "cluster-submit": ["What longshore cluster submit --json prints", ClusterSubmitJson],
  "cluster-status": ["What longshore cluster status, list, resume and cancel print with --json", RunsJson]
}

const address = "https://raw.githubusercontent.com/longshore/longshore/main/docs/schemas"

/** The files, by name. */
export const documents = (): ReadonlyMap<string, JsonSchema.JsonSchema> =>
  new Map(
    Object.entries(published).map(([name, [title, type]]) => {
      const { definitions, schema } = Schema.toJsonSchemaDocument(type)
      return [
        `${name}.json`,
        {
          $schema: "https://json-schema.org/draft/2020-12/schema",
          $id: `${address}/${name}.json`,
          title,
          ...schema,
          ...(Object.keys(definitions).length > 0 ? { $defs: definitions } : {})
        }
      ]
    })
  )

/** As it stands in its file. */
export const text = (document: JsonSchema.JsonSchema): string => `${JSON.stringify(document, null, 2)}\n`
