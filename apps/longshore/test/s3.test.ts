import { createHash } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { startImitation } from "../../../packages/sink-s3/test/imitation.ts"
import { laboratory, secretless } from "./program.ts"

const secret = "SECRET0ACCESS0KEY"
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

/** A server, a bucket in it, and how an AWS user would point a program at it. */
const bucket = async () => {
  const endpoint = await startImitation()
  await fetch(`${endpoint}/exports`, { method: "PUT" })
  const env = { AWS_ACCESS_KEY_ID: "imitation", AWS_SECRET_ACCESS_KEY: secret, AWS_ENDPOINT_URL: endpoint }
  const get = async (key: string) => Buffer.from(await (await fetch(`${endpoint}/exports/${key}`)).arrayBuffer())
  return { endpoint, env, get }
}

describe.concurrent("longshore export --to s3://", () => {
  it("delivers into a bucket, and knows on a rerun and offline that all of it is there", async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator("--files", "2", "--file-size", "300kB")
    const { endpoint, env, get } = await bucket()
    const state = await lab.folder()
    const all = { env: { ...simulator.env, ...env, LONGSHORE_STATE: state } }
    const command = ["export", "Reservation", "--to", "s3://exports/mews"]

    const first = await lab.longshore(command, all)
    expect(first.stderr).toMatch(
      /done, 2 files, 600\.0 kB, verified\. s3:\/\/exports\/mews\/Reservation\/\S+\/manifest\.json/
    )
    expect(first.code).toBe(0)
    const [found] = await simulator.exports()
    for (const [index, file] of (found?.files ?? []).entries()) {
      const bytes = await get(`mews/Reservation/${found?.id}/Reservation-0000${index + 1}.jsonl`)
      expect(sha256(bytes)).toBe(file.sha256)
    }
    const manifest = JSON.parse(String(await get(`mews/Reservation/${found?.id}/manifest.json`)))
    expect(manifest.files).toHaveLength(2)

    const calls = (await simulator.requests("file")).length
    const second = await lab.longshore(command, all)
    expect(second.stderr).toContain("all of it is there")
    expect(await simulator.requests("file")).toHaveLength(calls)
    // Whoever asks need not know the server.
    const status = await lab.longshore(["status", "s3://exports/mews"], { env: { LONGSHORE_STATE: state } })
    expect(status.stdout.toString()).toMatch(/ complete .* 2\/2 /)

    for (const name of await readdir(state)) {
      const text = await readFile(Path.join(state, name), "utf8")
      secretless(text)
      expect(text).not.toContain(secret)
      expect(text).toContain(`s3://exports/mews at ${endpoint}`)
    }
  })

  it("F91 goes on after a kill with the parts that the bucket has", async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator("--files", "1", "--file-size", "40MB", "--bandwidth", "5MB")
    const { env, get } = await bucket()
    const all = { env: { ...simulator.env, ...env, LONGSHORE_STATE: await lab.folder() } }
    const command = ["export", "Reservation", "--to", "s3://exports/mews", "--concurrency", "2", "--part-size", "5MiB"]

    const killed = lab.start(command, all)
    const whole = async () => (await simulator.requests("file")).filter(({ bytes }) => bytes === 5 * 1024 * 1024).length
    while ((await whole()) < 3) await sleep(50)
    killed.child.kill("SIGKILL")
    await killed.ended
    const resumed = await lab.longshore(command, all)
    expect(resumed.code).toBe(0)
    const [found] = await simulator.exports()
    const bytes = await get(`mews/Reservation/${found?.id}/Reservation-00001.jsonl`)
    expect(sha256(bytes)).toBe(found?.files[0]?.sha256)
    // Seven whole parts and a short one; twice at most those that were on their way.
    expect(await whole()).toBeLessThanOrEqual(7 + 2)
  })

  it("F83 says what is wrong with a bucket, credentials or an address", async (context) => {
    const lab = laboratory(context)
    const simulator = await lab.simulator()
    const { env } = await bucket()
    const state = await lab.folder()
    const run = (to: string, more: Record<string, string>) =>
      lab.longshore(["export", "Reservation", "--to", to], {
        env: { ...simulator.env, LONGSHORE_STATE: state, ...more }
      })
    const missing = await run("s3://nobody/mews", env)
    expect(missing).toMatchObject({ code: 9 })
    expect(missing.stderr).toMatch(/s3:\/\/nobody\/mews.*there is no such bucket/)
    const anonymous = await run("s3://exports/mews", {
      AWS_ENDPOINT_URL: env.AWS_ENDPOINT_URL,
      AWS_EC2_METADATA_DISABLED: "true"
    })
    expect(anonymous).toMatchObject({ code: 9 })
    expect(anonymous.stderr).toMatch(/no credentials were found in AWS_ACCESS_KEY_ID/)
    const nowhere = await run("s3://exports/mews", { ...env, AWS_ENDPOINT_URL: "not an address" })
    expect(nowhere).toMatchObject({ code: 2 })
    // Nothing was asked of the API: it is the target that is wrong.
    expect(await simulator.requests("add")).toHaveLength(0)
  })
})
