/** What a target has room for, and whether it can be written, without writing. */
import { SinkError } from "@longshore/core/ExportError"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import type { Target } from "./Target.ts"

export const Room = Schema.Struct({
  /** Bytes; `null`: not limited, or nobody says. */
  free: Schema.NullOr(Schema.Finite),
  /** `null`: only writing would tell. */
  writable: Schema.NullOr(Schema.Boolean),
  /** What is wrong with it. */
  problem: Schema.optionalKey(Schema.String)
})

export type Room = typeof Room.Type

/** Fails where nothing could be delivered to. */
export const of = (target: Target): Effect.Effect<Room, SinkError> =>
  target._tag === "Folder"
    ? inFolder(target.directory)
    : Effect.succeed({ free: null, writable: target._tag === "Stdout" ? true : null })

/** Of the folder, or of the nearest above it that is there: in that it would be made. */
const inFolder = Effect.fnUntraced(function* (folder: string): Effect.fn.Return<Room, SinkError> {
  const location = pathToFileURL(folder).href
  for (let at = folder; ; at = Path.dirname(at)) {
    const found = yield* Effect.tryPromise({
      try: async () => ({ isFolder: (await Fs.stat(at)).isDirectory(), room: await Fs.statfs(at) }),
      catch: (cause) => (cause instanceof Error && "code" in cause ? String(cause.code) : "unknown")
    }).pipe(
      Effect.catchIf(
        (code) => (code === "ENOENT" || code === "ENOTDIR") && at !== Path.dirname(at),
        () => Effect.undefined
      ),
      Effect.mapError(
        (code) =>
          new SinkError({ reason: "PermissionDenied", location, problem: `${at} cannot be looked at (${code})` })
      )
    )
    if (found === undefined) continue
    if (!found.isFolder) {
      return yield* new SinkError({
        reason: "InvalidKey",
        location,
        problem: at === folder ? "there is a file where the folder should be" : `${at} is a file, not a folder`
      })
    }
    const free = found.room.bavail * found.room.bsize
    return yield* Effect.promise(() =>
      Fs.access(at, Fs.constants.W_OK | Fs.constants.X_OK).then(
        (): Room => ({ free, writable: true }),
        (): Room => ({ free, writable: false, problem: `this user may not write into ${at}` })
      )
    )
  }
})
