// Writes docs/schemas/*.json from the code's own Schemas. A test fails when they are stale.
//
//   pnpm schemas
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { documents, text } from "../apps/longshore/src/schemas.ts"

const folder = new URL("../docs/schemas/", import.meta.url)
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
for (const [name, document] of documents()) writeFileSync(new URL(name, folder), text(document))
