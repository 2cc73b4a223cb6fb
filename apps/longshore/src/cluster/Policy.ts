/** How patient a cluster's run is, as settings say it. */
import { policyOf, type RunPolicy } from "@longshore/workflow/ExportTask"
import * as Duration from "effect/Duration"
import type * as Setting from "../settings/Setting.ts"
import type { Settings } from "../settings/Settings.ts"

type Get = <N extends Setting.Name>(name: N) => Setting.Value<N> | undefined

const of = (get: Get): RunPolicy => {
  const maxWait = get("max-wait")
  const poll = get("poll")
  return policyOf({
    onBusy: get("on-busy"),
    onExpired: get("on-expired"),
    maxWait: maxWait === undefined ? undefined : Duration.toMillis(maxWait),
    poll: poll === undefined ? undefined : Duration.toMillis(poll),
    partSize: get("part-size")
  })
}

/** Of a runner's account. */
export const ofSettings = (settings: Settings): RunPolicy => of((name) => settings.get(name))

/** What a client's settings say themselves: the rest is the cluster's to say. */
export const said = (settings: Settings): RunPolicy =>
  of((name) => (settings.resolved(name).origin.level === "default" ? undefined : settings.get(name)))
