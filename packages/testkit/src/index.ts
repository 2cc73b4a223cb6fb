/**
 * @since 0.1.0
 */
export * as CrashingDisk from "./CrashingDisk.ts"
export * as JournalSuite from "./JournalSuite.ts"
export * as MemorySink from "./MemorySink.ts"
export * as SinkSuite from "./SinkSuite.ts"
export * as SourceSuite from "./SourceSuite.ts"
