/**
 * The `Source` of Node.js: ranged GETs on sockets, from the kernel into buffers that are used again.
 *
 * @since 0.1.0
 */
export * as NodeSource from "./NodeSource.ts"
