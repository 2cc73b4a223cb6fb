/**
 * @since 0.1.0
 */
export * as Fault from "./Fault.ts"
export * as Rows from "./Rows.ts"
export * as Simulator from "./Simulator.ts"
export * as SimulatorHttpClient from "./SimulatorHttpClient.ts"
export * as SimulatorServer from "./SimulatorServer.ts"
