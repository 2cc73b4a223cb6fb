/**
 * A disk in memory that loses at a power cut what was not synced.
 *
 * @since 0.1.0
 */
export * as CrashingDisk from "./CrashingDisk.ts"

/**
 * The conformance suite of journals.
 *
 * @since 0.1.0
 */
export * as JournalSuite from "./JournalSuite.ts"

/**
 * A sink that keeps objects in memory: for tests of programs, and the model of a new sink.
 *
 * @since 0.1.0
 */
export * as MemorySink from "./MemorySink.ts"

/**
 * The conformance suite of sinks.
 *
 * @since 0.1.0
 */
export * as SinkSuite from "./SinkSuite.ts"

/**
 * The conformance suite of sources, and a host that answers as told.
 *
 * @since 0.1.0
 */
export * as SourceSuite from "./SourceSuite.ts"
