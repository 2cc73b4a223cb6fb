/**
 * @since 0.1.0
 */
export * as FileJournal from "./FileJournal.ts"

/**
 * @since 0.1.0
 */
export * as Processes from "./Processes.ts"
