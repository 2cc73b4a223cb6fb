/** What the operating system said, in words. */
import { SinkError, type SinkReason } from "@longshore/core/ExportError"
import * as Effect from "effect/Effect"
import { pathToFileURL } from "node:url"
import type { DiskError } from "@longshore/disk/Disk"

const known: Record<string, readonly [SinkReason, string]> = {
  ENOSPC: ["NoSpace", "the disk is full"],
  EDQUOT: ["NoSpace", "this user's quota of the disk is used up"],
  EFBIG: ["NoSpace", "the file is larger than the file system allows"],
  EACCES: ["PermissionDenied", "this user may not read or write here"],
  EPERM: ["PermissionDenied", "this user may not read or write here"],
  EROFS: ["PermissionDenied", "the file system is read-only"],
  ENOTDIR: ["InvalidKey", "a part of the path is a file, not a folder"],
  EEXIST: ["InvalidKey", "there is something else in this place"],
  EISDIR: ["InvalidKey", "there is a folder in this place"],
  ELOOP: ["InvalidKey", "there is a link in this place, and links are not followed"],
  ENAMETOOLONG: ["InvalidKey", "the path is too long for this file system"],
  ENOENT: ["Conflict", "the file or its folder was removed by somebody else"],
  EMFILE: ["Unavailable", "too many files are open"],
  ENFILE: ["Unavailable", "too many files are open on this machine"],
  EIO: ["Unknown", "the disk reports an error; what was written last may be lost"]
}

/** A `SinkError` about a path. */
export const sinkError = (path: string, reason: SinkReason, problem: string): SinkError =>
  new SinkError({ reason, location: pathToFileURL(path).href, problem })

/** Gives the errors of a disk as errors of the sink, about a path. */
export const about =
  (path: string) =>
  <A, R>(effect: Effect.Effect<A, DiskError, R>): Effect.Effect<A, SinkError, R> =>
    Effect.mapError(effect, ({ code }) => {
      const [reason, words] = known[code] ?? ["Unknown", "the operating system refused"]
      return sinkError(path, reason, `${words} (${code})`)
    })
