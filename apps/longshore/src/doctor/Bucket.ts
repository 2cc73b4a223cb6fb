/** Whether a bucket takes what a run would give it. */
import type { BucketProbe, S3SinkOptions } from "@longshore/sink-s3/S3Sink"
import * as Effect from "effect/Effect"
import * as ExitCode from "../output/ExitCode.ts"
import type { Reading } from "./Clock.ts"
import * as Finding from "./Finding.ts"
import * as Network from "./Network.ts"

export interface Bucket {
  readonly finding: Finding.Finding
  readonly reading?: Reading
}

export const check = Effect.fnUntraced(function* (options: S3SinkOptions): Effect.fn.Return<Bucket> {
  // Larger than all the rest together.
  const S3Sink = yield* Effect.promise(() => import("@longshore/sink-s3/S3Sink"))
  const probe = yield* S3Sink.probe(options)
  const reading = probe.clock === undefined ? {} : { reading: { server: "S3", ...probe.clock } }
  return { finding: judge(options, probe), ...reading }
})

const judge = (options: S3SinkOptions, probe: BucketProbe): Finding.Finding => {
  const { credentials, problem, region } = probe
  const signed = [
    `region ${region ?? "not known"}`,
    ...(credentials === undefined ? [] : [`access key ${credentials.id} from ${credentials.source}`]),
    wayTo(options, region)
  ].join(", ")
  if (problem !== undefined) {
    const { error } = problem
    return Finding.failed(
      "target",
      ExitCode.of(error),
      `${words[problem.step]}: ${error.message} (${signed})`,
      error.nextStep
    )
  }
  const found = `s3://${options.bucket} can be listed, written, read and cleared; ${signed}; ${probe.checksums === true ? "keeps CRC-32 of parts" : "keeps no CRC-32 of parts: they are compared by MD5"}`
  return probe.conditions === true
    ? Finding.ok("target", `${found}; knows conditional writes`)
    : Finding.warning(
        "target",
        `${found}; knows no conditional writes`,
        "Let no other program write below this prefix: the server would not tell two writers apart."
      )
}

const words: Record<NonNullable<BucketProbe["problem"]>["step"], string> = {
  settings: "its settings",
  credentials: "credentials",
  list: "listing",
  upload: "an upload in parts",
  object: "a small object"
}

const wayTo = ({ bucket, endpoint }: S3SinkOptions, region = "us-east-1"): string =>
  Network.way(new URL(endpoint ?? `https://${bucket}.s3.${region}.amazonaws.com`))
