/** A file behind stdout. Node.js gives it a chunk with one call, and takes no notice of a disk that took half of it. */
import { fstatSync, write } from "node:fs"
import { Writable } from "node:stream"

export const isFile = (fd: number): boolean => fstatSync(fd).isFile()

export const fileOf = (fd: number): Writable =>
  new Writable({
    write: (chunk: Uint8Array, _, done) => {
      const from = (offset: number): void =>
        write(fd, chunk, offset, (error, taken) => {
          if (error) done(error)
          else if (offset + taken < chunk.length) from(offset + taken)
          else done()
        })
      from(0)
    }
  })
