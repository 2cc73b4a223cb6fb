/**
 * An event as others read it: one line of JSON, with the version of what it promises.
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
 * do not know.
 *
 * @since 0.1.0
 * @category models
 */
export const EventLine = ExportEvent.mapMembers(Tuple.map(versioned))

/**
 * @since 0.1.0
 * @category models
 */
export type EventLine = typeof EventLine.Type

/**
 * The line as text, without its line feed.
 *
 * @since 0.1.0
 * @category codecs
 */
export const Json = Schema.fromJsonString(EventLine)

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (event: ExportEvent): EventLine => ({ version: 1, ...event })
