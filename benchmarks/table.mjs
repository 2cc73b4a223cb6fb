// Figures into Markdown.

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  if (sorted.length === 0) return Number.NaN
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Of one contender, over all rounds. `rss` in MB of 10^6 bytes, `cpu` in seconds per GiB. */
const summarize = (runs = [], bytes) => {
  const walls = runs.map((run) => run.wall)
  return {
    wall: median(walls),
    least: Math.min(...walls),
    most: Math.max(...walls),
    cpu: median(runs.map((run) => run.cpu)) / (bytes / 2 ** 30),
    rss: median(runs.map((run) => run.rss)) / 1e6
  }
}

const two = (value) => (Number.isNaN(value) ? "" : value.toFixed(2))
const row = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`

/** `results` has the runs of each contender by name, ours first. */
export const workTable = ({ files, title }, results) => {
  const bytes = files.reduce((sum, file) => sum + file.size, 0)
  const summaries = [...results].map(([name, runs]) => ({ name, ...summarize(runs, bytes) }))
  const [ours] = summaries
  const lines = summaries.map(({ cpu, least, most, name, rss, wall }) =>
    Number.isNaN(wall)
      ? row([name, "failed", "", "", "", ""])
      : row([
          name,
          `${two(wall)} (${two(least)}–${two(most)})`,
          two(cpu),
          rss.toFixed(0),
          name === ours.name ? "" : two(ours.wall / wall),
          name === ours.name ? "" : two(ours.cpu / cpu)
        ])
  )
  return [
    `### ${title}`,
    "",
    row(["", "wall s, median (min–max)", "CPU s per GiB", "peak RSS MB", "our wall ÷ its", "our CPU ÷ its"]),
    row(["---", "---", "---", "---", "---", "---"]),
    ...lines
  ].join("\n")
}

/** What was promised of a work, what came of it. */
export const promises = ({ files, targets, title }, results) => {
  const bytes = files.reduce((sum, file) => sum + file.size, 0)
  const [ours, ...others] = [...results].map(([name, runs]) => ({ name, ...summarize(runs, bytes) }))
  return targets.map(({ against, limit, what }) => {
    if (Number.isNaN(ours.wall)) return [title, what, "failed", mark(false)]
    if (what === "rss") return [title, `peak RSS ≤ ${limit} MB`, `${ours.rss.toFixed(0)} MB`, mark(ours.rss <= limit)]
    const rivals = others.filter(
      ({ name, wall }) => !Number.isNaN(wall) && (against.includes("*") || against.includes(name))
    )
    const names = against.includes("*") ? others.map(({ name }) => name) : against
    const whom = names.length === 1 ? names[0] : `the fastest of ${names.join(", ")}`
    const promise = `${what === "wall" ? "wall" : "CPU"} ≤ ${limit.toFixed(1)} × ${whom}`
    if (rivals.length === 0) return [title, promise, "nobody to compare with", ""]
    const fastest = rivals.reduce((best, rival) => (rival.wall < best.wall ? rival : best))
    const ratio = ours[what] / fastest[what]
    return [title, promise, names.length === 1 ? two(ratio) : `${two(ratio)} (${fastest.name})`, mark(ratio <= limit)]
  })
}

const mark = (reached) => (reached ? "yes" : "**no**")

export const promiseTable = (rows) =>
  [row(["work", "target", "measured", "reached"]), row(["---", "---", "---", "---"]), ...rows.map(row)].join("\n")
