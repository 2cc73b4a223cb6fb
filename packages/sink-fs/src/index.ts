/**
 * @since 0.1.0
 */
export * as FsSink from "./FsSink.ts"
