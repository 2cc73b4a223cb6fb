import * as Duration from "effect/Duration"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it, type TestContext } from "vitest"
import { cluster, type ClusterOptions, filesBelow, type Runner, sha256, until } from "./cluster.ts"
import { needsPostgres } from "./database.ts"

/** Parts take longer than a second, so at any moment all connections are in the middle of one. */
const small = { partSize: 128 * 1024, fileSize: 20_000_000, bandwidth: 100_000 }
/** The least that S3 takes, and as long. */
const large = { partSize: 5 * 1024 * 1024, fileSize: 42_000_000, bandwidth: 4_000_000 }
const lockExpiry = 10
const terminationTimeout = 5

/** Two runners, and an export that one of them is in the middle of. `hurry` makes the rest of it quick. */
const inTheMiddle = async (
  context: TestContext,
  { bandwidth, fileSize, partSize } = small,
  more: Partial<ClusterOptions> = {}
) => {
  const simulator = { pending: 200, processing: 200, files: 2, fileSize, bandwidth }
  const lab = await cluster(context, {
    accounts: ["hotel"],
    simulator,
    flags: [
      `--lock-expiry=${lockExpiry}s`,
      `--termination-timeout=${terminationTimeout}s`,
      `--part-size=${partSize}`,
      "--concurrency=4"
    ],
    ...more
  })
  await Promise.all([lab.start(), lab.start()])
  const id = await lab.submit("hotel", { entityType: "Bill" }, { poll: 200 })
  const parts = async () => (await lab.downloads()).filter(({ bytes }) => bytes === partSize).length
  await until(async () => (await parts()) >= 4, "four parts have come")
  // The next ones have begun, and with them the upload of another file.
  await sleep(500)
  const owner = await lab.busiest()
  return {
    ...lab,
    id,
    owner,
    parts,
    partSize,
    hurry: () => {
      simulator.bandwidth = Infinity
    }
  }
}

/** Seconds until a GET came that this runner cannot have sent. */
const takenOver = async (lab: Awaited<ReturnType<typeof inTheMiddle>>, since: number, gone: number) => {
  const next = async () => (await lab.downloads()).find(({ from }) => from > gone)
  await until(async () => (await next()) !== undefined, "another runner goes on")
  return (((await next())?.from ?? Infinity) - since) / 1000
}

const whole = async (lab: Awaited<ReturnType<typeof inTheMiddle>>) => {
  lab.hurry()
  expect((await lab.finished(lab.id)).state).toBe("complete")
  expect(await lab.undelivered()).toEqual([])
  const accepted = await lab.exports()
  expect(accepted).toHaveLength(1)
  expect((await lab.requests()).filter(({ kind }) => kind === "add")).toHaveLength(1)
  // Only what was on its way came twice.
  const count = accepted
    .flatMap(({ files }) => files)
    .reduce((sum, { size }) => sum + Math.floor(size / lab.partSize), 0)
  expect(await lab.parts()).toBeLessThanOrEqual(count + 8)
  expect(await lab.leaks()).toEqual([])
}

describe.concurrent("another runner goes on", () => {
  it("within the expiry of its locks and three seconds of a kill -9", { timeout: 120_000 }, async (context) => {
    needsPostgres(context)
    const lab = await inTheMiddle(context)
    const at = Date.now()
    lab.owner.signal("SIGKILL")
    await lab.owner.ended
    const seconds = await takenOver(lab, at, Date.now())
    console.log(`taken over ${seconds.toFixed(1)} s after kill -9 (locks expire after ${lockExpiry} s)`)
    expect(seconds).toBeLessThanOrEqual(lockExpiry + 3)
    await whole(lab)
  })

  it("within the termination timeout of SIGTERM", { timeout: 120_000 }, async (context) => {
    needsPostgres(context)
    const lab = await inTheMiddle(context)
    const at = Date.now()
    lab.owner.signal("SIGTERM")
    const { code } = await lab.owner.ended
    const exited = Date.now()
    const seconds = await takenOver(lab, at, exited)
    console.log(
      `SIGTERM: ended after ${((exited - at) / 1000).toFixed(1)} s, taken over after ${seconds.toFixed(1)} s (timeout ${terminationTimeout} s)`
    )
    expect(code).toBe(0)
    expect(seconds).toBeLessThanOrEqual(terminationTimeout)
    await whole(lab)
  })
})

describe.concurrent("answers to add that are on their way are not lost", () => {
  const held = async (context: TestContext) => {
    const lab = await cluster(context, {
      accounts: ["north", "south"],
      simulator: {
        pending: 200,
        processing: 200,
        files: 1,
        fileSize: 10_000,
        faults: [{ name: "hold-add-answer", count: Infinity, duration: Duration.seconds(4) }]
      },
      flags: [`--lock-expiry=${lockExpiry}s`, `--termination-timeout=${terminationTimeout}s`]
    })
    const submitted = async () => {
      const ids = await Promise.all(
        ["north", "south"].flatMap((account) =>
          ["Bill", "Payment", "Customer", "Company", "Reservation"].map((entityType) =>
            lab.submit(account, { entityType }, { poll: 200 })
          )
        )
      )
      await until(async () => (await lab.exports()).length === ids.length, "all are accepted")
      return ids
    }
    const outcome = async (ids: ReadonlyArray<string>) => ({
      states: new Set((await Promise.all(ids.map(lab.finished))).map(({ state }) => state)),
      accepted: (await lab.exports()).length,
      undelivered: await lab.undelivered()
    })
    return { ...lab, submitted, outcome }
  }

  it("when a runner ends", { timeout: 120_000 }, async (context) => {
    needsPostgres(context)
    const lab = await held(context)
    const [one] = await Promise.all([lab.start(), lab.start()])
    const ids = await lab.submitted()
    one.signal("SIGTERM")
    await one.ended
    expect(await lab.outcome(ids)).toEqual({ states: new Set(["complete"]), accepted: ids.length, undelivered: [] })
  })

  it("when another runner comes", { timeout: 120_000 }, async (context) => {
    needsPostgres(context)
    const lab = await held(context)
    await lab.start()
    const starting = lab.start()
    // So that it takes its share while the answers are on their way.
    await sleep(300)
    const ids = await lab.submitted()
    await starting
    expect(await lab.outcome(ids)).toEqual({ states: new Set(["complete"]), accepted: ids.length, undelivered: [] })
  })
})

/** Freezes the runner that transfers, lets another end its work, wakes it, and looks for fifteen seconds at what it does. */
const freeze = async (
  lab: Awaited<ReturnType<typeof inTheMiddle>>,
  frozen: Runner,
  published: () => Promise<unknown>
) => {
  frozen.signal("SIGSTOP")
  lab.hurry()
  expect((await lab.finished(lab.id)).state).toBe("complete")
  const before = await published()
  frozen.signal("SIGCONT")
  for (let n = 0; n < 30; n++) {
    await sleep(500)
    expect(await published()).toEqual(before)
  }
  expect(await lab.exports()).toHaveLength(1)
  expect((await lab.requests()).filter(({ kind }) => kind === "add")).toHaveLength(1)
  // Both still do their work.
  const again = await lab.submit("hotel", { entityType: "Payment" }, { poll: 200 })
  expect((await lab.finished(again)).state).toBe("complete")
  expect(await lab.leaks()).toEqual([])
}

const s3 = () => import("../../../packages/sink-s3/test/server.ts")

describe.concurrent("a runner that was frozen wakes beside its successor, and changes nothing", () => {
  it("in a folder", { timeout: 150_000 }, async (context) => {
    needsPostgres(context)
    const lab = await inTheMiddle(context)
    await freeze(lab, lab.owner, () => filesBelow(lab.base))
    expect(await lab.undelivered()).toEqual([])
  })

  it("in S3", { timeout: 150_000 }, async (context) => {
    needsPostgres(context)
    const { below, bucket, environment, read } = await s3()
    const prefix = `frozen-${process.pid}`
    const lab = await inTheMiddle(context, large, { to: `s3://${bucket}/${prefix}`, env: environment })
    await freeze(lab, lab.owner, () => below(prefix))
    const { objects, uploads } = await below(prefix)
    expect(uploads).toEqual([])
    const accepted = await lab.exports()
    const folders = accepted.map(({ account, entityType, id }) => `${prefix}/${account}/${entityType}/${id}`)
    const expected = accepted.flatMap(({ entityType, files }, n) =>
      files.map((file, index) => ({ key: `${folders[n]}/${entityType}-0000${index + 1}.jsonl`, digest: file.sha256 }))
    )
    expect(Object.keys(objects).sort()).toEqual(
      [...expected.map(({ key }) => key), ...folders.map((folder) => `${folder}/manifest.json`)].sort()
    )
    for (const { digest, key } of expected) expect(sha256(await read(key))).toBe(digest)
  })
})
