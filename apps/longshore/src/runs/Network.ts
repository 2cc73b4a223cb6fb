/** The way to the API, to file hosts and to S3: which certificates are trusted, and which proxies lead there. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Agents from "@longshore/network/Agents"
import * as Proxies from "@longshore/network/Proxies"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { X509Certificate } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as tls from "node:tls"
import { ConfigError } from "../output/Problem.ts"
import type { Settings } from "../settings/Settings.ts"

/** Before anything is sent: trusts `--ca-file`, for the whole process, and refuses proxies that are none. */
export const prepare = Effect.fn("Network.prepare")(function* (
  settings: Settings
): Effect.fn.Return<void, ConfigError> {
  for (const { problem, variable } of Proxies.fromEnv(process.env).named) {
    if (problem === undefined) continue
    return yield* new ConfigError({ problem: `${problem}.`, nextStep: `Correct ${variable}, or unset it.` })
  }
  const { origin, text: path } = settings.resolved("ca-file")
  if (path === undefined) return
  const refused = (problem: string, nextStep: string) =>
    new ConfigError({ problem: `The certificates in ${path} (${origin.where}) ${problem}.`, nextStep })
  const pem = yield* Effect.tryPromise({
    try: () => Fs.readFile(path, "latin1"),
    catch: (cause) =>
      refused(
        `cannot be read (${cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"})`,
        "Correct the path, or make the file readable for this user."
      )
  })
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (certificates === null) {
    return yield* refused(
      "are none: nothing in that file begins with -----BEGIN CERTIFICATE-----",
      "Name a PEM file; openssl x509 -inform der -in FILE -out FILE.pem makes one of a binary one."
    )
  }
  yield* Effect.try({
    try: () => {
      for (const certificate of certificates) void new X509Certificate(certificate)
    },
    catch: () => refused("cannot be read: one of them is damaged", "Get the file anew from whoever gave it to you.")
  })
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), ...certificates])
})

/** The client for the API, and for answers of file hosts that the fast way does not read. */
export const client = (options: { readonly maxSockets: number }): Layer.Layer<HttpClient.HttpClient> =>
  NodeHttpClient.layerNodeHttpNoAgent.pipe(
    Layer.provide(
      Layer.effect(
        NodeHttpClient.HttpAgent,
        Effect.acquireRelease(
          Effect.sync(() => Agents.make({ keepAlive: true, ...options })),
          (agents) =>
            Effect.sync(() => {
              agents.http.destroy()
              agents.https.destroy()
            })
        )
      )
    )
  )
