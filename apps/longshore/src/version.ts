declare const LONGSHORE_VERSION: string | undefined

/** The package's version, put in by the build. */
export const version = typeof LONGSHORE_VERSION === "string" ? LONGSHORE_VERSION : "0.0.0"
