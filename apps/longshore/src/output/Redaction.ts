/** The last door before a terminal or a log: errors are made so that they hold no secret; this is for what slips through. */

/** Turns text into text that may be shown. */
export type Redaction = (text: string) => string

/** Values in signed links of blob stores and of clouds, also when they are percent-encoded inside another address. */
const signed =
  /((?:[?&;]|%3F|%26)(?:amp;)?(?:sig|se|sp|sv|skoid|X-Amz-[A-Za-z-]+|X-Goog-[A-Za-z-]+)(?:=|%3D))[^&\s"'<>]*/gi

/** Name and password in an address. */
const credentials = /(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi

/** A token as Mews writes them, wherever it was put by mistake. */
const token = /\b[0-9a-f]{32}-[0-9a-f]{31}\b/gi

/** What others wrote must not steer the terminal: all controls but tabs and line feeds, and marks of direction. */
const steering = /[^\P{Cc}\t\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu

/** As it is, and as JSON, addresses and headers write it. */
const spellings = (secret: string): ReadonlyArray<string> => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret),
  Buffer.from(secret).toString("base64"),
  Buffer.from(secret).toString("base64url")
]

/**
 * Values as JSON, every text in them redacted. Redacting the text of the JSON instead could cut through its quotes.
 */
export const stringify =
  (redact: Redaction) =>
  (value: unknown): string =>
    JSON.stringify(value, (_, part: unknown) => (typeof part === "string" ? redact(part) : part))

/** Without the given secrets and the environment's tokens, without signed links, without what steers a terminal. */
export const make = (secrets: ReadonlyArray<string> = []): Redaction => {
  const { LONGSHORE_ACCESS_TOKEN = "", LONGSHORE_CLIENT_TOKEN = "", LONGSHORE_CLUSTER_TOKEN = "" } = process.env
  const inEnvironment = [LONGSHORE_ACCESS_TOKEN, LONGSHORE_CLIENT_TOKEN, LONGSHORE_CLUSTER_TOKEN]
  const all = [...secrets, ...inEnvironment.map((secret) => secret.trim())]
  // A very short "secret" would tear words apart and is none.
  const known = [...new Set(all.filter((secret) => secret.length >= 4).flatMap(spellings))].sort(
    (a, b) => b.length - a.length
  )
  return (text) =>
    known
      .reduce((clean, secret) => clean.replaceAll(secret, "<redacted>"), text)
      .replace(signed, "$1<redacted>")
      .replace(credentials, "<redacted>@")
      .replace(token, "<redacted>")
      .replace(steering, "")
}
