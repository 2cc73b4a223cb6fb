// What is measured, who takes part, and what was promised of it.
import { longshore, resumed } from "./longshore.mjs"
import { big, latency, small, throttle } from "./origin.mjs"

const one = [big]
const many = small.map(({ name, size }) => ({ name: `small/${name}`, size }))
const at = (base, files) => files.map(({ name, size }) => ({ url: `${base}/${name}`, size }))

const wall = (limit, ...against) => ({ what: "wall", limit, against })
const cpu = (limit, ...against) => ({ what: "cpu", limit, against })
const rss = (limit) => ({ what: "rss", limit, against: [] })
/** All peers of a work. */
const everyone = "*"

/** In the order of the promises. */
export const works = (origin, peers) => {
  const { ca, distant, http, https, throttled, why } = origin
  const file = `${http}/${big.name}`
  const filesTargets = [wall(1, everyone), cpu(2, everyone), rss(180)]
  const fileTargets = [
    wall(1, "curl"),
    wall(1.2, "wget", "aria2c -x8 -s8", "rclone copyurl"),
    cpu(1.5, "curl"),
    rss(180)
  ]
  const oneFile = (id, title, base, contenders, targets) => ({
    id,
    title,
    files: one,
    contenders: [longshore(at(base, one), ca), ...contenders(`${base}/${big.name}`, ca)],
    targets
  })
  const manyFiles = (id, title, base) => ({
    id,
    title,
    files: many,
    contenders: [longshore(at(base, many), ca), ...peers.files(`${base}/small`, ca)],
    targets: filesTargets
  })
  const resume = (id, title, base, targets) => ({
    id,
    title,
    files: one,
    contenders: [resumed(at(base, one), ca), { ...longshore(at(base, one), ca), name: "Longshore, all of it" }],
    targets
  })
  const rate = `${throttle / 2 ** 20} MiB/s`
  return [
    oneFile("http-1gib", "1 GiB over HTTP into a folder", http, peers.file, fileTargets),
    oneFile("https-1gib", "1 GiB over HTTPS into a folder", https, peers.file, fileTargets),
    manyFiles("http-200", "200 files of 4 MiB over HTTP into a folder", http),
    manyFiles("https-200", "200 files of 4 MiB over HTTPS into a folder", https),
    oneFile("throttled", `1 GiB over HTTP, ${rate} for each connection`, throttled, peers.throttled, [
      wall(1, "aria2c -x8 -s8"),
      rss(180)
    ]),
    distant === undefined
      ? { id: "latency", title: `1 GiB over HTTP, ${latency} ms away`, impossible: why }
      : oneFile("latency", `1 GiB over HTTP, ${latency} ms away`, distant, peers.distant, []),
    {
      id: "s3",
      title: "1 GiB over HTTP into S3",
      files: one,
      s3: true,
      contenders: [longshore(at(http, one), ca), ...peers.bucket(file)],
      targets: [wall(1, everyone), cpu(1, everyone), rss(220)]
    },
    resume("resume-throttled", `1 GiB over HTTP, killed at 90 %, ${rate} for each connection`, throttled, [
      wall(0.2, "Longshore, all of it")
    ]),
    resume("resume-loopback", "1 GiB over HTTP, killed at 90 %, as fast as the loopback goes", http, [
      wall(0.2, "Longshore, all of it")
    ])
  ]
}
