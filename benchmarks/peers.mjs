// The other tools: which are installed, and how each is asked to do a work. Each gets what makes it fast at it, none reads
// its owner's settings, and all put their bytes on the disk in the same way.
import { spawnSync } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { join } from "node:path"
import * as Debian from "../scripts/debian.mjs"
import { quote, time } from "./measure.mjs"
import { big, small } from "./origin.mjs"

const debian = {
  nginx: "nginx-light",
  openssl: "openssl",
  time: "time",
  curl: "curl",
  wget: "wget",
  aria2c: "aria2",
  rclone: "rclone",
  aws: "awscli"
}
/** Without these there is nothing to measure with, or nobody to measure against. */
const needed = ["nginx", "openssl", "time", "curl"]

const find = (program) => {
  if (program === "time") return isProgram(time) ? time : undefined
  const chosen = process.env[`BENCH_${program.toUpperCase()}`]
  if (chosen !== undefined) return chosen
  // Shims of version managers are scripts in front of the program: their cost is not its.
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin"].filter((folder) => !folder.endsWith("/shims"))
  return folders.map((folder) => join(folder, program)).find(isProgram)
}

const isProgram = (path) => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const version = (path, program) => {
  const flag = { rclone: "version", nginx: "-v" }[program] ?? "--version"
  const { stdout, stderr } = spawnSync(path, [flag], { encoding: "utf8" })
  return /\d+(?:\.\d+)+[-\w]*/.exec(stdout + stderr)?.[0] ?? "?"
}

/** Finds them all. With `install`, asks Debian for those that are missing. */
export const findTools = ({ install }) => {
  let missing = Object.keys(debian).filter((program) => find(program) === undefined)
  const packages = () => missing.map((program) => debian[program]).join(" ")
  if (missing.length > 0 && install) {
    Debian.install(...packages().split(" "))
    missing = Object.keys(debian).filter((program) => find(program) === undefined)
  }
  const hint = `apt-get install ${packages()}, or as root: pnpm bench --install`
  const without = needed.filter((program) => missing.includes(program))
  if (without.length > 0) throw new Error(`Not installed: ${without.join(", ")}. ${hint}`)
  if (missing.length > 0) process.stderr.write(`Not installed, so not measured: ${missing.join(", ")}. ${hint}\n`)
  const tools = {}
  for (const program of Object.keys(debian)) {
    const path = find(program)
    if (path !== undefined) tools[program] = { path: quote(path), version: version(path, program) }
  }
  return tools
}

const one = [big.name]
const many = small.map(({ name }) => name)

/**
 * Into a folder. Longshore syncs its files and their folder before it says that they are there: so does everyone, and
 * that is part of their time.
 */
const intoFolder = (tool, name, names, command) => ({
  name,
  tool,
  start: ({ target }) => {
    const files = names.length === 1 ? quote(join(target, names[0])) : `${quote(target)}/*`
    return { command: `${command(quote(target))} && sync ${files} ${quote(target)}` }
  },
  result: ({ target }) => names.map((file) => join(target, file))
})

/** Into a bucket. */
const intoBucket = (tool, name, start) => ({ name, tool, start, key: big.name })

const installed = (contenders) => contenders.filter(({ tool }) => tool !== undefined)

/** Who takes part in which work. */
export const peers = ({ aria2c, aws, curl, rclone, wget }) => {
  const rcloneQuiet = "--config '' --quiet"
  const aria2cQuiet = "--no-conf --quiet"
  const aria2cSplit = (url, ca) =>
    intoFolder(
      aria2c,
      "aria2c -x8 -s8",
      one,
      (to) => `${aria2c.path} ${aria2cQuiet} -x8 -s8 --ca-certificate=${ca} -d ${to} -o ${big.name} ${url}`
    )
  const curlOne = (url, ca) =>
    intoFolder(curl, "curl", one, (to) => `${curl.path} -q -sSf --cacert ${ca} -o ${to}/${big.name} ${url}`)
  const rcloneStreams = (url) =>
    intoFolder(
      rclone,
      "rclone copy, 8 streams",
      one,
      (to) =>
        `${rclone.path} copy ${rcloneQuiet} --multi-thread-streams 8 --multi-thread-cutoff 1M --http-url ${new URL(".", url)} :http:${big.name} ${to}`
    )
  return {
    /** One file from a host nearby. */
    file: (url, ca) =>
      installed([
        curlOne(url, ca),
        intoFolder(
          wget,
          "wget",
          one,
          (to) => `${wget.path} --no-config -q --ca-certificate=${ca} -O ${to}/${big.name} ${url}`
        ),
        aria2cSplit(url, ca),
        intoFolder(
          rclone,
          "rclone copyurl",
          one,
          (to) => `${rclone.path} copyurl ${rcloneQuiet} --ca-cert ${ca} ${url} ${to}/${big.name}`
        )
      ]),
    /** One file from a host that gives little to each connection. */
    throttled: (url, ca) => installed([aria2cSplit(url, ca), rcloneStreams(url)]),
    /** One file from a host far away. */
    distant: (url, ca) => installed([curlOne(url, ca), aria2cSplit(url, ca), rcloneStreams(url)]),
    /** All the small files in the folder `url`. */
    files: (url, ca) =>
      installed([
        intoFolder(
          curl,
          "curl -Z",
          many,
          (to) =>
            `${curl.path} -q -sSf -Z --parallel-max 8 --cacert ${ca} -o ${to}/'#1.bin' '${url}/[001-${many.length}].bin'`
        ),
        intoFolder(
          aria2c,
          "aria2c -j8",
          many,
          (to) =>
            `seq -f '${url}/%03g.bin' ${many.length} | ${aria2c.path} ${aria2cQuiet} -j8 --ca-certificate=${ca} -d ${to} -i -`
        ),
        intoFolder(
          rclone,
          "rclone copy",
          many,
          (to) => `${rclone.path} copy ${rcloneQuiet} --transfers 8 --ca-cert ${ca} --http-url ${url}/ :http: ${to}`
        )
      ]),
    /** One file into a bucket. */
    bucket: (url) =>
      installed([
        intoBucket(aws, "curl | aws s3 cp -", ({ s3 }) => ({
          command: `${curl.path} -q -sSf ${url} | ${aws.path} s3 cp - s3://${s3.bucket}/${big.name} --expected-size ${big.size} --only-show-errors --endpoint-url ${s3.endpoint}`,
          env: s3.env
        })),
        intoBucket(rclone, "rclone copyurl", ({ s3 }) => ({
          command: `${rclone.path} copyurl ${rcloneQuiet} ${url} :s3:${s3.bucket}/${big.name}`,
          env: {
            RCLONE_S3_PROVIDER: "Ceph",
            RCLONE_S3_ENDPOINT: s3.endpoint,
            RCLONE_S3_ACCESS_KEY_ID: s3.env.AWS_ACCESS_KEY_ID,
            RCLONE_S3_SECRET_ACCESS_KEY: s3.env.AWS_SECRET_ACCESS_KEY
          }
        }))
      ])
  }
}
