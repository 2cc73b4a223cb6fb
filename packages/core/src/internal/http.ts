/** What the API and the file host have in common on the wire. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as Option from "effect/Option"
import * as ConnectError from "../ConnectError.ts"

/**
 * `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3), by the clock of the one who sent it where
 * it tells (`Date`), as ours may be wrong. Missing, unreadable or in the past: `undefined`.
 */
export const retryAfter = Effect.fnUntraced(function* (headers: { readonly [name: string]: string | undefined }) {
  const text = headers["retry-after"]?.trim()
  if (text === undefined) return undefined
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000
  const sent = date(headers["date"])
  const after = date(text) - (Number.isNaN(sent) ? yield* Clock.currentTimeMillis : sent)
  return after > 0 ? after : undefined
})

const date = (text = ""): number => (/[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN)

/** The ways in which an answer may repeat a secret: as it is, and as addresses and headers write it. */
const spellings = (secret: string): ReadonlyArray<string> => [
  secret,
  encodeURIComponent(secret),
  Base64.encode(secret),
  Base64Url.encode(secret)
]

/** Without the escapes of JSON, whichever characters its writer escapes. */
const unescaped = (text: string): string =>
  text
    .replace(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/\\(.)/g, "$1")

/** Whether a text in JSON repeats one of these secrets. */
export const repeats = (text: string, secrets: ReadonlyArray<string>): boolean => {
  const plain = unescaped(text)
  return secrets.flatMap(spellings).some((spelling) => plain.includes(spelling))
}

/** Controls, marks that turn the direction of writing, halves of characters: they steer terminals, or break them. */
const steering = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Addresses with a query or with credentials. */
const link = /https?:\/\/[^\s?#@]*[?#@]\S*/gi

/** No word of a message, and as long as signatures and tokens are, however they are written. An id has 36. */
const opaque = /[\w.~+/%=-]{40,}/g

/**
 * What the other side said, fit to be shown, kept and passed on: on one line, of a bounded length, without these secrets
 * and without anything that looks like a secret.
 */
export const quote = (text: string, secrets: ReadonlyArray<string>): string =>
  secrets
    .flatMap(spellings)
    // Errors wrap errors: JSON in JSON.
    .reduce((clean, spelling) => clean.replaceAll(spelling, "<token>"), unescaped(unescaped(text)))
    .replace(/\s+/g, " ")
    .replace(steering, "")
    .replace(link, "<link>")
    .replace(opaque, "<redacted>")
    .slice(0, 500)

/**
 * Redirects come back as answers, and are followed by rules of ours or not at all: `fetch` would follow them itself, and
 * repeat a body of tokens at any host that a 307 names.
 */
export const redirectsAsAnswers = (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  HttpClient.transformResponse(client, (effect) =>
    Effect.flatMap(Effect.serviceOption(FetchHttpClient.RequestInit), (init) =>
      Effect.provideService(effect, FetchHttpClient.RequestInit, {
        ...Option.getOrUndefined(init),
        redirect: "manual"
      })
    )
  )

/** The error itself holds the request, tokens and link included: only what is known about the connection goes on. */
const found = (error: HttpClientError.HttpClientError) =>
  ConnectError.find("cause" in error.reason ? error.reason.cause : undefined)

export const transportProblem = (error: HttpClientError.HttpClientError): string => {
  const known = found(error)
  return typeof known === "object" ? known.problem : ConnectError.describe(known)
}

/** Whether it is certain that the request did not reach the other side. */
export const wasNotSent = (error: HttpClientError.HttpClientError): boolean => {
  if (error.reason._tag === "InvalidUrlError" || error.reason._tag === "EncodeError") return true
  const known = found(error)
  return error.reason._tag === "TransportError" && (typeof known === "object" || ConnectError.isUnconnected(known))
}

/** Whether a person has to correct something before it can succeed. */
export const isPermanent = (error: HttpClientError.HttpClientError): boolean => {
  const known = found(error)
  return typeof known === "object" && known.permanent
}
