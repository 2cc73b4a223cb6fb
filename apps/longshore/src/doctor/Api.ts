/** Whether what answers is the Connector API, and takes the tokens: asked about an export that does not exist. */
import { ExportId } from "@longshore/core/Export"
import type { InvalidRequest } from "@longshore/core/ExportError"
import * as Exports from "@longshore/core/Exports"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import * as ExitCode from "../output/ExitCode.ts"
import type { Credentials } from "../settings/Credentials.ts"
import { version } from "../version.ts"
import * as Network from "../runs/Network.ts"
import * as Finding from "./Finding.ts"

type Findings = readonly [api: Finding.Finding, access: Finding.Finding]

export const check = (credentials: Credentials): Effect.Effect<Findings> =>
  Effect.flatMap(Exports.Exports, ({ getAll }) => getAll([ExportId.make(randomUUID())])).pipe(
    Effect.as(accepted),
    Effect.provide(
      Exports.layer({ ...credentials, client: `Longshore ${version}`, retries: 0, timeout: "8 seconds" }).pipe(
        Layer.provide(Network.client({ maxSockets: 4 }))
      )
    ),
    Effect.catch((error) => Effect.succeed(judge(error)))
  )

const isApi = Finding.ok("api", "it is the Connector API")
const accepted: Findings = [isApi, Finding.ok("access", "the API takes the tokens")]
const unasked = Finding.skipped("access", "the API gave no answer about the tokens")

const judge = (error: Exports.ApiError | InvalidRequest): Findings => {
  // Words or an id of the API's own tell it from a gateway that refuses.
  const isItself = "requestId" in error && (error.requestId !== undefined || error.apiMessage !== undefined)
  if (error._tag === "AccessDenied") {
    const access = Finding.ofFailure("access", error)
    return isItself
      ? [isApi, access]
      : [
          Finding.warning(
            "api",
            `HTTP ${error.status ?? "?"} without a RequestId: perhaps the API, perhaps a gateway before it`,
            "Check that the platform address is the API's and that no proxy or log-in page answers in its place."
          ),
          access
        ]
  }
  if (error._tag !== "RequestRejected") return [Finding.ofFailure("api", error), unasked]
  // It looked at the id, and so at the tokens before.
  if (error.status === 400 && isItself) return accepted
  const { requestId } = Finding.ofFailure("api", error)
  const found = `what answers is not the Connector API (HTTP ${error.status ?? "?"})`
  const nextStep = "Check the platform address: it is the scheme and host alone, such as https://api.mews.com."
  const finding = Finding.failed("api", ExitCode.error, found, nextStep)
  return [requestId === undefined ? finding : { ...finding, requestId }, unasked]
}
