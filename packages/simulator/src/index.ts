/**
 * What can go wrong, as values.
 *
 * @since 0.1.0
 */
export * as Fault from "./Fault.ts"

/**
 * The content of exported files.
 *
 * @since 0.1.0
 */
export * as Rows from "./Rows.ts"

/**
 * The Connector API's exports and the host of their files, without sockets.
 *
 * @since 0.1.0
 */
export * as Simulator from "./Simulator.ts"

/**
 * The simulator as an `HttpClient` in memory.
 *
 * @since 0.1.0
 */
export * as SimulatorHttpClient from "./SimulatorHttpClient.ts"

/**
 * The simulator on loopback, over HTTP or HTTPS.
 *
 * @since 0.1.0
 */
export * as SimulatorServer from "./SimulatorServer.ts"

/**
 * Whether those who asked kept to an account's limits.
 *
 * @since 0.1.0
 */
export * as Witness from "./Witness.ts"
