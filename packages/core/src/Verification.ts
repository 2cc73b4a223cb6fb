/**
 * Proves again, from manifests alone, that a target still holds what was delivered: every file is read back and
 * compared with its checksums. What differs is told as data, as exactly as checksums allow. Needs nothing of the API.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Crc32 from "./Crc32.ts"
import { EntityType, ExportId } from "./Export.ts"
import type { SinkError } from "./ExportError.ts"
import * as FileCheck from "./internal/fileCheck.ts"
import * as Manifest from "./Manifest.ts"
import { ObjectKey, ObjectSink, type ListedObject, parts } from "./ObjectSink.ts"

/**
 * A change that explains the difference. Offsets count from 0.
 *
 * - `ByteChanged`: as if the byte at one of these places alone were another.
 * - `ByteMissing`: as if one byte, which belongs at one of these places, had been taken out.
 * - `BytesMissing`: so many bytes from here on are missing; everything else is right.
 * - `BytesAdded`: so many bytes from here on are too many; everything else is right. `lines`, if they are whole lines.
 * - `OtherFile`: it has the content of another file of the export.
 *
 * A checksum explains one changed byte in more ways than one, the more the larger the part: in 8 MiB, chance adds a
 * second place in two of five cases. Where there are more than four, nothing is said.
 *
 * @example One byte is another
 * ```ts
 * import { Export, Manifest, Verification } from "@longshore/core"
 * import { MemorySink } from "@longshore/testkit"
 * import { Effect } from "effect"
 *
 * const exportId = Export.ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6")
 * const manifest = Manifest.encode({
 *   format: "longshore-manifest/1",
 *   request: { entityType: "Bill" },
 *   exportId,
 *   entityType: "Bill",
 *   completedUtc: "2026-11-24T03:00:00.000Z",
 *   verified: "size+etag+crc32",
 *   size: 9,
 *   files: [{ name: "Bill-00001.jsonl", size: 9, crc32: "cbf43926", etag: null }]
 * })
 * const store = MemorySink.makeStore()
 * const put = (key: string, bytes: Uint8Array) => store.objects.set(key, { bytes, version: "1", plan: "" })
 * put(Manifest.key("Bill", exportId), manifest)
 * put(Manifest.fileKey("Bill", exportId, 0), new TextEncoder().encode("12345X789"))
 *
 * const found = await Effect.runPromise(Effect.provide(Verification.verify(), MemorySink.layer(store)))
 * const difference = found.exports[0]?.differences[0]?.difference
 * difference?._tag === "Differs" && difference.explanation // => { _tag: "ByteChanged", offsets: [5] }
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const Explanation = Schema.Union([
  Schema.TaggedStruct("ByteChanged", { offsets: Schema.NonEmptyArray(Schema.Int) }),
  Schema.TaggedStruct("ByteMissing", { offsets: Schema.NonEmptyArray(Schema.Int) }),
  Schema.TaggedStruct("BytesMissing", { offset: Schema.Int, length: Schema.Int }),
  Schema.TaggedStruct("BytesAdded", {
    offset: Schema.Int,
    length: Schema.Int,
    lines: Schema.optionalKey(Schema.Int)
  }),
  Schema.TaggedStruct("OtherFile", { name: Schema.String })
])

/**
 * What {@link Explanation} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type Explanation = typeof Explanation.Type

/**
 * What is wrong with a file. `Missing`: it is not there. `NotAFile`: a link or a folder is in its place. `Unreadable`
 * says nothing about its content. `Differs`: it is not what was delivered; `ranges` are bytes of the file as it was
 * delivered, from `from` up to and without `to`.
 *
 * @since 0.1.0
 * @category models
 */
export const Difference = Schema.Union([
  Schema.TaggedStruct("Missing", {}),
  /** A link, a folder. */
  Schema.TaggedStruct("NotAFile", { problem: Schema.String }),
  Schema.TaggedStruct("Unreadable", { problem: Schema.String }),
  Schema.TaggedStruct("Differs", {
    /** Bytes, as it is. */
    size: Schema.Finite,
    /** Bytes, as it was delivered. */
    expected: Schema.Finite,
    /**
     * Where, in bytes of the file as it was delivered: outside of these all of it is there. None, if only something was
     * added. Absent if its content was not read.
     */
    ranges: Schema.optionalKey(Schema.Array(Schema.Struct({ from: Schema.Finite, to: Schema.Finite }))),
    explanation: Schema.optionalKey(Explanation)
  })
])

/**
 * What {@link Difference} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type Difference = typeof Difference.Type

/**
 * What is wrong with a manifest. What an `Inconsistent` one says is compared with the files as far as it goes.
 *
 * @since 0.1.0
 * @category models
 */
export const ManifestProblem = Schema.Union([
  Schema.TaggedStruct("Missing", {}),
  Schema.TaggedStruct("NotAFile", { problem: Schema.String }),
  Schema.TaggedStruct("Unreadable", { problem: Schema.String }),
  Schema.TaggedStruct("Malformed", { problem: Schema.String }),
  Schema.TaggedStruct("NewerFormat", { format: Schema.String }),
  Schema.TaggedStruct("Inconsistent", { problem: Schema.String })
])

/**
 * What {@link ManifestProblem} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type ManifestProblem = typeof ManifestProblem.Type

/**
 * One manifest and its files. All is well where there is no `problem` and `differences` is empty.
 *
 * @since 0.1.0
 * @category models
 */
export const VerifiedExport = Schema.Struct({
  /** Key. */
  manifest: Schema.String,
  /** Of the manifest, for people. */
  location: Schema.String,
  problem: Schema.optionalKey(ManifestProblem),
  entityType: Schema.optionalKey(EntityType),
  exportId: Schema.optionalKey(ExportId),
  /** Files that it names. */
  files: Schema.Int,
  /** Bytes that it names. */
  bytes: Schema.Finite,
  differences: Schema.Array(Schema.Struct({ name: Schema.String, location: Schema.String, difference: Difference }))
})

/**
 * What {@link VerifiedExport} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type VerifiedExport = typeof VerifiedExport.Type

/**
 * What was found in a target: `exports` has one member for each manifest.
 *
 * @since 0.1.0
 * @category models
 */
export const Verification = Schema.Struct({
  /** `sizes`: that every file is there and has its size, no more. */
  proved: Schema.Literals(["content", "sizes"]),
  exports: Schema.Array(VerifiedExport),
  /** What no manifest names: of runs that are not finished, or of others. No difference. */
  unnamed: Schema.Array(Schema.Struct({ key: Schema.String, size: Schema.Finite, partial: Schema.Boolean }))
})

/**
 * What {@link Verification} decodes to.
 *
 * @since 0.1.0
 * @category models
 */
export type Verification = typeof Verification.Type

/**
 * What to look at, and how closely. Default: everything, byte for byte.
 *
 * @since 0.1.0
 * @category models
 */
export interface VerifyOptions {
  /** Only this one. Default: all that are found. */
  readonly manifest?: ObjectKey
  /** Only whether files are there and have their sizes. */
  readonly quick?: boolean
  /** Parts that are read at the same time. Default 8. */
  readonly concurrency?: number
  /** How many bytes were read, and how many all manifests name. Where something differs more are read, to say what. */
  readonly onProgress?: (read: number, total: number) => Effect.Effect<void>
}

/**
 * Reads what the manifests of a target name. A difference is no failure but part of the result; fails with a
 * `SinkError` only if the target cannot be listed.
 *
 * @example
 * ```ts
 * import { Verification } from "@longshore/core"
 * import { FsSink } from "@longshore/sink-fs"
 * import { Effect } from "effect"
 *
 * const program = Verification.verify().pipe(Effect.provide(FsSink.layer({ directory: "./data" })))
 * const { exports } = await Effect.runPromise(program)
 * for (const { differences } of exports) {
 *   for (const { difference, location } of differences) console.log(location, difference)
 * }
 * exports.filter(({ problem }) => problem !== undefined) // => []
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const verify = Effect.fn("Verification.verify")(function* (
  options: VerifyOptions = {}
): Effect.fn.Return<Verification, SinkError, ObjectSink> {
  const sink = yield* ObjectSink
  const { concurrency = 8, onProgress = () => Effect.void, quick = false } = options
  const folder = options.manifest === undefined ? "" : folderOf(options.manifest)
  const listed = (yield* sink.list).filter(({ key }) => key.startsWith(folder))
  const keys = options.manifest === undefined ? listed.flatMap(manifestKey) : [options.manifest]
  const named = new Set<string>(keys)
  const manifests = yield* Effect.forEach(
    keys,
    (key) => Effect.map(Effect.result(readManifest(key)), (manifest) => ({ key, manifest })),
    { concurrency }
  )
  const total = manifests.reduce(
    (sum, { manifest }) => sum + (manifest._tag === "Success" ? manifest.success.size : 0),
    0
  )
  let read = 0
  const onBytes = (bytes: number) => onProgress((read += bytes), total)
  const check = yield* FileCheck.make({ concurrency, onBytes, quick })

  const exports = yield* Effect.forEach(
    manifests,
    Effect.fnUntraced(function* ({ key, manifest: found }): Effect.fn.Return<VerifiedExport> {
      const place = { manifest: key, location: sink.locate(key) }
      if (found._tag === "Failure") return { ...place, problem: found.failure, files: 0, bytes: 0, differences: [] }
      const manifest = found.success
      const { files, problem } = consistent(manifest, folderOf(key))
      const differences = yield* Effect.forEach(
        files,
        (file) => {
          named.add(file.key)
          const told = (difference: Difference | undefined) =>
            difference === undefined ? [] : [{ name: file.name, location: sink.locate(file.key), difference }]
          return Effect.map(check(file, files), told)
        },
        { concurrency }
      )
      return {
        ...place,
        ...(problem === undefined ? {} : { problem }),
        entityType: manifest.entityType,
        exportId: manifest.exportId,
        files: manifest.files.length,
        bytes: manifest.files.reduce((sum, { size }) => sum + size, 0),
        differences: differences.flat()
      }
    })
  )
  return {
    proved: quick ? "sizes" : "content",
    exports,
    unnamed: listed.filter(({ key }) => !named.has(key))
  }
})

const isKey = Schema.is(ObjectKey)

/** With its slash; nothing at the root. */
const folderOf = (key: ObjectKey): string => key.slice(0, key.lastIndexOf("/") + 1)

const manifestKey = ({ key }: ListedObject): ReadonlyArray<ObjectKey> =>
  isKey(key) && key.slice(key.lastIndexOf("/") + 1) === "manifest.json" ? [key] : []

/** Bytes. One of a million files is smaller. */
const maxManifest = 512 * 1024 * 1024

const Format = Schema.fromJsonString(Schema.Struct({ format: Schema.String }))

const readManifest = Effect.fnUntraced(function* (
  key: ObjectKey
): Effect.fn.Return<Manifest.Manifest, ManifestProblem, ObjectSink> {
  const sink = yield* ObjectSink
  const unreadable = ({ problem, reason }: SinkError): ManifestProblem => ({
    _tag: reason === "InvalidKey" ? "NotAFile" : "Unreadable",
    problem
  })
  const stored = yield* Effect.mapError(sink.stat(key), unreadable)
  if (Option.isNone(stored)) return yield* Effect.fail<ManifestProblem>({ _tag: "Missing" })
  const { size } = stored.value
  if (size === undefined) {
    return yield* Effect.fail<ManifestProblem>({ _tag: "Unreadable", problem: "the target cannot tell its size" })
  }
  const malformed = (problem: string) => Effect.fail<ManifestProblem>({ _tag: "Malformed", problem })
  if (size > maxManifest) return yield* malformed(`it has ${size} bytes, more than any manifest`)
  const text = yield* sink.read(key, { offset: 0, length: size }).pipe(
    // What is left of the array is used again by others.
    Stream.map((chunk) => chunk.slice()),
    Stream.decodeText(),
    Stream.mkString,
    Effect.mapError(unreadable)
  )
  const format = Option.getOrUndefined(Schema.decodeUnknownOption(Format)(text))?.format
  if (format === undefined) {
    return yield* malformed("it is not the JSON of a manifest; perhaps it was cut short, or it is another program's")
  }
  if (/^longshore-manifest\/(?!1$)\d+$/.test(format)) {
    return yield* Effect.fail<ManifestProblem>({ _tag: "NewerFormat", format })
  }
  return yield* Manifest.decode(text).pipe(
    Effect.catch(() => malformed("fields of a manifest are missing in it, or are of another kind"))
  )
})

/** What a manifest says of its files, and where it contradicts itself. */
const consistent = (manifest: Manifest.Manifest, folder: string) => {
  const problems: Array<string> = []
  const names = new Set<string>()
  const files = manifest.files.flatMap((file): ReadonlyArray<FileCheck.Expected> => {
    const { crc32, name, size, parts: cut } = file
    const key = `${folder}${name}`
    if (!isKey(key) || name.includes("/")) problems.push("a name in it is not one of a file beside it")
    else if (names.has(name)) problems.push(`it names ${name} twice`)
    else if (!/^[0-9a-f]{8}$/.test(crc32) || !Number.isInteger(size) || size < 0) {
      problems.push(`size or CRC-32 of ${name} are not such`)
    } else {
      names.add(name)
      if (cut === undefined || sum(cut, size) === crc32) return [{ ...file, key }]
      problems.push(`the checksums of the parts of ${name} do not add up to that of the file`)
      return [{ name, size, crc32, etag: file.etag, key }]
    }
    return []
  })
  const total = manifest.files.reduce((sum, { size }) => sum + size, 0)
  if (total !== manifest.size) problems.push(`its files have ${total} bytes, and it says ${manifest.size}`)
  const problem: ManifestProblem | undefined =
    problems.length === 0 ? undefined : { _tag: "Inconsistent", problem: problems.join("; ") }
  return { files, problem }
}

const sum = (cut: Manifest.FileParts, size: number): string | undefined => {
  const checksums = cut.crc32.split(" ")
  if (Math.ceil(size / cut.size) !== checksums.length) return undefined
  return Crc32.toHex(
    parts({ size, partSize: cut.size }).reduce(
      (crc, { length }, i) => Crc32.combine(crc, Number.parseInt(checksums[i] ?? "", 16), length),
      0
    )
  )
}
