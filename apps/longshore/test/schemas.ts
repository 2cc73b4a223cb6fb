/** What the program says, held against the published JSON Schemas by a validator that knows nothing of the code. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import { existsSync, readFileSync } from "node:fs"
import { expect } from "vitest"

const folder = new URL("../../../docs/schemas/", import.meta.url)

const ajv = new Ajv2020({ strict: true, strictTuples: false, allErrors: true })
const validators = new Map<string, ValidateFunction>()

export const read = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"))

/** Consumers take fields that they do not know; here each one must be in the schema. */
const closed = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== "object" || schema === null) return schema
  const inside = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  return inside["additionalProperties"] === true ? { ...inside, additionalProperties: false } : inside
}

/** Fails the test if the value is not what the schema says, or has a field that the schema does not know. */
export const conforms = (name: string, value: unknown): void => {
  if (!existsSync(new URL(`${name}.json`, folder))) {
    throw new Error(`There is no docs/schemas/${name}.json: add a line to src/schemas.ts and run pnpm schemas.`)
  }
  const validate = validators.get(name) ?? ajv.compile(closed(read(name)) as object)
  validators.set(name, validate)
  if (validate(value)) return
  expect.fail(
    `${JSON.stringify(value)}\nis not what docs/schemas/${name}.json says: ${ajv.errorsText(validate.errors)}`
  )
}

/** Commands that print what another one prints. */
const alike: Readonly<Record<string, string>> = {
  resume: "export",
  list: "status",
  "cluster-list": "cluster-status",
  "cluster-resume": "cluster-status",
  "cluster-cancel": "cluster-status"
}

/** Of a command: `--json` is one line, and what its schema says. */
export const conformsJson = (command: string, stdout: string): void => {
  expect(stdout).toMatch(/^[^\n]+\n$/)
  conforms(alike[command] ?? command, JSON.parse(stdout))
}
