/** A sink that asks its holder's lease before anything lasting is done. */
import { ObjectSink, type ObjectWriter } from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Lease } from "../Fence.ts"

/**
 * A part is let through before the sink begins with it, as the first of an object may begin an upload, and so is each of
 * its arrays: a runner may freeze in the middle of a part.
 */
export const fenced = (sink: ObjectSink["Service"], { confirm, recent }: Lease): ObjectSink["Service"] => {
  const after = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.andThen(confirm, effect)
  const guard = (writer: ObjectWriter): ObjectWriter => ({
    ...writer,
    write: (part, bytes, crc32) =>
      Effect.flatMap(recent, () =>
        writer.write(
          part,
          Stream.mapArrayEffect(bytes, (chunk) => Effect.as(recent, chunk)),
          crc32
        )
      ),
    commit: after(writer.commit),
    discard: after(writer.discard)
  })
  return ObjectSink.of({
    ...sink,
    open: (object) => Effect.map(after(sink.open(object)), guard),
    settle: (key) => after(sink.settle(key))
  })
}
