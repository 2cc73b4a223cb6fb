/**
 * MD5, for one purpose: a host may send `Content-MD5` along with a file, and then what arrived is compared with it. It
 * guards against accidents on the way, not against an adversary.
 *
 * Core brings none, and then the header is not looked at. On Node.js provide the one of `node:crypto`
 * (`@longshore/source-node` does so by itself):
 *
 * ```ts
 * import { Md5 } from "@longshore/core"
 * import { Layer } from "effect"
 * import { createHash } from "node:crypto"
 *
 * export const layer = Layer.succeed(Md5.Md5, () => createHash("md5"))
 * ```
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
  readonly update: (bytes: Uint8Array) => unknown
  readonly digest: (encoding: "base64") => string
}

/**
 * @since 0.1.0
 * @category services
 */
export const Md5 = Context.Reference<(() => Hasher) | undefined>("@longshore/core/Md5", {
  defaultValue: () => undefined
})
