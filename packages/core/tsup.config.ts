import { defineConfig } from "tsup"
import { library, withSchemas } from "../../tsup.base.ts"

export default defineConfig({ ...library, onSuccess: withSchemas("event.json", "manifest.json") })
