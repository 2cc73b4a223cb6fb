/**
 * @since 0.1.0
 */
export * as Disk from "./Disk.ts"
