/**
 * @since 0.1.0
 */
export * as NodeSource from "./NodeSource.ts"
