/**
 * A journal in one file: JSON lines, one for each finished step.
 *
 * @since 0.1.0
 */
export * as FileJournal from "./FileJournal.ts"

/**
 * Which process this is, and whether another one is still at work.
 *
 * @since 0.1.0
 */
export * as Processes from "./Processes.ts"
