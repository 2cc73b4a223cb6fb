/**
 * The `Source` of Node.js: ranged GETs on sockets, from the kernel into buffers that are used again, with connections that
 * are kept alive. It needs a fraction of the work of an HTTP client, because it does a fraction of it: HTTP/1.1, an answer
 * with a length, no coding, no redirect; also by way of a proxy. Whatever else a host answers goes to core's portable
 * `HttpSource`, which judges answers by the same rules.
 *
 * Arrays are lent: one is valid until the next is asked for.
 *
 * @since 0.1.0
 */
import * as Crc32 from "@longshore/core/Crc32"
import type { SourceError } from "@longshore/core/ExportError"
import * as HttpSource from "@longshore/core/HttpSource"
import * as Md5 from "@longshore/core/Md5"
import * as Source from "@longshore/core/Source"
import * as SourceResponse from "@longshore/core/SourceResponse"
import * as Proxies from "@longshore/network/Proxies"
import * as Tunnel from "@longshore/network/Tunnel"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import type * as tls from "node:tls"
import { crc32 } from "node:zlib"
import type { Failure } from "./internal/connection.ts"
import type { PlainHead } from "./internal/head.ts"
import { Pool, type Pooled } from "./internal/pool.ts"

/**
 * How file hosts are trusted and reached.
 *
 * @since 0.1.0
 * @category models
 */
export interface NodeSourceOptions {
  /**
   * How to trust a file host, as `node:tls` has it, such as `ca`. Default: the certificates that Node.js trusts, which
   * `NODE_EXTRA_CA_CERTS` and `NODE_USE_SYSTEM_CA` add to. It counts for the fast path alone: give the client the same.
   */
  readonly tls?: Pick<tls.ConnectionOptions, "ca" | "cert" | "key" | "minVersion" | "rejectUnauthorized">
  /** Variables that name proxies, read by the rule of `@longshore/network`; `{}` for none. Default: `process.env`. */
  readonly env?: { readonly [name: string]: string | undefined }
}

/**
 * The source for a program on Node.js: take it instead of core's `HttpSource`, which runs anywhere, and halve the time and the
 * processor's work of a transfer. Also brings the `Crc32` of `node:zlib` to whatever it is provided to.
 *
 * The client is for what the fast path does not do: chunks, redirects, interim answers, another version of HTTP. An
 * origin that answered so once is left to the client from then on. Let it go by the same proxies, as in the example.
 *
 * Connections belong to the layer. One that has done its work is kept for 15 seconds, and all are closed with the layer's scope.
 * Attempts fail with a `SourceError`, with the same reasons as those of `HttpSource`, and are not tried again here: that is what
 * `Transfer` does.
 *
 * @example
 * ```ts
 * import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
 * import { Transfer } from "@longshore/core"
 * import { Agents } from "@longshore/network"
 * import { FsSink } from "@longshore/sink-fs"
 * import { NodeSource } from "@longshore/source-node"
 * import { Layer } from "effect"
 *
 * const agents = Layer.succeed(NodeHttpClient.HttpAgent, Agents.make({ keepAlive: true }))
 * const client = Layer.provide(NodeHttpClient.layerNodeHttpNoAgent, agents)
 *
 * const live = Transfer.layer({ concurrency: 8 }).pipe(
 *   Layer.provide(NodeSource.layer()),
 *   Layer.merge(FsSink.layer({ directory: "./data" })),
 *   Layer.provide(client)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: NodeSourceOptions = {}): Layer.Layer<Source.Source, never, HttpClient.HttpClient> =>
  Layer.merge(
    Layer.effect(Source.Source, make(options)),
    Layer.succeed(Crc32.Crc32, (bytes, seed) => crc32(bytes, seed))
  )

const make = Effect.fnUntraced(function* (options: NodeSourceOptions) {
  const md5 = (yield* Md5.Md5) ?? (() => createHash("md5"))
  const portable = yield* Effect.provideService(HttpSource.make, Md5.Md5, md5)
  const proxies = Proxies.fromEnv(options.env ?? process.env)
  const pool = yield* Effect.acquireRelease(
    Effect.sync(() => new Pool({ ...options.tls, ALPNProtocols: ["http/1.1"] }, proxies)),
    (pool) => Effect.sync(() => pool.close())
  )
  // Origins that answered something else once will do so again.
  const unsuited = new Set<string>()

  const suited = (link: Redacted.Redacted): URL | undefined => {
    const url = URL.parse(Redacted.value(link)) ?? undefined
    return url !== undefined &&
      (url.protocol === "http:" || url.protocol === "https:") &&
      url.username === "" &&
      !unsuited.has(url.origin)
      ? url
      : undefined
  }

  /** Asks, and gives the head and the connection that the body comes on. `undefined`: this is for a full client. */
  const get = Effect.fnUntraced(function* (
    url: URL,
    headers: Readonly<Record<string, string>>
  ): Effect.fn.Return<{ readonly head: PlainHead; readonly pooled: Pooled } | undefined, SourceError, Scope.Scope> {
    const text = requestText(url, headers, proxies.of(url))
    for (let fresh = false; ; fresh = true) {
      const pooled = yield* Effect.acquireRelease(
        Effect.sync(() => pool.take(url, fresh)),
        ({ connection }) => Effect.sync(() => pool.give(url, connection))
      )
      const head = yield* Effect.callback<PlainHead | Failure>((resume) => {
        pooled.connection.request(text, {
          onHead: (head) => resume(Effect.succeed(head)),
          onFailure: (failure) => resume(Effect.succeed(failure))
        })
        return Effect.sync(() => pooled.connection.destroy())
      })
      if (!("_tag" in head)) return { head, pooled }
      if (head._tag === "Unsuited") {
        unsuited.add(url.origin)
        return undefined
      }
      // The server may have closed the connection just when it was taken up again (RFC 9112, section 9.3.1).
      if (pooled.used && head.silent) continue
      return yield* SourceResponse.broken("did not answer", head.reason)
    }
  })

  const stream = (
    link: Redacted.Redacted,
    headers: Readonly<Record<string, string>>,
    check: (head: PlainHead) => Effect.Effect<void, SourceError>,
    length: number,
    otherwise: () => Stream.Stream<Uint8Array, SourceError>
  ): Stream.Stream<Uint8Array, SourceError> => {
    const url = suited(link)
    if (url === undefined) return otherwise()
    return Stream.unwrap(
      Effect.gen(function* () {
        const answer = yield* get(url, headers)
        if (answer === undefined) return otherwise()
        yield* Effect.tapError(check(answer.head), () => drain(answer))
        return body(answer, length, md5)
      })
    )
  }

  return Source.Source.of({
    probe: Effect.fnUntraced(function* (link) {
      const url = suited(link)
      const answer = url === undefined ? undefined : yield* get(url, SourceResponse.probeHeaders)
      if (answer === undefined) return yield* portable.probe(link)
      yield* drain(answer)
      return yield* SourceResponse.checkProbe(answer.head)
    }, Effect.scoped),
    part: (link, file, part) =>
      stream(
        link,
        SourceResponse.partHeaders(file, part),
        (head) => SourceResponse.checkPart(head, file, part),
        part.length,
        () => portable.part(link, file, part)
      ),
    whole: (link, file) =>
      stream(
        link,
        SourceResponse.wholeHeaders(file),
        (head) => SourceResponse.checkWhole(head, file),
        file.size,
        () => portable.whole(link, file)
      )
  })
})

const requestText = (url: URL, headers: Readonly<Record<string, string>>, proxy: Proxies.Proxy | undefined): string => {
  // A tunnel is as good as a line of one's own. Without one, the proxy has to be told where to.
  const told = url.protocol === "http:" ? proxy : undefined
  const target = `${told === undefined ? "" : url.origin}${url.pathname}${url.search}`
  const more = told === undefined ? {} : Tunnel.headers(told)
  const lines = Object.entries({ host: url.host, "user-agent": "longshore", ...headers, ...more })
  return `GET ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`
}

interface Answer {
  readonly head: PlainHead
  readonly pooled: Pooled
}

const read = ({ pooled: { connection } }: Answer): Effect.Effect<Uint8Array, SourceError | Cause.Done> =>
  Effect.callback((resume) => {
    connection.read({
      onBytes: (bytes) => resume(Effect.succeed(bytes)),
      onEnd: () => resume(Cause.done()),
      onFailure: (failure) =>
        resume(SourceResponse.broken("broke off", failure._tag === "Broken" ? failure.reason : undefined))
    })
    return Effect.sync(() => connection.destroy())
  })

/** A short body that nobody wants is read to its end, so that the connection can be used again. It is not waited for long. */
const drain = (answer: Answer): Effect.Effect<void> =>
  answer.head.length > 64 * 1024 ? Effect.void : Effect.ignore(Effect.timeout(Effect.forever(read(answer)), "1 second"))

/** Exactly `length` bytes, or an error. */
const body = (answer: Answer, length: number, md5: () => Md5.Hasher): Stream.Stream<Uint8Array, SourceError> =>
  Stream.fromPull(
    Effect.sync(() => {
      const check = SourceResponse.makeBodyCheck(answer.head, length, md5)
      return read(answer).pipe(
        Effect.flatMap((bytes) => Effect.as(check.take(bytes), [bytes] as const)),
        Effect.catchIf(Cause.isDone, () => Effect.andThen(check.end, Cause.done()))
      )
    })
  )
