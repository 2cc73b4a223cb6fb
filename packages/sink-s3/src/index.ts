/**
 * @since 0.1.0
 */
export * as S3Sink from "./S3Sink.ts"
