/**
 * What was delivered. The manifest is written last, beside the files: where it is, everything it names is complete.
 * Read it to learn which files there are; to prove that they are still what was delivered use `Verification`.
 *
 * @example Read one
 * ```ts
 * import { Export, Manifest } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const text = new TextDecoder().decode(
 *   Manifest.encode({
 *     format: "longshore-manifest/1",
 *     request: { entityType: "Bill" },
 *     exportId: Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6"),
 *     entityType: "Bill",
 *     completedUtc: "2026-11-24T03:00:00.000Z",
 *     verified: "size+etag+crc32",
 *     size: 9,
 *     files: [{ name: "Bill-00001.jsonl", size: 9, crc32: "cbf43926", etag: null }]
 *   })
 * )
 * const manifest = await Effect.runPromise(Manifest.decode(text))
 * manifest.files.map(({ name }) => name) // => ["Bill-00001.jsonl"]
 * ```
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Crc32 from "./Crc32.ts"
import { EntityType, ExportId, ExportRequest } from "./Export.ts"
import { ObjectKey } from "./ObjectSink.ts"

/**
 * How a file of several parts was cut, and the CRC-32 of each part: with these `Verification` tells where a file
 * differs.
 *
 * @since 0.1.0
 * @category models
 */
export const FileParts = Schema.Struct({
  size: Schema.Int.check(Schema.isGreaterThan(0)).annotate({ description: "Bytes of every part but the last" }),
  crc32: Schema.String.check(Schema.isPattern(/^[0-9a-f]{8}( [0-9a-f]{8})*$/)).annotate({
    description: "Eight hexadecimal digits for each part, in order, with a space in between"
  })
})

/**
 * What {@link FileParts} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type FileParts = typeof FileParts.Type

/**
 * A delivered file. `crc32` (eight hexadecimal digits) is that of every byte as it was received. `etag` is what the host
 * knew the content by; `null` where the file came in one request, which needs none, or where the host has none.
 *
 * @since 0.1.0
 * @category models
 */
export const ManifestFile = Schema.Struct({
  name: Schema.String.annotate({ description: "Relative to the manifest" }),
  size: Schema.Finite.annotate({ description: "Bytes" }),
  crc32: Schema.String.annotate({ description: "Of every byte as it was received: eight hexadecimal digits" }),
  etag: Schema.NullOr(Schema.String).annotate({ description: "What the host knew the content by, if it had to tell" }),
  parts: Schema.optionalKey(FileParts).annotateKey({
    description: "Absent for a file of one part, and in manifests of versions that did not write it"
  })
})

/**
 * What {@link ManifestFile} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type ManifestFile = typeof ManifestFile.Type

/**
 * What was delivered: the request, the export, and every file in the order of the export. `size` is the bytes of all
 * files, `completedUtc` is in ISO 8601. Its JSON Schema is `@longshore/core/schemas/manifest.json`.
 *
 * @since 0.1.0
 * @category models
 */
export const Manifest = Schema.Struct({
  format: Schema.Literal("longshore-manifest/1"),
  request: ExportRequest,
  exportId: ExportId,
  entityType: EntityType,
  completedUtc: Schema.String.annotate({ description: "ISO 8601" }),
  verified: Schema.Literal("size+etag+crc32").annotate({
    description:
      "How the bytes were verified: size as announced; one ETag for all parts of a file; the CRC-32 of each part, computed on receipt, kept with the stored part, and compared with what the store tells wherever it tells it"
  }),
  size: Schema.Finite.annotate({ description: "Bytes of all files" }),
  files: Schema.Array(ManifestFile)
})

/**
 * What {@link Manifest} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type Manifest = typeof Manifest.Type

const Json = Schema.fromJsonString(Manifest)

/**
 * The checksums of a file's parts, of `size` bytes each, as a manifest holds them; nothing for a file of one part,
 * whose checksum it has.
 *
 * @example
 * ```ts
 * import { Manifest } from "@longshore/core"
 *
 * Manifest.fileParts(8_388_608, [0xcbf43926, 7]) // => { parts: { size: 8_388_608, crc32: "cbf43926 00000007" } }
 * Manifest.fileParts(8_388_608, [0xcbf43926]) // => {}
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fileParts = (size: number, checksums: ReadonlyArray<number>): Pick<ManifestFile, "parts"> =>
  checksums.length > 1 ? { parts: { size, crc32: checksums.map(Crc32.toHex).join(" ") } } : {}

/**
 * The bytes of a manifest: JSON in UTF-8 that a person can read, the same for the same manifest.
 *
 * @example
 * ```ts
 * import { Export, Manifest } from "@longshore/core"
 *
 * const bytes = Manifest.encode({
 *   format: "longshore-manifest/1",
 *   request: { entityType: "Bill" },
 *   exportId: Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6"),
 *   entityType: "Bill",
 *   completedUtc: "2026-11-24T03:00:00.000Z",
 *   verified: "size+etag+crc32",
 *   size: 0,
 *   files: []
 * })
 * new TextDecoder().decode(bytes).split("\n")[1] // => '  "format": "longshore-manifest/1",'
 * ```
 *
 * @since 0.1.0
 * @category codecs
 */
export const encode = (manifest: Manifest): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(Schema.encodeSync(Manifest)(manifest), null, 2)}\n`)

/**
 * Reads the text of a manifest. Fails with a `SchemaError` if it is not one, or of a newer format.
 *
 * @example
 * ```ts
 * import { Manifest } from "@longshore/core"
 * import { Effect } from "effect"
 *
 * const error = await Effect.runPromise(Effect.flip(Manifest.decode(`{ "format": "longshore-manifest/2" }`)))
 * error._tag // => "SchemaError"
 * ```
 *
 * @since 0.1.0
 * @category codecs
 */
export const decode = Schema.decodeUnknownEffect(Json)

/**
 * The folder of an export below the target.
 *
 * @example
 * ```ts
 * import { Export, Manifest } from "@longshore/core"
 *
 * const exportId = Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
 * Manifest.folder("Bill", exportId) // => "Bill/3fa85f64-5717-4562-b3fc-2c963f66afa6"
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const folder = (entityType: EntityType, exportId: ExportId): string => `${entityType}/${exportId}`

/**
 * The key of the manifest of an export: whether an export is complete is whether the sink has this.
 *
 * @example
 * ```ts
 * import { Export, Manifest } from "@longshore/core"
 *
 * const exportId = Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
 * const key = Manifest.key("Bill", exportId)
 * key.endsWith("/manifest.json") // => true
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const key = (entityType: EntityType, exportId: ExportId): ObjectKey =>
  ObjectKey.make(`${folder(entityType, exportId)}/manifest.json`)

/**
 * The key of the file with this index (from 0). Names are ours, never a link's; their numbers count from 1.
 *
 * @example
 * ```ts
 * import { Export, Manifest } from "@longshore/core"
 *
 * const exportId = Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
 * const key = Manifest.fileKey("Bill", exportId, 0)
 * key.endsWith("/Bill-00001.jsonl") // => true
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fileKey = (entityType: EntityType, exportId: ExportId, index: number): ObjectKey =>
  ObjectKey.make(`${folder(entityType, exportId)}/${entityType}-${String(index + 1).padStart(5, "0")}.jsonl`)
