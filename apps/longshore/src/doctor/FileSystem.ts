/** On what kind of file system a folder is, where that limits what it promises, and how much room is left. */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs/promises"

export interface Kind {
  readonly name: string
  /** What it does not promise. */
  readonly caveat: string
}

const share = "fsync, rename and locks promise only what the share's server keeps"

/** By the magic numbers of statfs(2), on Linux. */
const kinds: ReadonlyMap<number, Kind> = new Map(
  (
    [
      ["NFS", share, 0x6969],
      ["CIFS/SMB", share, 0xff534d42],
      ["CIFS/SMB", share, 0xfe534d42],
      ["CIFS/SMB", share, 0x517b],
      ["9P", share, 0x01021997],
      ["AFS", share, 0x5346414f],
      ["Ceph", share, 0x00c36400],
      ["Lustre", share, 0x0bd00bd0],
      ["a share of VirtualBox", share, 0x786f4256],
      [
        "FUSE (sshfs, s3fs, rclone mount …)",
        "fsync, rename and locks promise only what the program behind it keeps",
        0x65735546
      ],
      ["memory (tmpfs)", "what is delivered there is gone when the machine restarts", 0x01021994],
      ["memory (ramfs)", "what is delivered there is gone when the machine restarts", 0x858458f6]
    ] as const
  ).map(([name, caveat, magic]) => [magic, { name, caveat }])
)

export const kindOf = (magic: number): Kind | undefined => kinds.get(magic)

/** `room`: bytes that this user can still write. Asked in the pool of threads: a share may never answer. */
export const look = (path: string): Effect.Effect<{ readonly kind: Kind | undefined; readonly room: number }> =>
  Effect.promise(() =>
    Fs.statfs(path).then(
      ({ bavail, bsize, type }) => ({
        kind: process.platform === "linux" ? kindOf(type) : undefined,
        room: bavail * bsize
      }),
      () => ({ kind: undefined, room: 0 })
    )
  )
