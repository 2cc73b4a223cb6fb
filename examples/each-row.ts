/**
 * Every reservation through a function, typed, while the bytes arrive. Here it counts them by state.
 *
 * Nothing is kept, so a run that is cut short gives its rows again: let the function be one that may see a row twice.
 *
 *     node examples/each-row.ts
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { ExportRun, Exports, StreamSink, Transfer } from "@longshore/core"
import { FileJournal } from "@longshore/journal-file"
import { NodeSource } from "@longshore/source-node"
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { Ndjson } from "effect/encoding"

// The fields that are needed. Others may come and go.
const Reservation = Schema.Struct({ Id: Schema.String, State: Schema.String })

const counts = new Map<string, number>()
const onRow = ({ State }: typeof Reservation.Type) => Effect.sync(() => counts.set(State, (counts.get(State) ?? 0) + 1))

const rows = StreamSink.layer({
  locate: (key) => `rows of ${key}`,
  consume: (_, bytes) =>
    bytes.pipe(Stream.pipeThroughChannel(Ndjson.decodeSchema(Reservation)()), Stream.runForEach(onRow))
})

const live = Transfer.layer().pipe(
  Layer.provide(NodeSource.layer()),
  Layer.merge(rows),
  Layer.merge(Exports.layerConfig()), // LONGSHORE_CLIENT_TOKEN, LONGSHORE_ACCESS_TOKEN
  Layer.provide(NodeHttpClient.layerNodeHttp),
  Layer.merge(FileJournal.layer({ path: "./state/rows.jsonl", identity: { what: "rows of reservations" } }))
)

ExportRun.run({ request: { entityType: "Reservation" } }).pipe(
  Effect.andThen(() => Console.log(JSON.stringify(Object.fromEntries(counts)))),
  Effect.provide(live),
  NodeRuntime.runMain
)
