/** Where files go: `--to`, as people write it. A new sink's addresses are taught here. */
import type { ObjectKey } from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { UsageError } from "../output/Problem.ts"
import type { Settings } from "../settings/Settings.ts"

/** `text` names the target in a run's identity: the same place has the same text, from wherever the command is run. */
export type Target =
  | { readonly _tag: "Folder"; readonly directory: string; readonly text: string }
  | { readonly _tag: "Stdout"; readonly text: string }
  | {
      readonly _tag: "S3"
      readonly bucket: string
      readonly prefix: string
      readonly endpoint: string | undefined
      readonly region: string | undefined
      readonly profile: string | undefined
      readonly text: string
    }

/** What only an address in S3 takes. */
export interface S3Settings {
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  readonly profile?: string | undefined
}

/** What the settings say, or this in place of `--to`. */
export const ofSettings = Effect.fnUntraced(function* (
  settings: Settings,
  to: string | undefined = settings.get("to")
): Effect.fn.Return<Target, UsageError> {
  if (to === undefined) {
    return yield* new UsageError({
      problem: "There is no target.",
      nextStep: "Say where to with --to, LONGSHORE_TO or a settings file: a folder, s3://bucket/prefix, or -."
    })
  }
  const target = yield* parse(to, {
    endpoint: settings.get("endpoint"),
    region: settings.get("region"),
    profile: settings.get("profile")
  })
  for (const name of ["endpoint", "region", "profile"] as const) {
    if (target._tag !== "S3" && settings.resolved(name).origin.level === "flag") {
      return yield* refused(`--${name} is for s3:// targets, and --to ${to} is none.`)
    }
  }
  return target
})

const refused = (problem: string) =>
  Effect.fail(
    new UsageError({
      problem,
      nextStep: "Name a folder (./data or file:///srv/data), a bucket (s3://bucket/prefix), or - for stdout."
    })
  )

/** A path, a `file:` URL, `s3://bucket/prefix`, or `-` for stdout. */
export const parse = (to: string, flags: S3Settings = {}): Effect.Effect<Target, UsageError> => {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(to)?.[1]?.toLowerCase()
  if (scheme === "s3") return s3(to, flags)
  if (to === "-") return Effect.succeed({ _tag: "Stdout", text: "-" })
  if (to.trim() === "") return refused("--to is empty.")
  // One letter is a drive of Windows.
  if (scheme === undefined) return Effect.succeed(folder(to))
  if (scheme !== "file") {
    return to.includes("://")
      ? refused(`--to ${scheme}://… is not a target that this version knows.`)
      : Effect.succeed(folder(to))
  }
  return Effect.try({ try: () => folder(fileURLToPath(to)), catch: () => undefined }).pipe(
    Effect.catch(() => refused(`--to ${to} is not a file URL of this machine, such as file:///srv/data.`))
  )
}

const folder = (path: string): Target => {
  const directory = Path.resolve(path)
  return { _tag: "Folder", directory, text: directory }
}

/** Where a run of this target's text went, as `--to` and `--endpoint` say it. */
export const spoken = (text: string): { readonly to: string; readonly endpoint?: string } => {
  const [, to, endpoint] = /^(s3:\/\/\S+) at (\S+)$/.exec(text) ?? []
  return to === undefined || endpoint === undefined ? { to: text } : { to, endpoint }
}

const s3 = Effect.fnUntraced(function* (to: string, flags: S3Settings): Effect.fn.Return<Storage, UsageError> {
  const [, bucket = "", rest = ""] = /^s3:\/\/([^/]*)\/?(.*)$/i.exec(to) ?? []
  const prefix = rest.replace(/\/+$/, "")
  // The rules of buckets, with the upper case and the underscores of old ones.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/.test(bucket)) {
    return yield* refused(`--to ${to} names no bucket, as s3://bucket/prefix does.`)
  }
  if (!/^$|^[A-Za-z0-9_=-][A-Za-z0-9._=-]*(\/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*$/.test(prefix)) {
    return yield* refused(
      `The prefix "${prefix}" is not made of letters, digits, '.', '_', '=' and '-', in segments joined by '/' that do not begin with a dot.`
    )
  }
  const url = flags.endpoint === undefined ? undefined : URL.parse(flags.endpoint)
  if (url === null || (url !== undefined && !/^https?:$/.test(url.protocol))) {
    return yield* refused("--endpoint (or AWS_ENDPOINT_URL) is not an address such as https://s3.example.com.")
  }
  // With its path, as some servers have one; never with what else an address can hold.
  const server = url === undefined ? undefined : `${url.origin}${url.pathname.replace(/\/+$/, "")}`
  const place = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`
  return {
    _tag: "S3",
    bucket,
    prefix,
    endpoint: server,
    region: flags.region,
    profile: flags.profile,
    // Buckets of one name on two servers are two places.
    text: server === undefined ? place : `${place} at ${server}`
  }
})

/** What stays where it is delivered, and can have folders. */
export type Storage = Exclude<Target, { _tag: "Stdout" }>

/** The place below a target that a path of `ObjectKey`'s segments names. */
export const below = (target: Storage, path: ObjectKey): Effect.Effect<Storage, UsageError> => {
  if (target._tag === "Folder") {
    const directory = Path.join(target.directory, path)
    return Effect.succeed({ _tag: "Folder", directory, text: directory })
  }
  const prefix = target.prefix === "" ? path : `${target.prefix}/${path}`
  return s3(`s3://${target.bucket}/${prefix}`, target)
}

/** The other way round: the path of a place below a target, from its text. */
export const pathWithin = (target: Storage, text: string): string | undefined => {
  if (target._tag === "Folder") {
    return Path.relative(target.directory, text).replaceAll(Path.sep, "/")
  }
  const { endpoint, to } = spoken(text)
  const base = spoken(target.text)
  return endpoint === base.endpoint && to.startsWith(`${base.to}/`) ? to.slice(base.to.length + 1) : undefined
}

/** Whether what is delivered there stays there. */
export const isDurable = (target: Target): boolean => target._tag !== "Stdout"

/** Whether a run's target is the one that a person names without saying on which server. */
export const isNamed = (target: Target, text: string): boolean =>
  text === target.text || (target._tag === "S3" && text.startsWith(`${target.text} at `))
