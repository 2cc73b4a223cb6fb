/** The SDK's client, as this sink uses it: on our own way to the network, and never trying again by itself. */
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type { S3SinkOptions } from "../S3Sink.ts"
import { failure, isTransient, noAnswer, type S3Failure } from "./failure.ts"
import { handler } from "./http.ts"

export type Call<A> = (client: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<A>

export interface S3 {
  readonly bucket: string
  /** The prefix with its slash, or nothing. */
  readonly prefix: string
  /** Once: for what only `Transfer` may try again. */
  readonly once: <A>(call: Call<A>) => Effect.Effect<A, S3Failure>
  /** A few times while it may pass: for what nobody else tries again. */
  readonly patiently: <A>(call: Call<A>, within?: Duration.Input) => Effect.Effect<A, S3Failure>
}

const config = (options: S3SinkOptions, sent: Set<string>): S3ClientConfig => {
  const endpoint = options.endpoint ?? process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"]
  const given = options.credentials
  const profile = options.profile === undefined ? {} : { profile: options.profile }
  // A server of one's own may have no regions, but requests are signed for one.
  const orSome = () => new S3Client(profile).config.region().catch(() => "us-east-1")
  const region = options.region ?? process.env["AWS_REGION"] ?? process.env["AWS_DEFAULT_REGION"]
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region !== undefined ? { region } : endpoint !== undefined ? { region: orSome } : {}),
    ...profile,
    ...(given === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: given.accessKeyId,
            secretAccessKey: Redacted.value(given.secretAccessKey),
            ...(given.sessionToken === undefined ? {} : { sessionToken: Redacted.value(given.sessionToken) })
          }
        }),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    requestHandler: handler(sent),
    maxAttempts: 1,
    expectContinueHeader: false,
    // Otherwise it wraps bodies in chunks with a trailer, which many servers refuse, and sums them in JavaScript.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // What it has to say comes as errors; a library does not write to the terminal.
    logger: { debug: () => {}, error: () => {}, info: () => {}, warn: () => {} }
  }
}

// About 6 seconds in all: a gateway that restarts is borne, one that is gone is told of.
export const patience = { schedule: Schedule.jittered(Schedule.exponential("200 millis")), times: 5 }

/** The end of waiting for a server that drips, or sends anything but an answer: silence alone would not end it. */
export const inTime = <A, E, R>(answer: Effect.Effect<A, E, R>, within: Duration.Input = "5 minutes") =>
  Effect.timeoutOrElse(answer, { duration: within, orElse: () => Effect.fail(noAnswer) })

export const make = Effect.fnUntraced(function* (options: S3SinkOptions) {
  const sent = new Set<string>()
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new S3Client(config(options, sent))),
    (client) => Effect.sync(() => client.destroy())
  )
  const once: S3["once"] = (call) =>
    Effect.tryPromise({ try: (abortSignal) => call(client, { abortSignal }), catch: (cause) => failure(cause, sent) })
  const prefix = (options.prefix ?? "").replace(/^\/+|\/+$/g, "")
  const s3: S3 = {
    bucket: options.bucket,
    prefix: prefix === "" ? "" : `${prefix}/`,
    once,
    patiently: (call, within) => Effect.retry(inTime(once(call), within), { ...patience, while: isTransient })
  }
  return s3
})
