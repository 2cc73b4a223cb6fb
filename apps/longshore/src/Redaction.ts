/** The last door before a terminal or a log: errors are made so that they hold no secret; this is for what slips through. */

/** Turns text into text that may be shown. */
export type Redaction = (text: string) => string

/** Values in signed links of blob stores and of clouds, also when they are percent-encoded inside another address. */
const signed =
  /((?:[?&;]|%3F|%26)(?:amp;)?(?:sig|se|sp|sv|skoid|X-Amz-[A-Za-z-]+|X-Goog-[A-Za-z-]+)(?:=|%3D))[^&\s"'<>]*/gi

// oxlint-disable-next-line no-control-regex -- what others wrote must not steer the terminal
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Without the given secrets, without signed links, without control characters. */
export const make = (secrets: ReadonlyArray<string> = []): Redaction => {
  // A very short "secret" would tear words apart and is none.
  const known = [...new Set(secrets)].filter((secret) => secret.length >= 4).sort((a, b) => b.length - a.length)
  return (text) => {
    const plain = known.reduce((clean, secret) => clean.replaceAll(secret, "<redacted>"), text)
    return plain.replace(signed, "$1<redacted>").replace(control, "")
  }
}
