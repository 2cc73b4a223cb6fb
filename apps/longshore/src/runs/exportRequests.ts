/** From words on the command line to requests: what is wrong is said before anything is sent. */
import { entityTypes, ExportId, type ExportRequest } from "@longshore/core/Export"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { nearest } from "../output/nearest.ts"
import { UsageError } from "../output/Problem.ts"

/** What `wanted` of the commands' flags gives. */
interface RequestFlags {
  readonly entityTypes: ReadonlyArray<string>
  readonly updatedFrom: Option.Option<string>
  readonly updatedTo: Option.Option<string>
  readonly postingFrom: Option.Option<string>
  readonly postingTo: Option.Option<string>
  readonly enterpriseIds: ReadonlyArray<string>
  readonly chainIds: ReadonlyArray<string>
}

const wrong = (problem: string, nextStep: string) => Effect.fail(new UsageError({ problem, nextStep }))

/** One request for each entity type. */
export const exportRequests = Effect.fn("exportRequests")(function* (
  flags: RequestFlags
): Effect.fn.Return<ReadonlyArray<ExportRequest>, UsageError> {
  const types = [...new Set(flags.entityTypes)]
  for (const type of types) yield* known(type)
  const [updatedFrom, updatedTo] = [flags.updatedFrom, flags.updatedTo].map(Option.getOrUndefined)
  const [postingFrom, postingTo] = [flags.postingFrom, flags.postingTo].map(Option.getOrUndefined)
  yield* both("--updated-from", updatedFrom, "--updated-to", updatedTo)
  yield* both("--posting-from", postingFrom, "--posting-to", postingTo)
  const updatedUtc =
    updatedFrom === undefined || updatedTo === undefined
      ? undefined
      : {
          startUtc: yield* instant("--updated-from", updatedFrom),
          endUtc: yield* instant("--updated-to", updatedTo)
        }
  const posting =
    postingFrom === undefined || postingTo === undefined
      ? undefined
      : { start: yield* day("--posting-from", postingFrom), end: yield* day("--posting-to", postingTo) }
  if (posting !== undefined && !types.includes("LedgerEntry")) {
    return yield* wrong("--posting-from and --posting-to are for LedgerEntry alone.", "Leave them out.")
  }
  const { chainIds, enterpriseIds } = flags
  const scope = {
    ...(enterpriseIds.length === 0 ? {} : { enterpriseIds: lowerCase(enterpriseIds) }),
    ...(chainIds.length === 0 ? {} : { chainIds: lowerCase(chainIds) })
  }
  return types.map((entityType): ExportRequest => {
    const filters = {
      ...(updatedUtc === undefined ? {} : { updatedUtc }),
      ...(posting === undefined || entityType !== "LedgerEntry" ? {} : { ledgerEntryFilters: { posting } })
    }
    return {
      entityType,
      ...(Object.keys(scope).length === 0 ? {} : { scope }),
      ...(Object.keys(filters).length === 0 ? {} : { filters })
    }
  })
})

/** The id of an export that exists. Only one run can take it up. */
export const exportId = Effect.fnUntraced(function* (
  flag: Option.Option<string>,
  requests: ReadonlyArray<ExportRequest>
): Effect.fn.Return<ExportId | undefined, UsageError> {
  if (Option.isNone(flag)) return undefined
  const text = flag.value
  if (requests.length > 1) {
    return yield* wrong("--export-id belongs to one entity type.", "Name that type alone.")
  }
  const id = Schema.decodeOption(ExportId)(text.trim().toLowerCase())
  return Option.isSome(id)
    ? id.value
    : yield* wrong(
        `--export-id "${text}" is not a GUID.`,
        "Give the id as the API does, such as 3fa85f64-5717-4562-b3fc-2c963f66afa6."
      )
})

const lowerCase = (ids: ReadonlyArray<string>) => [...new Set(ids.map((id) => id.trim().toLowerCase()))]

const both = (
  first: string,
  one: string | undefined,
  second: string,
  other: string | undefined
): Effect.Effect<void, UsageError> =>
  (one === undefined) === (other === undefined)
    ? Effect.void
    : wrong(`${first} and ${second} go together.`, `Add ${one === undefined ? first : second}.`)

const known = (type: string): Effect.Effect<void, UsageError> => {
  if (entityTypes.some((entityType) => entityType === type)) return Effect.void
  const near = nearest(type, entityTypes)
  return wrong(
    `"${type}" is not an entity type of exports.${near === undefined ? "" : ` Did you mean ${near}?`}`,
    `Use ${entityTypes.slice(0, -1).join(", ")} or ${entityTypes.at(-1) ?? ""}, spelled like this.`
  )
}

const iso = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** An instant with its zone, or a day, which means its midnight in UTC. */
const instant = (flag: string, text: string): Effect.Effect<DateTime.Utc, UsageError> => {
  const date = iso.exec(text)?.[1]
  const parsed = date !== undefined && exists(date) ? DateTime.make(new Date(text)) : Option.none()
  return Option.isSome(parsed)
    ? Effect.succeed(DateTime.toUtc(parsed.value))
    : wrong(
        `${flag} "${text}" is not a time that can be read.`,
        "Write it with its zone, such as 2026-05-01T00:00:00Z or 2026-05-01T02:00:00+02:00."
      )
}

const day = (flag: string, text: string): Effect.Effect<string, UsageError> =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && exists(text)
    ? Effect.succeed(text)
    : wrong(`${flag} "${text}" is not a day.`, "Write it like 2026-05-31.")

/** JavaScript takes a day that its month does not have for one of the next month. */
const exists = (date: string): boolean => new Date(`${date}T00:00:00Z`).getUTCDate() === Number(date.slice(8))
