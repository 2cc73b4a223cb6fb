/** Many tasks on all processors. A task is a number; what it gives crosses threads, so it is plain data. */
import { availableParallelism } from "node:os"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"

interface Share {
  readonly first: number
  readonly end: number
  readonly step: number
}

const isShare = (value: unknown): value is Share => typeof value === "object" && value !== null && "step" in value

/**
 * Runs `task(from)` to `task(end - 1)`, each once, and hands over what they give as it comes. The module that calls this is
 * loaded again in each thread: `module` is its `import.meta.url`.
 */
export const crew = async <A>(options: {
  readonly module: string
  readonly from: number
  readonly end: number
  readonly task: (n: number) => Promise<A>
  readonly done: (result: A) => void
}): Promise<void> => {
  if (!isMainThread) {
    const share: unknown = workerData
    if (!isShare(share)) throw new Error("A thread without a share of the tasks.")
    for (let n = share.first; n < share.end; n += share.step) parentPort?.postMessage(await options.task(n))
    return
  }
  const step = availableParallelism()
  await Promise.all(
    Array.from({ length: step }, (_, i) => {
      const share: Share = { first: options.from + i, end: options.end, step }
      const worker = new Worker(new URL(options.module), { workerData: share, argv: process.argv.slice(2) })
      worker.on("message", options.done)
      return new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject))
    })
  )
}

/** A whole number from the command line, or an end with a word about it. */
export const wholeNumber = (name: string, text: string): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && text !== "") return value
  console.error(`--${name} ${text} is not a whole number`)
  return process.exit(2)
}
