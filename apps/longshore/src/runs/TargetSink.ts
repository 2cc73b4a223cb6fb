/** The sink of a target. */
import type { SinkError } from "@longshore/core/ExportError"
import type { ObjectSink } from "@longshore/core/ObjectSink"
import * as FsSink from "@longshore/sink-fs/FsSink"
import * as StdoutSink from "@longshore/sink-stdout/StdoutSink"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Target } from "./Target.ts"

/** `readOnly`: only to look at what is there; nothing is made, not even to try whether it can be. */
export const layer = (
  target: Target,
  options: { readonly readOnly?: boolean } = {}
): Layer.Layer<ObjectSink, SinkError> => {
  switch (target._tag) {
    case "Folder":
      return FsSink.layer({ directory: target.directory, ...options })
    case "Stdout":
      return StdoutSink.layer
    case "S3":
      // Larger than all the rest together, and only some need it.
      return Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("@longshore/sink-s3/S3Sink")),
          (S3Sink) => S3Sink.layer({ ...target, ...options })
        )
      )
  }
}
