/**
 * The steps of a run as a journal holds them: names and values. Journals of released versions stay readable, so a
 * change here that is not an addition needs another name.
 */
import * as Schema from "effect/Schema"
import { ExportId } from "../Export.ts"
import {
  AccessDenied,
  AddRejected,
  ApiUnavailable,
  InvalidRequest,
  RateLimited,
  RequestRejected
} from "../ExportError.ts"
import { FileIdentity } from "../FileLinks.ts"
import { StoredObject } from "../ObjectSink.ts"

/** Written before `add` is sent: whose attempt it is. */
export const Intent = Schema.Struct({ process: Schema.String })

/** Errors after which it is certain that the API took nothing on. */
export const Refusal = Schema.Union([
  InvalidRequest,
  AccessDenied,
  AddRejected,
  RequestRejected,
  RateLimited,
  ApiUnavailable
])
export type Refusal = typeof Refusal.Type

/** How an intent ended. A refusal is remembered, so that the next process knows that nothing is outstanding. */
export const Asked = Schema.Union([
  Schema.TaggedStruct("Accepted", { exportId: ExportId }),
  Schema.TaggedStruct("Refused", { error: Refusal })
])

/** A ready export, without its links. */
export const Ready = Schema.Struct({ files: Schema.Array(FileIdentity), expiresUtc: Schema.NullOr(Schema.String) })
export type Ready = typeof Ready.Type

/** What became of a file: delivered, or no longer what was planned. */
export const Delivery = Schema.Union([
  Schema.TaggedStruct("Delivered", {
    stored: StoredObject,
    crc32: Schema.Finite,
    /** Of each part, in order. Earlier versions did not write them. */
    parts: Schema.optionalKey(Schema.Array(Schema.Finite))
  }),
  Schema.TaggedStruct("Changed", { problem: Schema.String })
])

/** An export was given up for another one. */
export const Renewed = Schema.Struct({ reason: Schema.String })
export const NotRenewed = Schema.Literal("not renewed")

/** The last step. */
export const Complete = Schema.Struct({ completedUtc: Schema.String })

/**
 * Names: `add`, `plan OrderItem-00001`. A second asking, a second delivery of one file end in `#2`; a renewed export
 * starts with `2.`.
 */
export const stepName = (renewal: number, base: string, again: number): string =>
  `${renewal === 0 ? "" : `${renewal + 1}.`}${base}${again === 0 ? "" : `#${again + 1}`}`

/** The parts of a name that {@link stepName} made. */
export const parseStepName = (
  name: string
): { readonly renewal: number; readonly base: string; readonly again: number } => {
  const match = /^(?:(\d+)\.)?([^#]+?)(?:#(\d+))?$/.exec(name)
  return { renewal: Number(match?.[1] ?? 1) - 1, base: match?.[2] ?? name, again: Number(match?.[3] ?? 1) - 1 }
}
