/**
 * MD5, for one purpose: a host may send `Content-MD5` along with a file, and then what arrived is compared with it. It
 * guards against accidents on the way, not against an adversary.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * A digest that is fed piece by piece. `digest` gives Base64 and ends it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Hasher {
  /** Takes the next bytes. What it gives back is not used. */
  readonly update: (bytes: Uint8Array) => unknown
  /** The digest of all bytes, once. */
  readonly digest: (encoding: "base64") => string
}

/**
 * Makes a {@link Hasher}, where the platform brings one. Core brings none, and then the header is not looked at;
 * `@longshore/source-node` brings the one of Node.js.
 *
 * @example On Node.js
 * ```ts
 * import { HttpSource, Md5 } from "@longshore/core"
 * import { Layer } from "effect"
 * import { createHash } from "node:crypto"
 *
 * // Needs HttpClient.
 * const source = HttpSource.layer.pipe(Layer.provide(Layer.succeed(Md5.Md5, () => createHash("md5"))))
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export const Md5 = Context.Reference<(() => Hasher) | undefined>("@longshore/core/Md5", {
  defaultValue: () => undefined
})
