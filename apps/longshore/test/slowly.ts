/** A transfer that is slow enough to be met in the middle. */
import { setTimeout as sleep } from "node:timers/promises"
import type { laboratory } from "./program.ts"

type Simulator = Awaited<ReturnType<ReturnType<typeof laboratory>["simulator"]>>

const partSize = 128 * 1024

/** For the simulator: four seconds of bytes, if they come one after another. */
export const slow = ["--file-size", "1MB", "--bandwidth", "500kB"]

/** For the run that is met. */
export const oneByOne = ["--part-size", `${partSize}`, "--concurrency", "1"]

/** For the run that ends it. */
export const atOnce = ["--part-size", `${partSize}`, "--concurrency", "16"]

/** Parts that were sent in full. */
export const wholeParts = async ({ requests }: Simulator): Promise<number> =>
  (await requests("file")).filter(({ bytes }) => bytes === partSize).length

/** Some parts are stored, others are on their way. */
export const inTheMiddle = async (simulator: Simulator): Promise<void> => {
  while ((await wholeParts(simulator)) < 3) await sleep(20)
}
