/**
 * A sink that keeps objects as files in a folder.
 *
 * @since 0.1.0
 */
export * as FsSink from "./FsSink.ts"
