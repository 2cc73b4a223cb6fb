/**
 * @since 0.1.0
 */
export * as StdoutSink from "./StdoutSink.ts"
