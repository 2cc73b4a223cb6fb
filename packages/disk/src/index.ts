/**
 * What a sink and a journal ask of a disk, and the seam where tests put a worse one.
 *
 * @since 0.1.0
 */
export * as Disk from "./Disk.ts"
