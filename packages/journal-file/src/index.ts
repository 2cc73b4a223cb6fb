/**
 * @since 0.1.0
 */
export * as FileJournal from "./FileJournal.ts"
