/**
 * A sink that writes to a pipe: whole parts, in order, and nothing but data.
 *
 * @since 0.1.0
 */
export * as StdoutSink from "./StdoutSink.ts"
