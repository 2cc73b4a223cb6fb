/**
 * An event as others read it: one line of JSON, with the version of what it promises. It is what `longshore export
 * --events FILE` writes. Use it when another program follows a run; inside a program listen with
 * `ExportEvent.ExportEvents`.
 *
 * @example Write a line, and read it
 * ```ts
 * import { EventLine, Export } from "@longshore/core"
 * import { Schema } from "effect"
 *
 * const exportId = Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
 * const event = EventLine.make({ _tag: "ExportAdopted", at: 0, entityType: "Bill", exportId })
 * const line = Schema.encodeSync(EventLine.Json)(event)
 * JSON.parse(line).version // => 1
 * Schema.decodeSync(EventLine.Json)(line)._tag // => "ExportAdopted"
 * ```
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as Tuple from "effect/Tuple"
import { ExportEvent } from "./ExportEvent.ts"

const version = Schema.Literal(1).annotate({ description: "Of the format of this line" })

/** First, where people look for it; and the event keeps its title and description. */
const versioned = Struct.lambda<ReturnType<typeof Schema.fieldsAssign<{ readonly version: typeof version }>>>((event) =>
  Schema.Struct({ version, ...event.fields }).annotate(event.ast.annotations ?? {})
)

/**
 * An event and the version of its format. Within a version fields and tags may be added; consumers pass over what they
 * do not know. Its JSON Schema is `@longshore/core/schemas/event.json`.
 *
 * @since 0.1.0
 * @category models
 */
export const EventLine = ExportEvent.mapMembers(Tuple.map(versioned))

/**
 * What {@link EventLine} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type EventLine = typeof EventLine.Type

/**
 * The line as text, without its line feed. Decoding fails for tags that this version does not know: a consumer passes
 * over such lines.
 *
 * @since 0.1.0
 * @category codecs
 */
export const Json = Schema.fromJsonString(EventLine)

/**
 * The line of an event.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (event: ExportEvent): EventLine => ({ version: 1, ...event })
