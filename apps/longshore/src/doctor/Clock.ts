/** Whether this machine's clock is right, by what servers say in the `Date` of their answers. */
import * as Finding from "./Finding.ts"
import * as ExitCode from "../output/ExitCode.ts"

/** Milliseconds since 1970: the server's clock in an answer, and ours when it was asked for and when it came. */
export interface Reading {
  readonly server: string
  readonly date: number
  readonly sent: number
  readonly received: number
}

const tolerated = 30_000
const harmful = 5 * 60_000

/**
 * By how much ours is ahead, and how sure that is: the server wrote its time somewhere on the way there and back, and
 * leaves out the fraction of a second.
 */
const skew = ({ date, received, sent }: Reading) => ({
  ahead: (sent + received) / 2 - (date + 500),
  uncertainty: (received - sent) / 2 + 500
})

export const check = (readings: ReadonlyArray<Reading>): Finding.Finding => {
  const measured = readings
    .map((reading) => {
      const { ahead, uncertainty } = skew(reading)
      return { server: reading.server, ahead, atLeast: Math.max(0, Math.abs(ahead) - uncertainty), uncertainty }
    })
    .sort((a, b) => b.atLeast - a.atLeast)
  const [worst] = measured
  if (worst === undefined) return Finding.skipped("clock", "no server told the time")
  if (worst.atLeast <= tolerated) {
    const bound = Math.ceil((Math.abs(worst.ahead) + worst.uncertainty) / 1000)
    return Finding.ok("clock", `within ${bound} s of that of ${measured.map(({ server }) => server).join(" and ")}`)
  }
  const found = `this machine's clock is ${inWords(Math.abs(worst.ahead))} ${worst.ahead > 0 ? "ahead of" : "behind"} that of ${worst.server} (give or take ${inWords(worst.uncertainty)})`
  const nextStep = "Set the clock, and keep it set by NTP (timedatectl set-ntp true)."
  return worst.atLeast <= harmful
    ? Finding.warning("clock", found, nextStep)
    : Finding.failed(
        "clock",
        ExitCode.config,
        `${found}: times of filters and of links are wrong by that, and S3 refuses from 15 min on`,
        nextStep
      )
}

const inWords = (millis: number): string => {
  const seconds = Math.round(millis / 1000)
  if (seconds < 120) return `${Math.max(1, seconds)} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
