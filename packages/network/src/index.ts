/**
 * Agents of `node:http` and `node:https` that go by way of a proxy where there is one.
 *
 * @since 0.1.0
 */
export * as Agents from "./Agents.ts"

/**
 * Errors about certificates that say whose it was and who issued it.
 *
 * @since 0.1.0
 */
export * as Certificates from "./Certificates.ts"

/**
 * Which proxy leads to an address, as the environment says.
 *
 * @since 0.1.0
 */
export * as Proxies from "./Proxies.ts"

/**
 * Connections by way of a proxy.
 *
 * @since 0.1.0
 */
export * as Tunnel from "./Tunnel.ts"
