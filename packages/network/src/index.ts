/**
 * @since 0.1.0
 */
export * as Agents from "./Agents.ts"
export * as Certificates from "./Certificates.ts"
export * as Proxies from "./Proxies.ts"
export * as Tunnel from "./Tunnel.ts"
