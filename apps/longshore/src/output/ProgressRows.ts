/** The state of all runs as rows for a terminal of this size, and as one line for where there is none. */
import {
  bytesOf,
  bytesOfFile,
  duration,
  type FileProgress,
  files,
  name,
  type Progress,
  type RunProgress,
  size
} from "./Progress.ts"
import type { Piece, Row } from "./Row.ts"

/** From here on all about a run stands in one row. */
const wide = 150

/** How long nothing has come before that is worth a word. */
const silent = 10_000

/** Rows for a terminal with this many columns that can be written to, and rows. The first of them are the runs. */
export const rows = (progress: Progress, now: number, width: number, height: number): ReadonlyArray<Row> => {
  const { runs } = progress
  const column = Math.max(...runs.map(({ entityType }) => entityType.length))
  const heads = runs.map((run) => head(run, now, width, column))
  const room = height - heads.reduce((sum, rows) => sum + rows.length, 0)
  // A terminal too low for that shows the first row of each run, or of as many as it can.
  if (room < 0) return heads.flatMap((rows) => rows.slice(0, 1)).slice(0, height)
  const shares = share(
    room,
    runs.map((run) => (run.stage === "transferring" ? movingOf(run).length + 1 : 0))
  )
  return runs.flatMap((run, index) => [...(heads[index] ?? []), ...movingRows(run, shares[index] ?? 0, width)])
}

/** Everything about a run in one line. */
export const line = (run: RunProgress, now: number): string =>
  [
    run.entityType,
    stage(run, now),
    ...(run.stage === "transferring"
      ? [amount(bytesOf(run), run.totalBytes).trim(), pace(run, now), limits(run, now)]
      : [])
  ].join("  ")

/** Room for those who want it, dealt out one by one. */
const share = (room: number, wanted: ReadonlyArray<number>): ReadonlyArray<number> => {
  const given = wanted.map(() => 0)
  for (let left = room, before = -1; left > 0 && before !== left;) {
    before = left
    for (const [index, want] of wanted.entries()) {
      const has = given[index] ?? 0
      if (left === 0 || has >= want) continue
      given[index] = has + 1
      left -= 1
    }
  }
  return given
}

const head = (run: RunProgress, now: number, width: number, column: number): ReadonlyArray<Row> => {
  const title: Piece = { text: run.entityType.padEnd(column), style: "bold" }
  const state: Piece = {
    text: `  ${stage(run, now)}`,
    ...(run.stage === "failed" ? { style: "red" } : run.stage === "complete" ? { style: "green" } : {})
  }
  if (run.stage !== "transferring") return [[title, state]]
  const bytes = bytesOf(run)
  const total: Piece = { text: `  ${amount(bytes, run.totalBytes)}` }
  const bar = (cells: number): Row => gauge(fraction(bytes, run.totalBytes), cells)
  return width >= wide
    ? [
        [
          title,
          state,
          ...bar(Math.min(40, width - 134)),
          total,
          { text: `  ${pace(run, now).padEnd(22)}  ${limits(run, now)}` }
        ]
      ]
    : [
        [title, state, { text: `  ${limits(run, now)}` }],
        [...bar(Math.min(40, width - 62)), total, { text: `  ${pace(run, now)}` }]
      ]
}

/** What it does and for how long: of a run that is over, how long all of it took. */
const stage = (run: RunProgress, now: number): string => {
  const lasted = duration(Math.floor(Math.max(0, now - run.since) / 1000) * 1000)
  const why = [
    run.detail,
    run.nextAt === undefined ? "" : `next ${run.stage === "asking" ? "try" : "look"} in ${duration(run.nextAt - now)}`
  ]
    .filter((text) => text !== "")
    .join(", ")
  switch (run.stage) {
    case "complete":
      return `complete  ${files(run.totalFiles)}, ${size(run.totalBytes)} in ${duration(run.since - run.began)}`
    case "failed":
      return `failed after ${duration(run.since - run.began)}`
    case "asking":
    case "waiting":
      return `${run.stage} ${lasted}${why === "" ? "" : `  ${why}`}`
    case "transferring":
    case "publishing":
      return `${run.stage} ${lasted}`
  }
}

/** How fast, and how much longer. */
const pace = (run: RunProgress, now: number): string => {
  const silence = run.rate.silence(now)
  if (silence >= silent && bytesOf(run) < run.totalBytes) return `nothing came for ${duration(silence)}`
  const left = run.rate.left(now)
  return `${size(run.rate.perSecond)}/s`.padStart(10) + (left === undefined ? "" : `  ETA ${duration(left)}`)
}

/** Files, and what runs out: the links at hand, the export. */
const limits = (run: RunProgress, now: number): string =>
  [
    `${run.doneFiles}/${files(run.totalFiles)}`,
    ...(run.linksUntil === undefined ? [] : [`link ${duration(run.linksUntil - now)}`]),
    ...(run.exportUntil === undefined ? [] : [`export ${duration(run.exportUntil - now)}`])
  ].join("  ")

/** In the order in which they began. */
const movingOf = (run: RunProgress) => [...run.open].filter(([, file]) => file.moves)

/** The files on their way, as many as fit, and how many are left besides. */
const movingRows = (run: RunProgress, room: number, width: number): ReadonlyArray<Row> => {
  if (run.stage !== "transferring") return []
  const left = run.totalFiles - run.doneFiles
  const shown = movingOf(run).slice(0, left <= room ? room : Math.max(0, room - 1))
  const column = Math.max(0, ...shown.map(([key]) => name(key).length))
  const more = left - shown.length
  return [
    ...shown.map(([key, file]) => fileRow(name(key).padEnd(column), file, width)),
    ...(more > 0 && room > 0 ? [[{ text: `  … and ${more} more`, style: "dim" } as const]] : [])
  ]
}

const fileRow = (title: string, file: FileProgress, width: number): Row => {
  const bytes = bytesOfFile(file)
  const cells = Math.min(width >= wide ? 40 : 16, width - title.length - 36)
  return [
    { text: `  ${title}` },
    ...gauge(fraction(bytes, file.size), cells),
    { text: `  ${amount(bytes, file.size)}`, style: "dim" }
  ]
}

/** Padded, so that nothing moves sideways while figures grow. */
const amount = (bytes: number, of: number): string => {
  const whole = size(of)
  return `${String(Math.floor(100 * fraction(bytes, of))).padStart(3)} %  ${size(bytes).padStart(8)} of ${whole}`
}

const fraction = (bytes: number, of: number): number => (of === 0 ? 1 : bytes / of)

/** ASCII alone: other signs are as wide as a terminal's font and settings say. Where there is no room, none. */
const gauge = (part: number, cells: number): Row => {
  if (cells < 8) return []
  const inside = cells - 2
  const full = Math.floor(part * inside)
  return [
    { text: "  [" },
    { text: "=".repeat(Math.max(0, full - 1)) + (full === 0 ? "" : full < inside ? ">" : "="), style: "cyan" },
    { text: ".".repeat(inside - full), style: "dim" },
    { text: "]" }
  ]
}
