/** What becomes of the program when stdout cannot be written. */
import * as ExitCode from "./ExitCode.ts"

/** `isTold`: whether somebody else says so by then. */
export const watch = (isTold: () => boolean): void => {
  // A reader that closes its end (`| head`) is how pipes end. Who writes data learns of it by the write.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return
    process.exitCode = ExitCode.sink
    if (isTold()) return
    process.stderr.write(
      `longshore: stdout cannot be written (${error.code}). Next: see where it goes, and run the command again.\n`
    )
  })
}
