/**
 * A sink that keeps objects in a bucket of S3, or of a server that speaks it.
 *
 * @since 0.1.0
 */
export * as S3Sink from "./S3Sink.ts"
